"""The flags of a sub-command and its ``--help``, by argparse.

The server starts without this module, because argparse takes milliseconds to load. This file must not know what any
command does.
"""

import argparse
from collections.abc import Mapping
from typing import Final, NoReturn

from winlogd.commands.terminal import STATUSES, HelpAskedError, MisusedError, status_lines
from winlogd.config.messages import escaped

_CONFIG: Final = "read this file; without the flag, ./config.toml or else /etc/winlogd/config.toml"


class Parser(argparse.ArgumentParser):
    """A parser with the flags ``--help`` and ``--config FILE``. A command adds its own flags.

    A wrong command line raises `MisusedError`, and ``--help`` raises `HelpAskedError`.

    Args:
        command: the word after `winlogd`.
        does: what the command does, in lines of at most 80 characters.
        example: a command line and its result.
        usage: the text after "usage: "; None for the one that argparse makes.
        statuses: every exit status of the command, and what it means.
    """

    def __init__(
        self,
        command: str,
        does: str,
        example: str,
        usage: str | None = None,
        statuses: Mapping[int, str] = STATUSES,
    ) -> None:
        super().__init__(
            prog=f"winlogd {command}",
            usage=usage,
            description=does,
            epilog=f"example:\n{example}\nexit statuses:\n{status_lines(statuses)}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument("--config", metavar="FILE", help=_CONFIG)

    def config_file(self, words: list[str]) -> str | None:
        """Read the command line of a command without flags of its own. Return FILE of ``--config FILE``, or None.

        Raises:
            HelpAskedError: `words` ask for help.
            MisusedError: `words` are wrong.
        """
        file: str | None = self.parse_args(words).config
        return file

    def print_help(self, file: object = None) -> NoReturn:
        """Raise `HelpAskedError`. argparse itself would print, and end with a traceback if the disk is full."""
        raise HelpAskedError(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Raise `MisusedError` with `message`, the sentence that argparse has made."""
        raise MisusedError(escaped(message), self.format_usage())
