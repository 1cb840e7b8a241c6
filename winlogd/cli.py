"""Run the sub-command that the first word of the command line names, with the other words.

Each sub-command is a module of `winlogd.commands`. Only the module that runs is imported, because a fast start is a
feature. This file must not know the flags of a command, nor what the command does.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from winlogd import VERSION

SERVE: Final = "serve"
"""The command that runs if the command line names none."""

COMMANDS: Final[Mapping[str, str]] = {
    SERVE: "run the server until SIGTERM or Ctrl-C; winlogd without a command does the same",
    "check-config": "check the configuration, and say who may read what",
    "config": "which value each option has, and where it comes from",
    "status": "how the server is: what is open, today's counts, files, rotation, backup",
    "rotate": "move finished days to the archive now",
    "backup": "copy the database and the readers' file, with the server running or not",
    "restore": "put a backup in the place of the database, without a running server",
    "purge": "delete events of today, of the archive, or before a date",
    "hold": "exempt a person, a machine or a span of time from deletion",
    "forget": "erase a person, or put a random name in their place",
    "compact": "rewrite the database without gaps, while no server runs",
    "doctor": "look at everything that goes wrong in a year, and say what to do",
    "who": "who is on now, or was on at a time",
    "sessions": "sessions by user, machine, room, address and time",
    "machines": "the machines, their states, and those that report nothing",
    "rooms": "how many machines of each room are in use and free",
    "user": "where a user is, and was last",
    "machine": "who is on a machine, its hardware, and its last sessions",
    "search": "find people, machines, rooms and times by a part of a name",
    "export": "write sessions or events to a file: CSV, lines of JSON, or SQLite",
    "import": "bring in the events of an older server's file",
    "token": "add, list and revoke readers, and show who has looked at what",
    "healthcheck": "ask the server if it can store events, for a container",
}
"""Every command and its purpose. The command `check-config` is the module `winlogd.commands.check_config`."""

_MODULES: Final[Mapping[str, str]] = {"import": "import_file"}
"""The module of each command that has another name: `import` is a word of Python's."""

USAGE: Final = """\
usage: winlogd [COMMAND] [--config FILE]
       winlogd COMMAND --help
       winlogd --version | --help
"""

_HELP: Final = ("--help", "-h")
_VERSION: Final = ("--version", "-V")
_ASKING: Final = (*_HELP, *_VERSION)
"""What asks about winlogd itself."""

_SHOWN_CHARACTERS: Final = 60
"""A message about a wrong word repeats at most this many of its characters."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name, by default those of the process. Return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except (Exception, KeyboardInterrupt) as error:
        from winlogd.commands.terminal import status_after  # a server prints nothing here

        status = status_after(error)
        if status is None:
            raise
        return status


def _run(words: Sequence[str]) -> int:
    """Run the command that `words` name. Return the exit status."""
    first = words[0] if words else ""
    if first in COMMANDS:
        return _command(first, words[1:])
    if not first or (first.startswith("-") and first not in _ASKING):
        return _command(SERVE, words)
    from winlogd.commands import terminal

    if first in _HELP:
        return terminal.write(_help())
    if first in _VERSION:
        return terminal.say(f"winlogd {VERSION}")
    raise terminal.MisusedError(_unknown(first), USAGE)


def _command(name: str, words: Sequence[str]) -> int:
    """Import the module of the command `name` and run it with `words`. Return the exit status."""
    module = import_module(f"winlogd.commands.{_MODULES.get(name, name.replace('-', '_'))}")
    status: int = module.run(words)
    return status


def _unknown(word: str) -> str:
    """Return a sentence that says that `word` is no command, and which command was perhaps meant."""
    from difflib import get_close_matches  # loaded only for a wrong word

    word = word[:_SHOWN_CHARACTERS]
    near = get_close_matches(word.lower().replace("_", "-"), COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else "winlogd --help lists the commands"
    return f"{word!r} is no command; {hint}"


def _help() -> str:
    """Return the text of ``winlogd --help``."""
    from winlogd.commands.terminal import status_lines

    width = max(map(len, COMMANDS))
    commands = "".join(f"  {name:{width}}  {purpose}\n" for name, purpose in COMMANDS.items())
    return f"""\
{USAGE}
winlogd collects logon, logoff and hardware events from workstations and keeps them in SQLite.

commands:
{commands}
Without --config, winlogd reads ./config.toml, or else /etc/winlogd/config.toml, if it exists. An environment
variable overrides each option:
WINLOGD_SERVER_PORT=8080 winlogd

exit statuses:
{status_lines()}"""
