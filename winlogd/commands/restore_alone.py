"""Restore a backup into a database that this process owns. This file loads SQLite."""

import apsw

from winlogd.commands.forget_alone import forget_again, known_at
from winlogd.commands.terminal import FailedError, ProgressLine, warn
from winlogd.config.sections import Config
from winlogd.daemon.settings import least_free_bytes
from winlogd.store.backup.errors import BackupFailedError
from winlogd.store.backup.restore import restore


def restored(config: Config, descriptor: int, path: str, file: str) -> str:
    """Restore the open backup `file` to `path`, and forget again who was forgotten. Return a sentence about it.

    Raises:
        FailedError: nothing was restored, or not to the end.
    """
    line = ProgressLine()
    try:
        counts, replaced, holds = restore(descriptor, path, least_free_bytes(config), line.show)
    except (BackupFailedError, apsw.Error) as error:
        raise FailedError(f"{file} was not restored, and nothing was changed: {error}") from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise FailedError(f"{file} was not restored: {where}{error.strerror}") from None
    finally:
        line.clear()
    try:
        forget_again(config, path, known_at(path))
    except FailedError as error:
        warn(f"{path} is restored, but forgotten people may be in it, and a server shows nothing of the past: {error}")
    kept = f"; the file that was there before is {replaced}" if replaced else ""
    rows = f"events_today {counts.today} rows, events_history {counts.history} rows"
    return f"{path} is restored: {rows}{_of_holds(holds)}{kept}"


def _of_holds(count: int | None) -> str:
    """Return what became of the holds of the file that was there before."""
    if count is None:
        return "; the holds of the file before cannot be read: winlogd hold list shows those that are in force"
    return f"; holds that were added after the backup and stay in force: {count}" if count else ""
