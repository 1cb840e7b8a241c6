"""The file about one person as CSV, for a spreadsheet or another program: a row for each session, report and look.

The columns are those of the API and of the database, which are in English in every language. This file must not know
where the rows come from.
"""

from collections.abc import Sequence
from typing import Final

from winlogd.api.reading import Row
from winlogd.api.session_fields import FIELDS
from winlogd.commands.letters import visible
from winlogd.commands.person_file import About, Write
from winlogd.commands.person_words import Kind
from winlogd.store.read.events import StoredEvent
from winlogd.transfer import csv_text
from winlogd.transfer.csv_text import Cell

KINDS: Final = {"sessions": "session", "events": "report", "looks": "look", "names": "account"}
"""The first cell of a row, by its section."""

_OF_OTHERS: Final = "doubtful_since"
"""A column that may say when somebody else has logged on."""
_OF_LOOKS: Final = ("looked_at", "reader", "role", "look")
_OF_NAMES: Final = ("sessions", "reports", "first_received", "last_received")
COLUMNS: Final = (
    "kind",
    *dict.fromkeys(each for each in (*FIELDS, *StoredEvent._fields, *_OF_LOOKS, *_OF_NAMES) if each != _OF_OTHERS),
)
"""The columns. A row has only those of its kind."""


class PersonCsv:
    """CSV by RFC 4180.

    Args:
        about: what the file is about.
        write: takes the octets.
    """

    def __init__(self, about: About, write: Write) -> None:
        self._about: Final = about
        self._write: Final = write
        self._kind = ""
        self._separator: Final = ";" if about.language == "fr" else ","
        self._lines: Final = csv_text.raw_lines if about.is_raw else csv_text.lines

    def begin(self) -> None:
        """Write the names of the columns, and before them the mark that a French spreadsheet needs."""
        mark = csv_text.BYTE_ORDER_MARK if self._about.language == "fr" else ""
        self._write((mark + csv_text.line(COLUMNS, self._separator)).encode())

    def begin_section(self, kind: Kind) -> None:
        """Write nothing: each row says its kind."""
        self._kind = KINDS[kind]

    def add(self, rows: Sequence[Row]) -> None:
        """Write a record a row."""
        cells: list[list[Cell]] = [[self._kind, *(row.get(column) for column in COLUMNS[1:])] for row in rows]
        if self._about.is_terminal:
            cells = [[visible(each) if isinstance(each, str) else each for each in row] for row in cells]
        self._write(self._lines(cells, self._separator).encode("utf-8", "replace"))

    def end(self) -> None:
        """Write nothing more."""
