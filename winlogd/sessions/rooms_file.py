"""Read the list of machines from the text of a CSV file. Pure: the caller reads the file.

The columns are ``hostname,room,from,to,state`` in any order; only the first two are required. The separator is ``,`` or
``;``, whichever the header has, because a French Excel writes the second one. A byte order mark is ignored.
"""

import csv
from collections.abc import Iterator
from datetime import date
from typing import Final

from winlogd.events.names import folded_host
from winlogd.sessions.places import Place, PlaceState

COLUMNS: Final = ("hostname", "room", "from", "to", "state")
REQUIRED: Final = COLUMNS[:2]
STATES: Final[dict[str, PlaceState]] = {"": "", "out_of_order": "out_of_order", "retired": "retired"}


class RoomsFileError(Exception):
    """The text is no list of machines. The message names the line and says what is wrong with it.

    Attributes:
        line: the number of the line; 1 is the header.
    """

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(f"line {line}: {fault}")
        self.line: Final = line


def parsed(text: str) -> list[Place]:
    """Return the rows of the list, in their order. Empty lines are skipped.

    Raises:
        RoomsFileError: a line is not understood, or says something else about a machine than an earlier line.
    """
    rows = _rows(text.removeprefix("\ufeff"))
    line, header = next(rows, (1, []))
    columns = _columns(line, header)
    places: list[Place] = []
    first_lines: dict[tuple[str, date], int] = {}
    for line, cells in rows:
        place = _place(line, _named(line, columns, cells))
        first = first_lines.setdefault((place.host, place.begins), line)
        if first != line:
            raise RoomsFileError(line, f"{place.hostname!r} has a row with the same beginning in line {first}")
        places.append(place)
    return places


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty, with the number of its last line. Cells have no white space around them."""
    lines = text.split("\n")
    header = next((line for line in lines if line.strip()), "")
    reader = csv.reader((line + "\n" for line in lines), delimiter=";" if ";" in header else ",", strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise RoomsFileError(reader.line_num, f"is no CSV: {error}") from error


def _columns(line: int, header: list[str]) -> list[str]:
    """Return the names of the columns."""
    columns = [cell.lower() for cell in header]
    while columns and not columns[-1]:  # a spreadsheet may add empty columns
        columns.pop()
    for number, column in enumerate(columns):
        if column not in COLUMNS:
            raise RoomsFileError(line, f"the column {column!r} is unknown; the columns are {', '.join(COLUMNS)}")
        if column in columns[:number]:
            raise RoomsFileError(line, f"the column {column!r} comes twice")
    for column in REQUIRED:
        if column not in columns:
            raise RoomsFileError(line, f"the header has no column {column!r}")
    return columns


def _named(line: int, columns: list[str], cells: list[str]) -> dict[str, str]:
    """Return the cells of a row by column. Cells that are missing at the end are empty."""
    if any(cells[len(columns) :]):
        raise RoomsFileError(line, f"has more cells than the header, which has {len(columns)}")
    return dict.fromkeys(COLUMNS, "") | dict(zip(columns, cells, strict=False))


def _place(line: int, cells: dict[str, str]) -> Place:
    """Return the row that the cells describe."""
    if not folded_host(cells["hostname"]):
        raise RoomsFileError(line, "the hostname is missing")
    if not cells["room"]:
        raise RoomsFileError(line, "the room is missing")
    state = STATES.get(cells["state"].lower())
    if state is None:
        raise RoomsFileError(line, f"the state {cells['state']!r} is unknown; it is empty, out_of_order or retired")
    first, last = _date(line, "from", cells), _date(line, "to", cells)
    if first is not None and last is not None and last < first:
        raise RoomsFileError(line, f"'to' ({last}) is before 'from' ({first})")
    return Place(cells["hostname"], cells["room"], first, last, state)


def _date(line: int, column: str, cells: dict[str, str]) -> date | None:
    """Return the day in a cell; None if the cell is empty."""
    text = cells[column]
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # Python also understands 20260113 and 2026-W03-2
        raise RoomsFileError(line, f"{text!r} in {column!r} is no date such as 2026-01-13")
    return day
