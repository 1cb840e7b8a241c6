"""Print an answer as a table, as JSON or as CSV, so that no name in it runs a terminal or a spreadsheet.

This file must not know what the answer is about.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence

import orjson

from winlogd.commands.letters import visible
from winlogd.commands.table import table, width_of_output
from winlogd.commands.terminal import OK, write, write_octets
from winlogd.transfer import csv_text
from winlogd.transfer.csv_text import Cell


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Print a table that fits the terminal; nothing without rows. Return the exit status."""
    return print_text(table(titles, rows, width_of_output()))


def print_text(text: str) -> int:
    """Print lines in which no foreign text is left that was not made visible. Return the exit status."""
    return write(text) if text else OK


def print_json(answer: Mapping[str, object]) -> int:
    """Print an object as JSON on one line. Return the exit status.

    Every character that controls a terminal is escaped, which changes no value.
    """
    text = orjson.dumps(answer).decode()
    return write_octets(escaped_json(text).encode() + b"\n")


def escaped_json(text: str) -> str:
    """Return a JSON text with an escape for each character that controls a terminal."""
    return text if text.isprintable() else "".join(each if each.isprintable() else _escape(each) for each in text)


def _escape(character: str) -> str:
    octets = character.encode("utf-16-be")
    return "".join(f"\\u{octets[at : at + 2].hex()}" for at in range(0, len(octets), 2))


def print_csv_head(columns: Sequence[str], language: str) -> int:
    """Print the first record of a CSV, and before it the mark that a French spreadsheet needs."""
    mark = csv_text.BYTE_ORDER_MARK if language == "fr" else ""
    return write_octets((mark + csv_text.line(columns, _separator(language))).encode())


def print_csv_rows(rows: Iterable[Sequence[Cell]], language: str) -> int:
    """Print records of a CSV. Return the exit status.

    A file gets the names as they are. On a terminal, what would control it is made visible.
    """
    if sys.stdout is not None and sys.stdout.isatty():
        rows = ([visible(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return write_octets(csv_text.lines(rows, _separator(language)).encode())


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]], language: str) -> int:
    """Print a whole CSV. Return the exit status."""
    return print_csv_head(columns, language) or print_csv_rows(rows, language)


def _separator(language: str) -> str:
    return ";" if language == "fr" else ","
