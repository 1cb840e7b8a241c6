"""Rewrite a database that no server uses, and the readers' file beside it.

The caller owns the database. This file must not know what the command line says.
"""

import os
import shutil
import time

import apsw

from winlogd.commands.terminal import FailedError, ProgressLine
from winlogd.config.sections import Config
from winlogd.daemon.settings import settings_of
from winlogd.store.access_file.errors import AccessFileError
from winlogd.store.access_file.file import AccessFile, is_missing
from winlogd.store.access_file.tables import access_path
from winlogd.store.errors import ReplacedError, UnusableError
from winlogd.store.file.compact import Compacted, compact, needed_bytes
from winlogd.store.jobs.alone import LockWait


def needed(path: str) -> tuple[int, int]:
    """Return the size of the database at `path`, and the free space that a rewrite needs, in bytes.

    Raises:
        FailedError: there is less free space.
    """
    try:
        size, needs = os.stat(path).st_size, needed_bytes(path)
        free = shutil.disk_usage(os.path.dirname(path)).free
    except OSError as error:
        raise FailedError(f"{path} cannot be looked at: {error.strerror}") from None
    if free < needs:
        raise FailedError(
            f"the folder of {path} has {free // 1_000_000} MB of free space, and the rewrite needs"
            f" {needs // 1_000_000} MB: make room, or move the database to a larger disk"
        )
    return size, needs


def compacted(config: Config, path: str) -> Compacted:
    """Rewrite the database at `path`, a real path, and the readers' file beside it.

    Raises:
        FailedError: the database is as before, or only the readers' file is.
    """
    settings, line, begun_s = settings_of(config, path), ProgressLine(), time.monotonic()

    def report() -> None:
        line.show({"seconds": int(time.monotonic() - begun_s)})

    try:
        done = compact(settings, LockWait(settings.busy_timeout_ms / 1000).waits, report)
    except (UnusableError, ReplacedError, apsw.Error) as error:
        raise FailedError(f"{path} could not be rewritten, and is as before: {error}") from None
    finally:
        line.clear()
    _compact_readers(access_path(path))
    return done


def _compact_readers(path: str) -> None:
    if is_missing(path):
        return
    try:
        file = AccessFile(path)
        try:
            file.compact()
        finally:
            file.close()
    except AccessFileError as error:
        raise FailedError(f"the database is rewritten, but not the readers' file: {error}") from None
