"""``winlogd user NAME``: where a user is, was last seen, and which machines the user has used.

This file must not know how a user is found.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from winlogd.api.reading import Row
from winlogd.api.session_fields import FIELDS
from winlogd.api.users import user
from winlogd.commands.answers import print_csv, print_json, print_text
from winlogd.commands.asking import QuestionParser, Seen, note_history
from winlogd.commands.session_rows import Tally, short_time, table_of, text
from winlogd.commands.table import table, width_of_output
from winlogd.commands.terminal import FailedError, note

_DOES: Final = """\
Show where a user is now, the last ten sessions, and the machines that the user has
used most. CSV has the sessions only. A name without a domain finds every domain."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd user alice
  shows where alice is.
"""

_NOT_FOUND: Final = "no user {0} is known; winlogd search {0} looks for a part of a name"
_HOUR_S: Final = 3600


def run(words: Sequence[str]) -> int:
    """Print what is known of a user. Return the exit status.

    Args:
        words: the command line after ``user``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database cannot be read, or the user is not known.
        HelpAskedError, MisusedError, WrongValuesError: see `QuestionParser`.
    """
    parser = QuestionParser("user", _DOES, _EXAMPLE)
    parser.add_argument("name", metavar="NAME", help="the user's name")
    asking, options = parser.asking(words)
    values = asking.values({})
    with asking.wrong_values():
        question = user(values, asking.asked._replace(path={"username": options.name}))
        values.check()
    answer = asking.ask_object(question, Seen("user", {"username": options.name}))
    if answer is None:
        raise FailedError(_NOT_FOUND.format(shlex.quote(options.name)))
    note(f"User {answer['username']}, now: {asking.in_words('now')}")
    note_history(answer["history"])
    if asking.form == "json":
        status = print_json(answer)
    elif asking.form == "csv":
        status = print_csv(FIELDS, (list(row.values()) for row in _rows(answer, "sessions")), asking.language)
    else:
        status = print_text(_tables(answer))
    now = Tally()
    now.add(_rows(answer, "now"))
    last_seen = f"last seen {short_time(answer['last_seen'])}"
    note(f"on now: {now.by_certainty}; {last_seen}" if now.sessions else f"not on now; {last_seen}")
    if (profile := answer.get("profile")) is not None:
        note(_hours(profile))
    return status


def _tables(answer: Mapping[str, object]) -> str:
    width = width_of_output()
    used = [
        [text(each["hostname"]), str(each["sessions"]), short_time(each["last"])] for each in _rows(answer, "machines")
    ]
    parts = {
        "On now": table(*table_of(_rows(answer, "now"), without=("LASTED",)), width),
        "Last sessions": table(*table_of(_rows(answer, "sessions")), width),
        "Machines": table(("MACHINE", "SESSIONS", "LAST"), used, width),
    }
    return "\n".join(f"{title}\n{part}" for title, part in parts.items() if part)


def _rows(answer: Mapping[str, object], name: str) -> list[Row]:
    rows: Any = answer[name]
    return list(rows)


def _hours(profile: Any) -> str:  # noqa: ANN401  # an object of the API
    seconds = sum(day["seconds"] for day in profile["days"])
    return (
        f"hours of the last {len(profile['days'])} days, by sessions with a known end: {seconds / _HOUR_S:.1f}"
        f" (sessions: {profile['sessions']}); without a known end, in no sum: {profile['without_end']}"
    )
