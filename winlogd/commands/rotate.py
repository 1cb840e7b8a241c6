"""``winlogd rotate``: let the running server rotate the database, or rotate it here if no server is running.

This file must not know what a rotation is.
"""

import os
from collections.abc import Sequence
from typing import Final

from winlogd.commands.flags import Parser
from winlogd.commands.remote import carried_out
from winlogd.commands.terminal import say
from winlogd.config.load import load
from winlogd.config.sections import Config

_DOES: Final = """\
Move the rows of finished days from events_today to events_history now. A running
server does it between the events that come; without one this command does it. A
session that is still open keeps its logon in events_today. Root does it as the
owner of the database's folder."""

_EXAMPLE: Final = """\
  sudo winlogd rotate --config /etc/winlogd/config.toml
  prints how many rows were moved, and how many sessions are open after that.
"""


def run(words: Sequence[str]) -> int:
    """Rotate the database of the configuration now. Return the exit status.

    Args:
        words: the command line after ``rotate``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database was not rotated, or not to the end.
        HelpAskedError, MisusedError: see `Parser`.
    """
    config = load(Parser("rotate", _DOES, _EXAMPLE).config_file(list(words)), os.environ)
    return say(carried_out(config, "rotate", _alone))


def _alone(config: Config, path: str) -> str:
    from winlogd.commands.rotate_alone import rotated  # a command that asks the server does not load SQLite

    return rotated(config, path)
