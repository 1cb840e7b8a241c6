"""``winlogd machines``: where each machine stands, its state, who is on, and which machines report nothing.

This file must not know how machines are found.
"""

from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from winlogd.api.machines import machines
from winlogd.api.parameters import room_asked
from winlogd.api.rooms import rooms
from winlogd.commands.answers import print_csv, print_json, print_table
from winlogd.commands.asking import Asking, QuestionParser, Seen, note_history
from winlogd.commands.nouns import counted
from winlogd.commands.session_rows import short_time, text
from winlogd.commands.terminal import note
from winlogd.sessions.machines import MachineState
from winlogd.store.read.days import silent_before

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_DOES: Final = """\
List the machines that the database or the list of machines knows, with their state:
in_use, doubtful, free, silent, never_seen or out_of_order. Standard output has the
machines only; standard error says what was understood and counts the states."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd machines --unseen 10
  lists the machines without an event on the last ten days on which the site had
  events, and those that were never seen.
"""

TITLES: Final = ("MACHINE", "ROOM", "STATE", "USERS", "LAST USER", "LAST CONTACT", "SYSTEM", "ADDRESS")
COLUMNS: Final = (
    *("hostname", "room", "state", "users", "certainty", "last_user", "last_contact"),
    *("os_name", "os_version", "source_ip"),
)
"""The columns of a CSV. The users of a machine are one cell, and the certainties of their sessions another."""

Fields = Mapping[str, Any]
"""A machine of the API (`machine_fields`)."""


def run(words: Sequence[str]) -> int:
    """Print machines. Return the exit status.

    Args:
        words: the command line after ``machines``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database cannot be read.
        HelpAskedError, MisusedError, WrongValuesError: see `QuestionParser`.
    """
    parser = QuestionParser("machines", _DOES, _EXAMPLE)
    parser.add_argument("--room", metavar="ROOM", help="only the machines of this room")
    parser.add_argument(
        "--unseen", metavar="DAYS", help="only those without an event on the last DAYS days with events"
    )
    parser.add_argument("--state", metavar="STATE", help="only those in this state")
    asking, options = parser.asking(words)
    filters = {"room": options.room, "state": options.state, "unseen": options.unseen}
    values = asking.values(filters)
    with asking.wrong_values():
        question = machines(values, asking.asked)
        values.check()
    caveats: list[str] = []

    def find(access: "Access") -> tuple[str | None, Mapping[str, object]]:
        caveats[:] = _caveats(access, asking, options)
        return room_asked(access, options.room, asking.asked.site), cast("Mapping[str, object]", question(access))

    room, answer = asking.ask(find, Seen("machines", filters))
    found = cast("list[Fields]", answer["machines"])
    note(_understood(options, room))
    note_history(answer["history"])
    status = _print(asking, answer, found)
    for caveat in caveats:
        note(caveat)
    note(_counts(found) if found else _none(options))
    return status


def _print(asking: Asking, answer: Mapping[str, object], found: Sequence[Fields]) -> int:
    if asking.form == "json":
        return print_json(answer)
    if asking.form == "table":
        return print_table(TITLES, [cells_of(each) for each in found])
    rows = [
        [
            ", ".join(str(user["username" if name == "users" else name]) for user in each["users"])
            if name in ("users", "certainty")
            else each[name]
            for name in COLUMNS
        ]
        for each in found
    ]
    return print_csv(COLUMNS, rows, asking.language)


def cells_of(machine: Fields) -> list[str]:
    """Return a machine as the cells of a table. A user whose session is doubtful has a question mark."""
    users = [f"{user['username']}{'?' if user['certainty'] == 'doubtful' else ''}" for user in machine["users"]]
    system = " ".join(part for part in (machine["os_name"], machine["os_version"]) if part)
    return [
        *(machine["hostname"], text(machine["room"]), machine["state"], ", ".join(users), text(machine["last_user"])),
        *(short_time(machine["last_contact"]), system, text(machine["source_ip"])),
    ]


def _understood(options: Namespace, room: str | None) -> str:
    parts = ["All machines" if room is None else f"Room {room}"]
    if options.state is not None:
        parts.append(f"state {options.state}")
    if options.unseen is not None:
        parts.append(f"without an event on the site's last {counted(int(options.unseen), 'day')} with events")
    return ", ".join(parts)


def _caveats(access: "Access", asking: Asking, options: Namespace) -> list[str]:
    """Return what a person must know who relies on the answer."""
    asked = asking.asked
    caveats = []
    if options.unseen is not None and silent_before(access, asked.site, asked.now_us, int(options.unseen)) is None:
        caveats.append(
            f"the site has events of fewer than {counted(int(options.unseen), 'day')}: only machines that were never"
            " seen are listed"
        )
    if options.state == "free":
        found = cast("Mapping[str, Any]", rooms(asking.values({"room": options.room}), asked)(access))
        caveats += [unknown_free(each) for each in found["rooms"] if each["free"] is None]
    return caveats


def unknown_free(room: Fields) -> str:
    """Return why nobody can tell which machines of a room are free."""
    name = "the machines without a room" if room["name"] is None else f"room {room['name']}"
    return f"{name}: nobody can tell which are free: {room['free_unknown']}"


def _counts(found: Sequence[Fields]) -> str:
    states = Counter(str(each["state"]) for each in found)
    return ", ".join(f"{state}: {states[state]}" for state in get_args(MachineState) if states[state])


def _none(options: Namespace) -> str:
    if options.room or options.state or options.unseen:
        return "no machine was found; winlogd machines without a filter lists all"
    return "no machine is known: no workstation has sent an event yet, and rooms.rooms_file names none"
