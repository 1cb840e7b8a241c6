"""The forms of an export: CSV, lines of JSON, and an SQLite file. Rows go out as they come, so that memory stays flat.

This file must not know where the octets go, or what the rows mean.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, cast

from winlogd.api.reading import Row
from winlogd.commands.answers import escaped_json
from winlogd.commands.letters import visible
from winlogd.commands.person_csv import PersonCsv
from winlogd.commands.person_file import About, PersonForm, Write
from winlogd.commands.person_html import PersonHtml
from winlogd.config.sections import Config
from winlogd.daemon.settings import least_free_bytes
from winlogd.transfer import csv_text, ndjson_text
from winlogd.transfer.csv_text import Cell


class Shape(NamedTuple):
    """What a form has to know.

    Attributes:
        config: the configuration.
        database: the real path of the database.
        name: what the rows are: ``sessions`` or ``events``.
        columns: the names of their fields.
        language: ``fr`` for the CSV of a French spreadsheet.
        is_raw: True if no text of a CSV is changed.
        is_terminal: True if the octets reach a terminal, which a name could control.
    """

    config: Config
    database: str
    name: str
    columns: Sequence[str]
    language: str
    is_raw: bool
    is_terminal: bool


class Form(Protocol):
    """One form, for one export."""

    def begin(self) -> None:
        """Write what is before the rows. Called again if the export begins again."""

    def add(self, rows: Sequence[Row]) -> None:
        """Take the next rows."""

    def end(self) -> None:
        """Write what is after the rows."""

    def close(self) -> None:
        """Release what the form holds."""


class Csv:
    """CSV by RFC 4180. The arguments are those of all forms."""

    def __init__(self, shape: Shape, write: Write) -> None:
        self._shape = shape
        self._write = write
        self._separator: Final = ";" if shape.language == "fr" else ","
        self._lines: Final = csv_text.raw_lines if shape.is_raw else csv_text.lines

    def begin(self) -> None:
        """Write the names of the columns, and before them the mark that a French spreadsheet needs."""
        mark = csv_text.BYTE_ORDER_MARK if self._shape.language == "fr" else ""
        self._write((mark + csv_text.line(self._shape.columns, self._separator)).encode())

    def add(self, rows: Sequence[Row]) -> None:
        """Write a record a row."""
        cells: list[list[Cell]] = [list(row.values()) for row in rows]
        if self._shape.is_terminal:
            cells = [[visible(each) if isinstance(each, str) else each for each in row] for row in cells]
        self._write(self._lines(cells, self._separator).encode("utf-8", "replace"))

    def end(self) -> None:
        """Write nothing more."""

    def close(self) -> None:
        """Release nothing."""


class JsonLines:
    """One JSON object a line."""

    def __init__(self, shape: Shape, write: Write) -> None:
        self._shape = shape
        self._write = write

    def begin(self) -> None:
        """Write nothing before the rows."""

    def add(self, rows: Sequence[Row]) -> None:
        """Write a line a row."""
        octets = ndjson_text.lines(rows)
        if self._shape.is_terminal:
            octets = "".join(f"{escaped_json(line)}\n" for line in octets.decode().split("\n")[:-1]).encode()
        self._write(octets)

    def end(self) -> None:
        """Write nothing more."""

    def close(self) -> None:
        """Release nothing."""


class Sqlite:
    """An SQLite file with one table."""

    def __init__(self, shape: Shape, write: Write) -> None:
        from winlogd.store.table_file import TableFile  # loads SQLite

        self._write = write
        self._file: Final = TableFile(shape.database, least_free_bytes(shape.config), shape.name, shape.columns)

    def begin(self) -> None:
        """Write nothing yet."""

    def add(self, rows: Sequence[Row]) -> None:
        """Put the rows into the table."""
        self._file.add([tuple(row.values()) for row in rows])

    def end(self) -> None:
        """Write the whole file."""
        self._file.copy(self._write)

    def close(self) -> None:
        """Close the file that has no name."""
        self._file.close()


FORMS: Final[Mapping[str, Callable[[Shape, Write], Form]]] = {
    "csv": cast("Callable[[Shape, Write], Form]", Csv),
    "jsonl": JsonLines,
    "sqlite": Sqlite,
}
"""The class of each form."""

PERSON_FORMS: Final[Mapping[str, Callable[[About, Write], PersonForm]]] = {"html": PersonHtml, "csv": PersonCsv}
"""The class of each form of the file about one person."""
