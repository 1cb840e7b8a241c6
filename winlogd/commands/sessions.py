"""``winlogd sessions``: the sessions that pass some filters, newest first, and their hours.

This file must not know how sessions are found.
"""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Final

from winlogd.api.parameters import USUAL, Values
from winlogd.commands.asking import TIMES, Asking, QuestionParser
from winlogd.commands.session_list import Outcome, Shape, print_sessions
from winlogd.commands.terminal import OK, note

_DOES: Final = """\
List the sessions that pass all filters, newest first. Standard output has the
sessions only; standard error says what was understood, how many sessions have each
certainty, and the hours of the sessions with a known end. With --from or --to,
only the hours within that time count."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd sessions --user alice --from monday
  lists the sessions of alice since Monday, and how many hours they lasted.
"""

_FLAGS: Final[Mapping[str, tuple[str, str]]] = {
    "user": ("NAME", "of this user; * stands for any characters"),
    "host": ("NAME", "on this machine; * stands for any characters"),
    "room": ("ROOM", "on the machines of this room"),
    "ip": ("ADDRESS", "from this address, or this network such as 192.0.2.0/24"),
    "from": ("TIME", f"that were on at this time or later: {TIMES}"),
    "to": ("TIME", "that were on at this time or earlier"),
    "at": ("TIME", "that were on at this time"),
    "state": ("STATE", "open, ended, doubtful (open ones), or orphan: logoffs without a logon"),
    "ended_by": (
        "HOW",
        "ended by: client, auto (the next logon) or expired (open for too long); several with commas",
    ),
}
"""The placeholder and the help of the flag of each filter. All filters of the API are flags."""

_NAMED: Final = {"user": "user", "host": "machine", "ip": "address", "state": "state", "ended_by": "ended by"}
_MOST_DIGITS: Final = 9


def run(words: Sequence[str]) -> int:
    """Print sessions. Return the exit status.

    Args:
        words: the command line after ``sessions``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database cannot be read.
        HelpAskedError, MisusedError, WrongValuesError: see `QuestionParser`.
    """
    parser = QuestionParser("sessions", _DOES, _EXAMPLE)
    for name, (placeholder, purpose) in _FLAGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, metavar=placeholder, help=purpose)
    parser.add_argument("--limit", metavar="N", help=f"the most sessions; without it {USUAL}, and all with --csv")
    asking, options = parser.asking(words)
    texts: dict[str, str | None] = {name: getattr(options, name) for name in _FLAGS}
    values = asking.values({**texts, "limit": options.limit})
    limit = _limit_in(values, asking)

    def understood(room: str | None) -> str:
        return _understood(asking, options, room)

    outcome = print_sessions(asking, values, Shape(texts, limit, understood, list))
    if outcome.status == OK:
        _note_counts(outcome, options, any(text is not None for text in texts.values()))
    return outcome.status


def _limit_in(values: Values, asking: Asking) -> int | None:
    limit = values.read("limit", _limit)
    return USUAL if limit is None and asking.form != "csv" else limit


def _limit(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) > 0:
        return int(text)
    raise ValueError("must be a whole number, 1 or more")


def _understood(asking: Asking, options: Namespace, room: str | None) -> str:
    parts = [] if room is None else [f"room {room}"]
    parts += [f"{noun} {text}" for name, noun in _NAMED.items() if (text := getattr(options, name)) is not None]
    parts += [f"{name} {asking.in_words(text)}" for name in ("from", "to", "at") if (text := getattr(options, name))]
    sentence = ", ".join(parts) or "all sessions"
    return sentence[:1].upper() + sentence[1:]


def _note_counts(outcome: Outcome, options: Namespace, is_filtered: bool) -> None:
    tally = outcome.tally
    if not tally.sessions:
        advice = "leave a filter out, or look for a part of a name with winlogd search"
        note(f"no session was found; {advice if is_filtered else 'no workstation has sent a logon yet'}")
        return
    if outcome.has_more:
        note(f"these are the newest {tally.sessions} sessions; there are more: use --limit, or --from and --to")
    note(tally.by_certainty)
    if options.state != "orphan":
        note(tally.hours)
