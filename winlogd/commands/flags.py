"""The flags of a sub-command and its ``--help``, by argparse.

The server starts without this module: argparse costs milliseconds that only a person who waits for a command spends.
"""

import argparse
from typing import Final, NoReturn

from winlogd.commands.terminal import HelpAskedError, MisusedError, status_lines
from winlogd.config.messages import escaped

_CONFIG: Final = "read this file; without the flag, ./config.toml if it exists"


class Parser(argparse.ArgumentParser):
    """A parser that has ``--help`` and ``--config FILE``; a command adds its own flags.

    It ends a wrong command line with `MisusedError` and ``--help`` with `HelpAskedError`.

    Args:
        command: the word after `winlogd`.
        does: what the command does, in lines of at most 80 characters.
        example: a command line, and what comes of it.
        usage: the line after "usage: ", where argparse's own is not right.
    """

    def __init__(self, command: str, does: str, example: str, usage: str | None = None) -> None:
        super().__init__(
            prog=f"winlogd {command}",
            usage=usage,
            description=does,
            epilog=f"example:\n{example}\nexit statuses:\n{status_lines()}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument("--config", metavar="FILE", help=_CONFIG)

    def config_file(self, words: list[str]) -> str | None:
        """Return FILE of ``--config FILE``, None without it; for a command that has no flag of its own.

        Raises:
            HelpAskedError, MisusedError: see the class.
        """
        file: str | None = self.parse_args(words).config
        return file

    def print_help(self, file: object = None) -> NoReturn:
        """Raise `HelpAskedError`: argparse would print, and let a full disk through as a traceback."""
        raise HelpAskedError(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Raise `MisusedError`."""
        raise MisusedError(escaped(message), self.format_usage())
