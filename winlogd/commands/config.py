"""``winlogd config``: which value each option has, and where it comes from.

This file must not know the options.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from winlogd.commands.answers import print_json
from winlogd.commands.config_text import text_of
from winlogd.commands.database import database_of
from winlogd.commands.flags import Parser
from winlogd.commands.remote import by_the_server
from winlogd.commands.terminal import FailedError, note, write
from winlogd.config.load import load
from winlogd.config.sections import Config
from winlogd.daemon.in_force import fields_of

_PATIENCE_S: Final = 10.0

_DOES: Final = """\
Print which value each option has in the running server, and where it comes from: the
default, a line of the file, an environment variable, or a reload. Without a running
server, print what a start by this command line would have. Secrets are not shown. The
output is a configuration file, with the origins as comments."""

_EXAMPLE: Final = """\
  sudo winlogd config --config /etc/winlogd/config.toml
  prints all options, such as:  port = 3000    # line 12
"""


def run(words: Sequence[str]) -> int:
    """Print the options. Return the exit status.

    Args:
        words: the command line after ``config``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the server cannot be asked.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = Parser("config", _DOES, _EXAMPLE)
    parser.add_argument("--json", action="store_true", help="print an object of JSON")
    options = parser.parse_args(words)
    answer = _answer(load(options.config, os.environ))
    return print_json(answer) if options.json else write(text_of(answer))


def _answer(config: Config) -> Mapping[str, Any]:
    """Return what the server of the database answers; without one, what this process has read."""
    alone = {"running": False, **fields_of(config, config, os.environ)}  # first: root may become another user
    try:
        path = database_of(config)
    except FailedError as error:
        note(f"no server can be asked: {error}")
        return alone
    try:
        return by_the_server(path, {"order": "config"}, _PATIENCE_S)
    except (FileNotFoundError, ConnectionRefusedError):
        note("no server is running: this is what a start with this command line would have")
        return alone
