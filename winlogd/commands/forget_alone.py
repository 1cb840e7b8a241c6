"""Forget people in a database that no server uses: after an order, after an import, and after a restore.

The caller owns the database. This file must not know the control socket.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import apsw

from winlogd.commands.remote import Fields
from winlogd.commands.terminal import FailedError, ProgressLine
from winlogd.config.sections import Config
from winlogd.daemon.settings import settings_of
from winlogd.scheduled.forgetting import Applied
from winlogd.store.access_file.errors import AccessFileError
from winlogd.store.access_file.file import AccessFile, is_missing
from winlogd.store.access_file.forgotten import add_forgotten, read_forgotten, wish_from
from winlogd.store.access_file.tables import access_path
from winlogd.store.errors import LowSpaceError, ReplacedError, RowsLostError, UnusableError
from winlogd.store.file.faults import LOCKS
from winlogd.store.file.marks import FORGOTTEN, NO_MARK
from winlogd.store.file.settings import Settings
from winlogd.store.jobs import build, delete, hours, steps, tidy
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.forget import Forget, Forgot
from winlogd.store.jobs.job import Job
from winlogd.store.jobs.mark import SetMark
from winlogd.store.jobs.truncate import Truncate
from winlogd.store.past.tombstones import Forgotten

T = TypeVar("T")

FAULTS: Final = (UnusableError, ReplacedError, LowSpaceError, RowsLostError, apsw.Error)
"""What may end a job that runs alone."""
NOBODY: Final = Forgotten(b"", ())


def forgotten(config: Config, path: str, fields: Mapping[str, Any]) -> Fields:
    """Keep the tombstones of a wish, and apply them. Return the fields that a server answers.

    Args:
        config: says how SQLite treats the database.
        path: the database, a real path.
        fields: the members of a `Wish`.

    Raises:
        FailedError: nobody was forgotten, or not everything.
    """
    wish, now_us = wish_from(fields), time.time_ns() // 1000
    assert wish is not None  # this program has made it
    known = _on_access_file(path, lambda connection: add_forgotten(connection, wish, now_us))
    try:
        forgot, is_wal_empty = applied(settings_of(config, path), known)
    except FAULTS as error:
        raise FailedError(f"not everything was forgotten yet; run the command again: {error}") from None
    return {**forgot._asdict(), "is_wal_empty": is_wal_empty}


def applied(settings: Settings, known: Forgotten) -> Applied:
    """Apply the tombstones that a database lacks, and note that they are applied.

    Raises:
        UnusableError, ReplacedError, LowSpaceError, RowsLostError, apsw.Error: see `run_alone`. Do it again.
    """
    forgot = erased(settings, known)
    run_alone(SetMark(FORGOTTEN, known.mark), settings)
    return Applied(forgot, _is_wal_empty(settings))


def _is_wal_empty(settings: Settings) -> bool:
    """Empty the WAL. Return False if a reader keeps it for longer than a lock is waited for: all else is done."""
    try:
        return run_alone(Truncate(), settings)
    except LOCKS:
        return False


def erased(settings: Settings, known: Forgotten) -> Forgot:
    """Apply the tombstones that a database lacks, and tidy up. It raises the errors of `applied`."""
    line = ProgressLine()

    def run(job: "Job[Any, T]") -> T:
        return run_alone(job, settings, line.show)

    try:
        forgot = run(Forget(known, delete.ALONE))
        run(build.Build(steps.ALONE))
        run(hours.Hours(hours.ALONE))
        run(tidy.Tidy(0, 0, tidy.ALONE))
    finally:
        line.clear()
    return forgot


def known_at(path: str) -> Forgotten:
    """Return all tombstones beside the database at `path`. A missing file is not made.

    Raises:
        FailedError: the file cannot be read.
    """
    return NOBODY if is_missing(access_path(path)) else _on_access_file(path, read_forgotten)


def forget_again(config: Config, path: str, known: Forgotten) -> Forgot | None:
    """Apply all tombstones to a database that has got rows from elsewhere. Return None if there are none.

    Raises:
        FailedError: that failed. The next start goes on.
    """
    if not known.last:
        return None
    settings = settings_of(config, path)
    try:
        run_alone(SetMark(FORGOTTEN, NO_MARK), settings)
        return applied(settings, known).forgot
    except FAULTS as error:
        raise FailedError(
            f"forgotten people are still in {path}; the next start of the server removes them: {error}"
        ) from None


def _on_access_file(path: str, work: Callable[[apsw.Connection], Forgotten]) -> Forgotten:
    try:
        file = AccessFile(access_path(path))
        try:
            outcome = file.run([work])[0]
        finally:
            file.close()
    except AccessFileError as error:
        raise FailedError(f"nobody knows who was forgotten: {error}") from None
    assert isinstance(outcome, Forgotten)
    return outcome
