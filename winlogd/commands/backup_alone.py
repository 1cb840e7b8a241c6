"""Back up a database that no server uses.

The caller owns the database. This file loads SQLite; therefore it is imported only if no server is running.
It must not know the control socket.
"""

from collections.abc import Mapping
from typing import Any

import apsw

from winlogd.commands.terminal import FailedError, ProgressLine
from winlogd.config.sections import Config
from winlogd.daemon.settings import settings_of
from winlogd.store.access_file.copy import copy_to
from winlogd.store.access_file.errors import AccessFileError, OrderRefusedError
from winlogd.store.access_file.file import AccessFile, is_missing
from winlogd.store.access_file.tables import access_path
from winlogd.store.backup.errors import BackupFailedError
from winlogd.store.backup.files import names_of
from winlogd.store.backup.make import Copying, make
from winlogd.store.errors import LowSpaceError, ReplacedError, UnusableError
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.backup import ALONE, Backup, Copied
from winlogd.store.jobs.identify import Identify


def backed_up(config: Config, path: str, keep: int | None) -> Mapping[str, Any]:
    """Back up the database at `path`, a real path. Return the fields that a server answers.

    Raises:
        FailedError: there is no backup.
    """
    line = ProgressLine()
    settings = settings_of(config, path)

    def copy_database(to: str) -> Copied:
        run_alone(Identify(), settings)
        return run_alone(Backup(to, settings.min_free_bytes, ALONE), settings, line.show)

    names = names_of(config.backup.folder, path)
    try:
        made = make(names, Copying(copy_database, lambda to: _copy_access(path, to)), keep, line.show)
    except (
        BackupFailedError,
        AccessFileError,
        OrderRefusedError,
        UnusableError,
        ReplacedError,
        LowSpaceError,
        apsw.Error,
    ) as error:
        raise FailedError(f"the backup did not come to its end: {error}") from None
    finally:
        line.clear()
    return {"sentence": made.sentence, "file": made.file, "access": made.access}


def _copy_access(database: str, to: str) -> bool:
    """Copy the readers' file. Return False if there is none."""
    path = access_path(database)
    if is_missing(path):
        return False
    file = AccessFile(path)
    try:
        outcome: bool | Exception = file.run([copy_to(to)])[0]
    finally:
        file.close()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
