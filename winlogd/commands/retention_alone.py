"""Delete what is too old, after a rotation of a database that no server uses: what a server does after each rotation.

The caller owns the database. This file must not know the control socket.
"""

import time
from collections.abc import Mapping

import apsw

from winlogd.commands.purge_alone import delete_rows
from winlogd.commands.terminal import FailedError, warn
from winlogd.config.sections import Config
from winlogd.daemon.keeping import FAR_AWAY, MOST_DAYS_BETWEEN, days_between, kept_since_us, rotated_s
from winlogd.daemon.settings import settings_of
from winlogd.scheduled.retention import KEPT_PERCENT
from winlogd.store.access_file.errors import AccessFileError
from winlogd.store.access_file.file import AccessFile, is_missing
from winlogd.store.access_file.looks import remove_old
from winlogd.store.access_file.tables import access_path
from winlogd.store.backup.files import names_of
from winlogd.store.errors import UnusableError
from winlogd.store.file.marks import RETAINED_AT, TAKEN_OVER
from winlogd.store.jobs import delete, tidy
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.mark import SetMark
from winlogd.store.jobs.replaced import RemoveReplaced
from winlogd.store.jobs.selections import Received


def delete_old(config: Config, path: str, marks: Mapping[str, str]) -> int:
    """Delete old events, files and looks beside the database at `path`, a real path. Return how many events.

    If the last rotation was long ago, warn, and delete no event and no replaced file: the clock may be wrong.

    Args:
        config: the configuration.
        path: the database's real path.
        marks: the marks of the database before the rotation.

    Raises:
        FailedError: something is left.
    """
    settings, now_s = settings_of(config, path), time.time()
    before_us, deleted = kept_since_us(config, TAKEN_OVER in marks, now_s), 0
    days = days_between(rotated_s(marks), now_s)
    try:
        if before_us is not None and days > MOST_DAYS_BETWEEN:
            warn(f"{FAR_AWAY} ({days} days)")
        else:
            deleted = 0 if before_us is None else _delete_before(config, path, before_us)
            run_alone(RemoveReplaced(path, names_of(config.backup.folder, path).parts), settings)
        _prune(access_path(path), config.privacy.audit_days)
    except (UnusableError, AccessFileError, OSError, apsw.Error) as error:
        raise FailedError(f"what is too old could not be deleted: {error}") from None
    return deleted


def _delete_before(config: Config, path: str, before_us: int) -> int:
    deletion = delete.Delete(Received("events_history", before_us), None, delete.ALONE, hours="kept")
    deleted, _ = delete_rows(config, path, deletion, tidy.Tidy(before_us, KEPT_PERCENT, tidy.ALONE))
    run_alone(SetMark(RETAINED_AT, str(int(time.time()))), settings_of(config, path))
    return deleted.history


def _prune(path: str, days: int) -> None:
    """Remove old rows of the readers' log, if there is one."""
    if is_missing(path):
        return
    file, now_us = AccessFile(path), time.time_ns() // 1000
    try:
        file.run([lambda connection: remove_old(connection, now_us, days)])
    finally:
        file.close()
