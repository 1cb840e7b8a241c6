"""``winlogd machine NAME``: a machine's state, who is on, its hardware and what changed in it, its last sessions.

This file must not know how a machine is found.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from winlogd.api.machines import machine
from winlogd.api.session_fields import FIELDS
from winlogd.commands.answers import print_csv, print_json, print_text
from winlogd.commands.asking import QuestionParser, Seen, note_history
from winlogd.commands.machines import TITLES, cells_of
from winlogd.commands.nouns import counted
from winlogd.commands.session_rows import short_time, table_of
from winlogd.commands.table import table, width_of_output
from winlogd.commands.terminal import FailedError, note
from winlogd.store.read.days import local_day

_DOES: Final = """\
Show a machine: its room and state, who is on, the latest hardware that it reported,
each change of it, and the last ten sessions. CSV has the sessions only."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd machine A102-07
  shows who is on, and was last on, on A102-07.
"""

_NOT_FOUND: Final = "no machine {0} is known; winlogd search {0} looks for a part of a name"
_RETIRED: Final = "the machine {0} is retired in the list of machines; winlogd sessions --host {0} shows its sessions"


def run(words: Sequence[str]) -> int:
    """Print what is known of a machine. Return the exit status.

    Args:
        words: the command line after ``machine``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database cannot be read, or the machine is not known or retired.
        HelpAskedError, MisusedError, WrongValuesError: see `QuestionParser`.
    """
    parser = QuestionParser("machine", _DOES, _EXAMPLE)
    parser.add_argument("name", metavar="NAME", help="the machine's name, with or without its domain")
    asking, options = parser.asking(words)
    question = machine(asking.values({}), asking.asked._replace(path={"hostname": options.name}))
    answer: Mapping[str, Any] | None = asking.ask_object(question, Seen("machine", {"hostname": options.name}))
    if answer is None:
        place = asking.asked.site.rooms.place_of(options.name, local_day(asking.asked.now_us, asking.asked.site))
        why = _RETIRED if place is not None and place.state == "retired" else _NOT_FOUND
        raise FailedError(why.format(shlex.quote(options.name)))
    note(f"Machine {answer['hostname']}, now: {asking.in_words('now')}")
    note_history(answer["history"])
    if asking.form == "json":
        status = print_json(answer)
    elif asking.form == "csv":
        status = print_csv(FIELDS, (list(row.values()) for row in answer["sessions"]), asking.language)
    else:
        status = print_text(_tables(answer))
    certainties = [str(each["certainty"]) for each in answer["users"]]
    on = ", ".join(f"{grade}: {certainties.count(grade)}" for grade in ("certain", "presumed", "doubtful"))
    note(f"{counted(len(certainties), 'user')} on now: {on}" if certainties else "nobody is on, as far as is known")
    return status


def _tables(answer: Mapping[str, Any]) -> str:
    width = width_of_output()
    changes = [
        [short_time(each["at"]), str(each["path"]), _json(each["from"]), _json(each["to"])]
        for each in answer["changes"]
    ]
    parts = {
        "Now": table(TITLES, [cells_of(answer)], width),
        "Last sessions": table(*table_of(answer["sessions"], without=("MACHINE", "ROOM")), width),
        f"Hardware, reported {short_time(answer['hardware_received_at'])}": table(
            ("PART", "VALUE"), list(_parts(answer["hardware"])), width
        ),
        "Changes of the hardware": table(("WHEN", "PART", "BEFORE", "AFTER"), changes, width),
    }
    return "\n".join(f"{title}\n{part}" for title, part in parts.items() if part)


def _parts(value: Any, path: str = "") -> Iterator[list[str]]:  # noqa: ANN401  # any JSON value
    """Yield each value of a report of hardware with the path that leads to it. A report has at most 200 levels."""
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = {str(place): each for place, each in enumerate(value)}.items()
    else:
        if value is not None:
            yield [path, _json(value)]
        return
    for name, each in children:
        yield from _parts(each, f"{path}.{name}" if path else name)


def _json(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """Return a text as it is, any other value as JSON; empty for None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
