"""``winlogd restore``: put a backup in the place of the database. No server may run meanwhile.

This file must not know how a backup is checked.
"""

import os
from argparse import SUPPRESS
from collections.abc import Sequence
from typing import Final

from winlogd.commands.flags import Parser
from winlogd.commands.terminal import FailedError, say
from winlogd.config.load import load
from winlogd.config.sections import Config
from winlogd.daemon.privileges import PrivilegesError, become_owner
from winlogd.daemon.settings import folder_fault
from winlogd.store.errors import OwnedError
from winlogd.store.file.ownership import Ownership

_USAGE: Final = "winlogd restore FILE [--config FILE]"

_DOES: Final = """\
Put the backup FILE in the place of the database. FILE is checked first, and stays as
it is. Stop the server before. The database that is replaced stays beside the new one,
with the ending .replaced- and the time in UTC. The server removes it after a week: copy
it elsewhere to keep it. The readers' file is never touched. Root does it as the owner
of the database's folder."""

_EXAMPLE: Final = """\
  sudo systemctl stop winlogd
  sudo winlogd restore /var/lib/winlogd/backups/winlog-20260113T083000Z.db
  sudo systemctl start winlogd
"""


def run(words: Sequence[str]) -> int:
    """Restore a backup. Return the exit status.

    Args:
        words: the command line after ``restore``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: nothing was restored.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = Parser("restore", _DOES, _EXAMPLE, _USAGE)
    parser.add_argument("file", metavar="FILE", help=SUPPRESS)
    flags = parser.parse_args(list(words))
    config = load(flags.config, os.environ)
    descriptor = _opened(flags.file)
    try:
        return say(_restored(config, descriptor, flags.file))
    finally:
        os.close(descriptor)


def _opened(file: str) -> int:
    """Open the backup with the rights of this user. Return its descriptor.

    Root follows no link: another user could put one in the place of a backup, to a file that only root can read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if os.geteuid() else os.O_NOFOLLOW)
    try:
        has_wal = os.path.lexists(f"{file}-wal") and os.stat(f"{file}-wal").st_size
        descriptor = os.open(file, flags)
    except OSError as error:
        raise FailedError(f"{file} cannot be read: {error.strerror}") from None
    if has_wal:
        os.close(descriptor)
        raise FailedError(
            f"{file}-wal has a part of the rows, so {file} alone is no complete backup: join the two with sqlite3 and"
            ' "PRAGMA wal_checkpoint(TRUNCATE)"'
        )
    return descriptor


def _restored(config: Config, descriptor: int, file: str) -> str:
    path = os.path.realpath(config.database.path)
    try:
        become_owner(config.database.path)
        ownership = Ownership(path)
    except PrivilegesError as error:
        raise FailedError(str(error)) from None
    except OwnedError as error:
        raise FailedError(f"{error}: stop it first, restore, and start it again; nothing was changed") from None
    except OSError as error:
        raise FailedError(folder_fault(error)) from None
    try:
        from winlogd.commands.restore_alone import restored  # loads SQLite

        return restored(config, descriptor, path, file)
    finally:
        ownership.release()
