"""The files beside the database that may have a name: find it there, clean replaced files, and say what is left.

This command is not the server: it may read the database's bytes. It has no connection to the database then, because
closing a file drops the locks of this process. This file must not know the control socket.
"""

import glob
import os
import shlex
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import apsw

from winlogd.commands.forget_alone import FAULTS, erased
from winlogd.commands.forget_person import Person
from winlogd.commands.forget_traces import Traces
from winlogd.commands.reader import read_from
from winlogd.commands.terminal import FailedError, ProgressLine, note, warn
from winlogd.config.sections import Config
from winlogd.daemon.settings import settings_of
from winlogd.store.access_file.tables import access_path
from winlogd.store.file.compact import compact
from winlogd.store.file.settings import Settings
from winlogd.store.jobs.alone import LockWait, run_alone
from winlogd.store.jobs.holding import ChangeHolds
from winlogd.store.past.holds import Hold, read_holds
from winlogd.store.past.tombstones import Forgotten, Tombstone, digest_of
from winlogd.store.read.identities import Use, Wanted, names_with, uses_of
from winlogd.store.read.mentioning import rows_mentioning
from winlogd.store.read.once import read_once

_NUMBER: Final = 1 << 62
"""No file has applied a tombstone with this number. None notes it either: only `winlog.access` gives numbers."""
_BESIDE: Final = ("-wal", "-shm", "-journal")
_KEY: Final = b"replaced files"
_SHOWN_ROWS: Final = 10
_SHORTEST: Final = 4
"""Three letters come by chance in a large file."""


def look_for(config: Config, path: str, words: Sequence[str], wanted: Wanted) -> Person:
    """Look for a person in the database and in replaced files. Only read them.

    Raises:
        FailedError: the database cannot be read.
    """
    line = shlex.join(["forget", *words])

    def uses(connection: apsw.Connection) -> list[Use]:
        return uses_of(connection, wanted)

    of_database = read_from(config, path, line, uses)
    of_files: list[Use] = []
    files, unreadable = [], []
    for file in _replaced(path):
        try:
            of_files += read_from(config, file, line, uses)
            files.append(file)
        except FailedError as error:
            unreadable.append(str(error))
    return Person(wanted, of_database, of_files, files, unreadable)


def clean(config: Config, path: str, words: Sequence[str], person: Person, pseudonym: str) -> int:
    """Forget a person in replaced files, and rewrite these. Return how many were cleaned.

    The holds of the database count there, too.

    Raises:
        FailedError: the database cannot be read.
    """
    wanted, now_us, cleaned = person.wanted, time.time_ns() // 1000, 0
    holds = read_from(config, path, shlex.join(["forget", *words]), read_holds)
    known = Forgotten(
        _KEY,
        [
            Tombstone(_NUMBER, digest_of(_KEY, name), wanted.first_us, wanted.last_us, now_us, pseudonym)
            for name in person.names
        ],
    )
    for file in person.files if person.names else ():
        settings = settings_of(config, file)
        try:
            _take_over(holds, settings)
            erased(settings, known)
            _rewrite(file, settings)
            cleaned += 1
        except (*FAULTS, OSError) as error:
            warn(f"{file} may still have the name: {error}")
    return cleaned


def _rewrite(file: str, settings: Settings) -> None:
    """Rewrite a file, so that no deleted byte is left. Show meanwhile for how long it has taken.

    Raises:
        UnusableError, apsw.Error, OSError: as `compact`.
    """
    line, begun_s = ProgressLine(), time.monotonic()

    def show() -> None:
        line.show({"rewriting": os.path.basename(file), "seconds": int(time.monotonic() - begun_s)})

    try:
        compact(settings, LockWait(settings.busy_timeout_ms / 1000).waits, show)
    finally:
        line.clear()


def _take_over(holds: Sequence[Hold], settings: Settings) -> None:
    """Add holds to another database, but those that it has."""
    there = {hold[1:] for hold in read_once(settings, read_holds)}
    for hold in holds:
        if hold[1:] not in there:
            run_alone(ChangeHolds(hold), settings)


def say_what_is_left(config: Config, path: str, words: Sequence[str], person: Person, is_wal_empty: bool) -> bool:
    """Say on standard error which events stay, where bytes of the names are left, and what cannot be reached.

    Returns:
        True if events have the name still, inside or outside of the time.

    Raises:
        FailedError: the database cannot be read.
    """
    line, wanted = shlex.join(["forget", *words]), person.wanted
    always = wanted._replace(first_us=None, last_us=None)
    uses, left, holds = read_from(
        config, path, line, lambda each: (uses_of(each, wanted), uses_of(each, always), read_holds(each))
    )
    stay = sum(use.events for use in uses)
    if stay and holds:
        note(f"{stay} events stay, because a hold exempts them; winlogd hold list shows it. They go when it ends")
    elif stay:
        note(f"{stay} events stay: they came during this command, or a part of their session is outside of the time")
    if not left:
        _search(config, path, line, person.spellings | {*person.names, wanted.name}, is_wal_empty)
    for reason in person.unreadable:
        warn(f"a replaced file may still have the name: {reason}")
    backups = len(_files(os.path.join(config.backup.folder, "*.db")))
    note(
        f"not reached: {backups} backups in {config.backup.folder}, backups elsewhere, and the log (the journal). A"
        " backup that is restored is cleaned before it is shown"
    )
    return bool(left)


def _search(config: Config, path: str, line: str, names: set[str], is_wal_empty: bool) -> None:
    longer = read_from(
        config, path, line, lambda connection: {each for name in names for each in names_with(connection, name)}
    )
    if short := sorted(name for name in names if len(name) < _SHORTEST):
        note(f"the files are not searched for {short[0]}: so few letters are everywhere")
    left = _files_with(path, Traces((name for name in names if len(name) >= _SHORTEST), longer))
    if not is_wal_empty:
        note("a program reads the database and does not end: the WAL keeps what was there before, until it ends")
    rewritten = {f"{file}{end}" for file in (path, access_path(path)) for end in ("", *_BESIDE)}
    if left - rewritten:
        note("winlogd compact does not rewrite the files with other names; remove them if nobody needs them")
    if not left & rewritten:
        return
    rows = read_from(config, path, line, lambda connection: rows_mentioning(connection, names, longer, _SHOWN_ROWS + 1))
    if rows:
        shown = ", ".join(f"{each.table} {each.row_id}" for each in rows[:_SHOWN_ROWS])
        more = ", and more" if len(rows) > _SHOWN_ROWS else ""
        note(f"rows of others still have the name in a text; look at them by their ids: {shown}{more}")
    else:
        note("stop the server and run winlogd compact: it leaves nothing between the rows")


def _files_with(path: str, traces: Traces) -> set[str]:
    """Return the files beside a database that have bytes of the names. Say so for each."""
    left = set()
    for file in _files(f"{glob.escape(path)}*", f"{glob.escape(access_path(path))}*"):
        try:
            count = _places_in(file, traces)
        except OSError as error:
            warn(f"{file} cannot be searched: {error.strerror}")
            continue
        if count:
            left.add(file)
            note(f"{file} still has bytes of the name in {count} place{'s' * (count > 1)}")
    return left


def _places_in(file: str, traces: Traces) -> int:
    """Return at how many places a file has the names. Show meanwhile how far the search is.

    Raises:
        OSError: the file cannot be read.
    """
    line, searched_bytes, in_all_bytes = ProgressLine(), 0, os.stat(file).st_size

    def show(more_bytes: int) -> None:
        nonlocal searched_bytes
        searched_bytes += more_bytes
        line.show({"bytes_searched": searched_bytes, "bytes_in_all": in_all_bytes, "file": os.path.basename(file)})

    try:
        return traces.count_in(file, show)
    finally:
        line.clear()


def _replaced(path: str) -> list[str]:
    """Return the databases beside one that a restore has replaced, or winlogd has rescued."""
    prefix = glob.escape(path)
    found = _files(f"{prefix}.replaced-*", f"{prefix}.rescued-*")
    return [file for file in found if not file.endswith(_BESIDE)]


def _files(*patterns: str) -> list[str]:
    """Return the regular files that fit patterns."""
    found = []
    for name in {name for pattern in patterns for name in glob.glob(pattern)}:
        with suppress(OSError):
            if stat.S_ISREG(os.lstat(name).st_mode):
                found.append(name)
    return sorted(found)
