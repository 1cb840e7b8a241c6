"""``winlogd who``: who is on now, or was on at a time, and how surely that is known.

This file must not know how sessions are found.
"""

from collections.abc import Sequence
from typing import Final

from winlogd.commands.asking import TIMES, Asking, QuestionParser
from winlogd.commands.session_list import Shape, print_sessions
from winlogd.commands.session_rows import by_place, typed_time
from winlogd.commands.terminal import OK, note

_DOES: Final = """\
Show who is on now, or was on at a time. Each session is certain, presumed or
doubtful; a doubtful one says why. Standard output has the sessions only; standard
error says what was understood, and how many sessions have each certainty."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd who --room A102 --at 'yesterday 10:15'
  shows who was on in room A102 at 10:15 yesterday.
"""


def run(words: Sequence[str]) -> int:
    """Print who is on. Return the exit status.

    Args:
        words: the command line after ``who``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database cannot be read.
        HelpAskedError, MisusedError, WrongValuesError: see `QuestionParser`.
    """
    parser = QuestionParser("who", _DOES, _EXAMPLE)
    parser.add_argument("--room", metavar="ROOM", help="only the machines of this room")
    parser.add_argument("--at", metavar="TIME", help=f"a time {TIMES}; without it, now")
    asking, options = parser.asking(words)
    at = options.at or ("now" if options.at is None else "")

    def understood(room: str | None) -> str:
        when = asking.in_words(at)
        place = "All machines" if room is None else f"Room {room}"
        return f"{place}, now: {when}" if options.at is None else f"{place}, {when}"

    filters = {"room": options.room, "at": at}
    shape = Shape(filters, None, understood, by_place, without=("LASTED",))
    outcome = print_sessions(asking, asking.values(filters), shape)
    if outcome.status != OK:
        return outcome.status
    if outcome.tally.sessions:
        note(outcome.tally.by_certainty)
    else:
        note(_nobody(asking, outcome.filters.at_us[0]))
    return outcome.status


def _nobody(asking: Asking, at_us: int) -> str:
    day = typed_time(at_us, asking.asked.site.zone)[:10]
    return f"nobody was on, as far as is known; winlogd sessions --from {day} --to {day} lists all sessions of that day"
