"""Write rows as CSV (RFC 4180), so that a spreadsheet shows them and runs nothing that is in them.

A spreadsheet takes a cell that begins with ``=`` for a formula, and a formula can start a program. A user's name comes
from a workstation, and anybody can send one. So such a cell gets an apostrophe before it, which a spreadsheet does not
show. Pure: knows neither HTTP nor what the columns mean.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"
"""A spreadsheet takes text without this mark for text of its own old code page."""

_RUNNING: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""A spreadsheet runs a cell that begins with one of these, also after white space (owasp.org, "CSV Injection")."""

_BEHIND_A_BREAK: Final = re.compile(f"([;\\r\\n]\\s*[\"']?\\s*)(?=[{re.escape(''.join(_RUNNING))}])")
"""A spreadsheet of a country with decimal commas takes ``;`` for the separator, and what is behind it for a cell. It
then takes the quotes of a cell with a line break for text, and what is behind the break for the next record."""

_PLAIN: Final = re.compile('[A-Za-z0-9][^,;"\\r\\n]*')
"""Most cells: a text that no spreadsheet runs, and that needs no quotes. With this look first, a record takes 3.4 µs
instead of 20 (``python -m timeit -s "from winlogd.transfer.csv_text import line; row = (1,
*['2026-01-12T08:30:00.123456+00:00'] * 13, None)" "line(row, ',')"``)."""

Cell = str | int | float | bool | None


def line(cells: Sequence[Cell], separator: str) -> str:
    """Return one record with its CRLF.

    Args:
        cells: texts are made harmless; a number is written as it is, None as an empty cell.
        separator: ``,``, or ``;`` for the spreadsheets of countries whose decimal mark is a comma.
    """
    return separator.join(_cell(cell, separator) for cell in cells) + "\r\n"


def lines(rows: Iterable[Sequence[Cell]], separator: str) -> str:
    """Return several records."""
    return "".join(line(row, separator) for row in rows)


def raw_lines(rows: Iterable[Sequence[Cell]], separator: str) -> str:
    """Return several records for a program: texts are as they are, and a spreadsheet may run them."""
    return "".join(separator.join(_quoted(_text(cell), separator) for cell in row) + "\r\n" for row in rows)


def _cell(cell: Cell, separator: str) -> str:
    if not isinstance(cell, str):
        return _text(cell)
    if _PLAIN.fullmatch(cell):
        return cell
    text = f"'{cell}" if cell.lstrip().startswith(_RUNNING) else cell
    if separator == ",":
        text = _BEHIND_A_BREAK.sub(r"\1'", text)
    return _quoted(text, separator)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(cell)


def _quoted(text: str, separator: str) -> str:
    if any(mark in text for mark in (separator, '"', "\r", "\n")):
        return '"' + text.replace('"', '""') + '"'
    return text
