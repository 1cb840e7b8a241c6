"""``winlogd search WORDS``: people, machines, rooms, addresses and times that some words may mean.

This file must not know how names are found.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from winlogd.api.search import search
from winlogd.commands.answers import print_csv, print_json, print_table
from winlogd.commands.asking import QuestionParser, Seen, note_history
from winlogd.commands.session_rows import short_time
from winlogd.commands.terminal import note

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_DOES: Final = """\
Find people, machines, rooms and addresses by a part of a name, and understand a
time in English or French. Standard error says what was understood, and which
command asks further."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd search A102 hier 10:15
  finds the room A102 and the time, and shows the command that says who was there.
"""

_TITLES: Final = ("KIND", "NAME", "LAST USED")
_COLUMNS: Final = ("kind", "name", "last")
_NAMES: Final = {
    "people": ("user", "username"),
    "machines": ("machine", "hostname"),
    "rooms": ("room", "name"),
    "addresses": ("address", "source_ip"),
    "moments": ("time", "words"),
}
"""The kind of each list of an answer, and the field with the name."""
_NEXT: Final = {"people": "user", "machines": "machine"}
"""The command that says more of the only name of a kind."""


def run(words: Sequence[str]) -> int:
    """Print what was found. Return the exit status.

    Args:
        words: the command line after ``search``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database cannot be read.
        HelpAskedError, MisusedError, WrongValuesError: see `QuestionParser`.
    """
    parser = QuestionParser("search", _DOES, _EXAMPLE)
    parser.add_argument("words", metavar="WORDS", nargs="+", help="parts of a name, a time, or both")
    asking, options = parser.asking(words)
    values = asking.values({"q": " ".join(options.words), "lang": asking.language})
    with asking.wrong_values():
        question = search(values, asking.asked)
        values.check()

    def find(access: "Access") -> tuple[Mapping[str, Any], str]:
        return cast("Mapping[str, Any]", question(access)), access.history()

    answer, history = asking.ask(find, Seen("search", {"q": " ".join(options.words)}))
    note(f"Understood: {answer['understood']}")
    note_history(history)
    found = [
        [kind, str(each[field]), cast("str | None", each.get("last"))]
        for name, (kind, field) in _NAMES.items()
        for each in answer[name]
    ]
    if asking.form == "json":
        status = print_json(answer)
    elif asking.form == "csv":
        status = print_csv(_COLUMNS, found, asking.language)
    else:
        status = print_table(_TITLES, [[str(kind), str(name), short_time(last)] for kind, name, last in found])
    note(_next(answer) if found else "nothing was found; a part of a name is enough: try fewer words, or fewer letters")
    return status


def _next(answer: Mapping[str, Any]) -> str:
    """Return the command that asks further, or how many names there are."""
    moments = answer["moments"]
    span = [] if not moments else ["--from", _whole(moments[0]["from"]), "--to", _whole(moments[-1]["to"])]
    if moments and moments[0]["from"] == moments[0]["to"]:
        span = ["--at", _whole(moments[0]["from"])]
    command: list[str] = []
    if answer["rooms"] and span[:1] == ["--at"]:
        command = ["who", "--room", answer["rooms"][0]["name"], *span]
    elif answer["rooms"]:
        command = ["sessions", "--room", answer["rooms"][0]["name"], *span] if span else ["machines", "--room"]
        command += [] if span else [answer["rooms"][0]["name"]]
    else:
        for name, flag in (("people", "user"), ("machines", "host"), ("addresses", "ip")):
            if answer[name]:
                first = str(answer[name][0][_NAMES[name][1]])
                is_alone = not span and name in _NEXT
                command = [_NEXT[name], first] if is_alone else ["sessions", f"--{flag}", first, *span]
                break
        else:
            command = ["who", *span] if span[:1] == ["--at"] else ["sessions", *span]
    return f"next: winlogd {shlex.join(command)}"


def _whole(moment: str) -> str:
    """Return a time of the API without parts of a second, in the form that a command takes."""
    return moment[:19] + moment[26:]
