"""``winlogd purge``: count the events that would be deleted, ask, and have them deleted.

The count is read here, the deletion is the running server's; without one, this command does it. This file must not
know how rows are deleted.
"""

import os
import shlex
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from winlogd.commands.database import database_of
from winlogd.commands.flags import Parser
from winlogd.commands.remote import Fields, answer_to
from winlogd.commands.terminal import FailedError, MisusedError, ask_first, say
from winlogd.config.load import load
from winlogd.config.sections import Config
from winlogd.control.client import OTHER_VERSION
from winlogd.scheduled.clock import zone_of
from winlogd.sessions.moments import instant_of
from winlogd.sessions.session import US

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.jobs.purge import Purge, What

_DOES: Final = """\
Delete events for ever, with all that follows from them: sessions, inventories,
changes of hardware, counts by hour, and names that nothing uses any more. The
command counts the rows and asks first. What "winlogd hold" exempts stays. A running
server does it between the events that come, also while less than
limits.min_free_disk is free; without one this command does it. Root does it as the
owner of the database's folder. Backups and the log keep what they have."""

_EXAMPLE: Final = """\
  sudo winlogd purge --before 2025-09-01 --config /etc/winlogd/config.toml
  asks "Delete 81234 rows of events_history and 0 of events_today ...? [y/N]", and
  after "y" prints how many rows were deleted.
"""


def run(words: Sequence[str]) -> int:
    """Delete what `words` say. Return the exit status.

    Args:
        words: the command line after ``purge``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: nothing was deleted, or not all.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = _parser()
    flags = parser.parse_args(list(words))
    config = load(flags.config, os.environ)
    what, before_us = _wanted(flags, config, parser)
    path = database_of(config, "nothing to delete")
    from winlogd.store.jobs.purge import Purge  # loads SQLite, for a database that is there

    purge = Purge(what, before_us)
    ask_first(_question(purge, flags, _counted(config, path, words, purge)), flags.yes)
    order = {"order": "purge", "what": what, "before_us": before_us}
    match answer_to(config, order, lambda config, path: _alone(config, path, purge), "to delete"):
        case {"sentence": str(sentence)}:
            return say(sentence)
    raise FailedError(OTHER_VERSION)


def _parser() -> Parser:
    parser = Parser("purge", _DOES, _EXAMPLE)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--today", action="store_true", help="the rows of events_today, also of open sessions")
    what.add_argument("--history", action="store_true", help="the rows of the archive, events_history")
    what.add_argument("--all", action="store_true", help="all rows of both tables")
    what.add_argument("--before", metavar="DATE", help="the rows of both that were received before this day or time")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _wanted(flags: Namespace, config: Config, parser: Parser) -> "tuple[What, int | None]":
    """Return what is to be deleted.

    Raises:
        MisusedError: DATE is no date.
    """
    if flags.before is None:
        return ("today" if flags.today else "history" if flags.history else "all"), None
    try:
        moment = instant_of(flags.before, int(time.time() * US), zone_of(config.server.timezone))
    except ValueError as error:
        raise MisusedError(f"--before: {error}", parser.format_usage()) from None
    return "before", moment.first_us


def _counted(config: Config, path: str, words: Sequence[str], purge: "Purge") -> tuple[int, int]:
    """Return how many rows of the archive and of today would be deleted. Only read the file."""
    from winlogd.commands.reader import read_from

    def counts(connection: "apsw.Connection") -> tuple[int, int]:
        history, today = (0 if each is None else each.count(connection) for each in purge.selections)
        return history, today

    return read_from(config, path, shlex.join(["purge", *words]), counts)


def _question(purge: "Purge", flags: Namespace, counts: tuple[int, int]) -> str:
    which = f" received before {flags.before}" if purge.before_us is not None else ""
    return f"Delete {counts[0]} rows of events_history and {counts[1]} of events_today{which}, for ever?"


def _alone(config: Config, path: str, purge: "Purge") -> Fields:
    from winlogd.commands.purge_alone import purged  # loads what deletes

    return {"sentence": purged(config, path, purge)}
