"""``winlogd compact``: rewrite the database without gaps, while no server runs.

This file must not know how a database is rewritten.
"""

import os
from collections.abc import Sequence
from typing import Final

from winlogd.commands.database import database_of
from winlogd.commands.flags import Parser
from winlogd.commands.terminal import FailedError, ask_first, say
from winlogd.config.load import load
from winlogd.daemon.settings import folder_fault
from winlogd.store.errors import OwnedError
from winlogd.store.file.ownership import Ownership

_DOES: Final = """\
Rewrite the database without gaps: the file becomes as small as it can be, and holds
nothing that was deleted. A database of an older server can give space back from then
on. Only while no server runs: stop it first. It needs free space of twice the file's
size in the same folder, and takes minutes for gigabytes. If it is ended early, the
database is as before. Root does it as the owner of the database's folder."""

_EXAMPLE: Final = """\
  sudo systemctl stop winlogd
  sudo winlogd compact --config /etc/winlogd/config.toml
  asks "Rewrite /var/lib/winlogd/winlog.db, which has 812 MB ...? [y/N]", and after
  "y" prints the size before and after.
"""

_MB_BYTES: Final = 1_000_000


def run(words: Sequence[str]) -> int:
    """Rewrite the database of the configuration. Return the exit status.

    Args:
        words: the command line after ``compact``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database is as before.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = Parser("compact", _DOES, _EXAMPLE)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    flags = parser.parse_args(list(words))
    config = load(flags.config, os.environ)
    path = database_of(config, "nothing to compact")
    try:
        ownership = Ownership(path)
    except OwnedError:
        raise FailedError(f"a server is running on {path}: stop it, and run this again") from None
    except OSError as error:
        raise FailedError(folder_fault(error)) from None
    try:
        from winlogd.commands.compact_alone import compacted, needed  # loads SQLite

        size, needs = needed(ownership.path)
        ask_first(
            f"Rewrite {path}, which has {_mb(size)}? It needs {_mb(needs)} of free space in its folder.", flags.yes
        )
        before, after, is_in_wal = compacted(config, ownership.path)
    finally:
        ownership.release()
    if is_in_wal:
        return say(
            f"{path} is rewritten, but another program still reads the old content: end it, and run this again, so that"
            " the old content leaves the file"
        )
    return say(f"{path} is rewritten: {_mb(before)} before, {_mb(after)} now")


def _mb(octets: int) -> str:
    return f"{octets / _MB_BYTES:.1f} MB"
