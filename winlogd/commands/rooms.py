"""``winlogd rooms``: how many machines of each room are in use, free, doubtful or silent.

This file must not know how machines are found.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from winlogd.api.rooms import rooms
from winlogd.commands.answers import print_csv, print_json, print_table
from winlogd.commands.asking import QuestionParser, note_history
from winlogd.commands.machines import unknown_free
from winlogd.commands.nouns import counted
from winlogd.commands.terminal import note

_DOES: Final = """\
Show how many machines of each room are in use, doubtful, free, silent, never seen
or out of order. Where too many sessions have no logoff, nobody can tell how many are
free: the table has a question mark, and standard error says why."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd rooms --csv --lang fr > rooms.csv
  writes a file that a French spreadsheet opens.
"""

_TITLES: Final = ("ROOM", "MACHINES", "IN USE", "DOUBTFUL", "FREE", "SILENT", "NEVER SEEN", "OUT OF ORDER")
_COLUMNS: Final = ("name", "machines", "in_use", "doubtful", "free", "silent", "never_seen", "out_of_order")
_NO_ROOM: Final = "(no room)"


def run(words: Sequence[str]) -> int:
    """Print the rooms. Return the exit status.

    Args:
        words: the command line after ``rooms``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database cannot be read.
        HelpAskedError, MisusedError, WrongValuesError: see `QuestionParser`.
    """
    asking, _ = QuestionParser("rooms", _DOES, _EXAMPLE).asking(words)
    answer = cast("Mapping[str, object]", asking.ask(rooms(asking.values({}), asking.asked), seen=None))
    found = cast("list[Mapping[str, Any]]", answer["rooms"])
    note(f"All rooms, now: {asking.in_words('now')}")
    note_history(answer["history"])
    if asking.form == "json":
        status = print_json(answer)
    elif asking.form == "csv":
        status = print_csv(_COLUMNS, ([each[name] for name in _COLUMNS] for each in found), asking.language)
    else:
        status = print_table(_TITLES, [_cells(each) for each in found])
    for each in found:
        if each["free"] is None:
            note(unknown_free(each))
    named = sum(each["name"] is not None for each in found)
    note(counted(named, "room") if named else "no room is known: set [rooms] in the configuration")
    return status


def _cells(room: Mapping[str, Any]) -> list[str]:
    counts = ["?" if room[name] is None else str(room[name]) for name in _COLUMNS[1:]]
    return [_NO_ROOM if room["name"] is None else str(room["name"]), *counts]
