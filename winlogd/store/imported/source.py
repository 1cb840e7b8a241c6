"""Reads the rows of an older server's file: an SQLite file with two tables or one, or a CSV with the same columns.

The file comes from somewhere else. Nothing in it runs: its tables are read column by column, its views and triggers not
at all. This file must not know what becomes of a row.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TextIO

import apsw

from winlogd.store.file.columns import as_bytes, column_names
from winlogd.store.imported.rows import COLUMNS, NEEDED, Row, fault_of, row_of
from winlogd.store.imported.staging import make_harmless

SQLITE_BEGINS: Final = b"SQLite format 3\0"
"""The first octets of each SQLite file (fileformat2.html §1.3)."""

_TWO_TABLES: Final[tuple[str, ...]] = ("events_history", "events_today")
_ONE_TABLE: Final[tuple[str, ...]] = ("events",)
_TABLES: Final = """SELECT lower(name) FROM sqlite_master
    WHERE type = 'table' AND rootpage > 0 AND lower(name) IN ('events_history', 'events_today', 'events')"""
_MOST_BYTES: Final = 16 << 20
"""A value of an older server's file has at most this many bytes."""
_CELL_CHARACTERS: Final = 1 << 20
_BYTE_ORDER_MARK: Final = "\ufeff"


class SourceError(Exception):
    """A file is none that can be imported. The text continues a sentence that begins with its path."""


class Read(NamedTuple):
    """One row of a file.

    Attributes:
        place: where it stands, such as ``line 7`` or ``events_today, id 7``.
        row: the row; None if it is faulty.
        fault: what is wrong with it, as the end of a sentence.
    """

    place: str
    row: Row | None
    fault: str | None = None


def rows_of_sqlite(path: str) -> Iterator[Read]:
    """Return the rows of an SQLite file, the archive first, by ascending ids.

    Args:
        path: a copy that nobody else uses: what is left in its WAL or journal is taken in first.

    Raises:
        SourceError: the file has no table of events, or is damaged.
    """
    try:
        connection = apsw.Connection(path, apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # so that SQLite makes no index of the WAL
            make_harmless(connection)
            connection.limit(apsw.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
            found = {str(name) for (name,) in connection.execute(_TABLES)}
            tables = [each for each in _TWO_TABLES if each in found] or [each for each in _ONE_TABLE if each in found]
            if not tables:
                raise SourceError("has none of the tables events_today, events_history and events")
            columns = {table: _known(column_names(connection, table), f"has a table {table}") for table in tables}
            for table in tables:
                yield from _rows_of(connection, table, columns[table])
        finally:
            connection.close(True)
    except (apsw.NotADBError, apsw.CorruptError, apsw.TooBigError) as error:
        raise SourceError(f"is damaged: {error}") from None
    except apsw.SQLError as error:
        raise SourceError(f"has tables that cannot be read: {error}") from None


def _rows_of(connection: apsw.Connection, table: str, columns: Sequence[str]) -> Iterator[Read]:
    number = "id" if "id" in column_names(connection, table) else "rowid"
    sql = f"SELECT {number}, {as_bytes(*columns)} FROM main.{table} ORDER BY {number}"
    for place, *values in connection.execute(sql):
        yield _read_bytes(f"{table}, id {place}", dict(zip(columns, values, strict=True)))


def _read_bytes(place: str, values: Mapping[str, object]) -> Read:
    try:
        texts = {name: value.decode() if isinstance(value, bytes) else None for name, value in values.items()}
    except UnicodeDecodeError:
        return Read(place, None, "has text that is not UTF-8")
    return _read(place, texts)


def _read(place: str, texts: Mapping[str, str | None]) -> Read:
    row = row_of(texts)
    fault = fault_of(row)
    return Read(place, None if fault else row, fault)


def rows_of_csv(file: TextIO) -> Iterator[Read]:
    """Return the rows of a CSV, whose first line names the columns. The separator is a comma or a semicolon.

    Args:
        file: opened as `as_text` opens it.

    Raises:
        SourceError: the first line does not name the columns.
    """
    csv.field_size_limit(_CELL_CHARACTERS)
    first = file.readline(_CELL_CHARACTERS).removeprefix(_BYTE_ORDER_MARK)
    separator = ";" if first.count(";") > first.count(",") else ","
    names = next(csv.reader([first], delimiter=separator), [])
    columns = [name.strip().lower() for name in names]
    _known(columns, "has a first line")
    reader = csv.reader(file, delimiter=separator, strict=True)
    while True:
        begins = reader.line_num + 2  # the first line was read before, and lines count from 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Read(f"line {begins}", None, f"is no CSV: {error}")
            continue
        if cells:
            yield _read_cells(f"line {begins}", columns, cells)


def as_text(octets: io.BufferedReader) -> TextIO:
    """Return a file of octets as text for `rows_of_csv`. What is no UTF-8 becomes a lone surrogate.

    Python has this encoding loaded. Another one it may not find any more, when root has become another user.
    """
    return io.TextIOWrapper(octets, "utf-8", errors="surrogateescape", newline="")


def _read_cells(place: str, columns: Sequence[str], cells: Sequence[str]) -> Read:
    if len(cells) != len(columns):
        return Read(place, None, f"has {len(cells)} cells instead of {len(columns)}")
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return Read(place, None, "has text that is not UTF-8")
    return _read(place, dict(zip(columns, cells, strict=True)))


def _known(names: Iterable[str], what: str) -> list[str]:
    """Return those columns that are imported.

    Raises:
        SourceError: a needed one is missing.
    """
    found = {name.lower() for name in names}
    if missing := [each for each in NEEDED if each not in found]:
        raise SourceError(f"{what} without the column {missing[0]}: it is no file of an older server")
    return [each for each in COLUMNS if each in found]
