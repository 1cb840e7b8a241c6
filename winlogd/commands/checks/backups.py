"""Check how old the last backup is, and whether there is room for the next one. It opens no backup."""

import os
from collections.abc import Iterator
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.disk import MB
from winlogd.commands.checks.finding import Finding, fine, unseen
from winlogd.commands.nouns import counted
from winlogd.config.messages import escaped
from winlogd.daemon.settings import least_free_bytes
from winlogd.sessions.session import US
from winlogd.store.backup.files import names_of

_FAULT_DAYS: Final = 8
_NOTE_DAYS: Final = 2
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_ADVICE: Final = (
    "sudo systemctl enable --now winlogd-backup.timer makes one each night and keeps 7: docs/operate.md, Backup"
)


def check(context: Context) -> Iterator[Finding]:
    """Find out that there is no backup, that it is old, or that there is no room for another one."""
    folder = context.config.backup.folder
    try:
        last = names_of(folder, context.path).last(context.now_us / US)
    except NotADirectoryError:
        last = None
    except OSError as error:
        advice = "run this as root, or as the user that winlogd runs as"
        yield unseen(escaped(folder), error.strerror or str(error), advice)
        return
    yield judged(None if last is None else last.made_s, context.now_us / US, escaped(folder))
    yield from _room(context, folder)


def judged(newest_s: float | None, now_s: float, folder: str) -> Finding:
    """Judge when the newest backup was made, in seconds since 1970; None without one."""
    if newest_s is None:
        return Finding("fault", f"there is no backup in {folder}", "if the disk fails, everything is lost", _ADVICE)
    days = int((now_s - newest_s) // _DAY_S)
    if days < _NOTE_DAYS:
        hours = max(int(now_s - newest_s), 0) // _HOUR_S
        return fine(f"the last one is {counted(hours, 'hour')} old")
    meaning = "if the disk fails, the events since then are lost"
    return Finding(
        "fault" if days >= _FAULT_DAYS else "note", f"the last backup in {folder} is {days} days old", meaning, _ADVICE
    )


def _room(context: Context, folder: str) -> Iterator[Finding]:
    """Find out that the next backup does not fit: it is as large as the database."""
    while not os.path.isdir(folder) and folder != "/":
        folder = os.path.dirname(folder)
    try:
        status, size_bytes = os.statvfs(folder), os.path.getsize(context.path)
    except OSError:  # the check of the disk says so
        return
    free_bytes = status.f_bavail * status.f_frsize
    if free_bytes < size_bytes + least_free_bytes(context.config):
        yield Finding(
            "fault",
            f"the next backup does not fit in {escaped(folder)}: {free_bytes // MB} MB are free, the database has"
            f" {size_bytes // MB} MB, and limits.min_free_disk stays free",
            "winlogd backup will fail",
            "remove old backups (winlogd backup --keep N keeps fewer), or set backup.folder to another disk",
        )
