"""``winlogd status``: how the running server is, or, if no server is running, what its files tell.

It writes nothing, and names nobody. This file must not know how the answer is found.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from winlogd.commands.answers import print_json
from winlogd.commands.database import DatabaseMissingError, database_of
from winlogd.commands.flags import Parser
from winlogd.commands.remote import by_the_server
from winlogd.commands.status_text import text_of
from winlogd.commands.terminal import FAILED, MISUSED, OK, STATUSES, write
from winlogd.config.load import load
from winlogd.config.sections import Config

NOT_RUNNING: Final = 3
"""As the exit status of ``systemctl status``, and of an init script's ``status`` (LSB 5.0, "Init Script Actions")."""

_STATUSES: Final[Mapping[int, str]] = {
    OK: "a server is running and stores events",
    FAILED: "a server is running and cannot store events, or it does not answer this user",
    MISUSED: STATUSES[MISUSED],
    NOT_RUNNING: "no server is running",
}
_PATIENCE_S: Final = 10.0
"""Wait so long for an answer. The server gives it within a second, unless it or its disk hangs."""

_DOES: Final = """\
Show how the running server is: since when events can be stored or why not, what is
open, the counts of today, refused requests, connections, the sizes of the files, the
last rotation, deletion and backup. Without a running server, say so and show what the
files tell. It changes nothing and names nobody. Root asks as the owner of the
database's folder."""

_EXAMPLE: Final = """\
  sudo winlogd status --config /etc/winlogd/config.toml
  shows a page of lines, the first of which says if all is well.
"""


def run(words: Sequence[str]) -> int:
    """Print the status. Return the exit status.

    Args:
        words: the command line after ``status``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: a server does not answer; or this user cannot see if one is running, or may not look at the files.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = Parser("status", _DOES, _EXAMPLE, statuses=_STATUSES)
    parser.add_argument("--json", action="store_true", help="print an object of JSON")
    options = parser.parse_args(words)
    answer = _answer(load(options.config, os.environ))
    printed = print_json(answer) if options.json else write(text_of(answer))
    return printed or _status_of(answer)


def _answer(config: Config) -> Mapping[str, Any]:
    """Return what the server answers, or, if none is running, what the files tell."""
    try:
        path = database_of(config)
    except DatabaseMissingError as error:
        return {"running": False, "fault": str(error)}
    try:
        return by_the_server(path, {"order": "status"}, _PATIENCE_S)
    except (FileNotFoundError, ConnectionRefusedError):
        return _alone(config, path)


def _alone(config: Config, path: str) -> Mapping[str, Any]:
    """Return what the files tell."""
    from winlogd.commands.status_alone import told_by_files  # a command that asks the server does not load SQLite

    return {"running": False, **told_by_files(config, path)}


def _status_of(answer: Mapping[str, Any]) -> int:
    if not answer["running"]:
        return NOT_RUNNING
    return OK if answer["server"]["is_writable"] else FAILED
