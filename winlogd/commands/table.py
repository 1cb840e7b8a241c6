"""Lay rows out as a table that fits a terminal. This file must not know what the rows are about."""

import os
import sys
from collections.abc import Collection, Sequence
from typing import Final

from winlogd.commands.letters import cells, cut, visible

_GAP: Final = "  "
_READABLE: Final = 8
"""Other columns shrink to this width before those with times do, because a cut time says little."""
_TIMES: Final = frozenset(("FROM", "TO", "LAST", "LAST CONTACT", "LAST USED", "WHEN"))
"""The titles of the columns with times."""


def width_of_output() -> int | None:
    """Return the width of standard output in cells; None if nothing limits it, as in a file or a pipe.

    The variable COLUMNS comes first, as in other programs.
    """
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and 0 < len(columns) <= 6 and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError, AttributeError):  # no terminal; closed; not there at all
        return None


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Return a table with a line of titles and a line for each row. Without rows the table is empty.

    Args:
        titles: the titles of the columns.
        rows: the cells of each row, as foreign text.
        width: the most cells that a line may take; None for any number. If it is less than the columns need with one
            cell each, the last columns are left out.
    """
    if not rows:
        return ""
    shown = [list(titles), *([visible(cell) for cell in row] for row in rows)]
    widths = _fitted([max(map(cells, column)) for column in zip(*shown, strict=True)], width, titles)
    return "".join(_line(row[: len(widths)], widths) for row in shown)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    parts = [cut(cell, width) for cell, width in zip(row, widths, strict=True)]
    padded = (part + " " * (width - cells(part)) for part, width in zip(parts, widths, strict=True))
    return _GAP.join(padded).rstrip(" ") + "\n"


def _fitted(widths: list[int], width: int | None, titles: Sequence[str]) -> list[int]:
    """Return the widths of the columns in a table of at most `width` cells. The widest columns shrink first."""
    if width is None:
        return widths
    gap = len(_GAP)
    count = max(1, min(len(widths), (width + gap) // (1 + gap)))
    widths = [max(each, 1) for each in widths[:count]]
    names = [place for place in range(count) if titles[place] not in _TIMES]
    too_many = sum(widths) + gap * (count - 1) - width
    too_many = _shrink(widths, names, too_many, _READABLE)
    _shrink(widths, range(count), too_many, 1)
    return widths


def _shrink(widths: list[int], places: Collection[int], too_many: int, least: int) -> int:
    """Shrink the widest of some columns, none below `least`. Return how many cells are still too many."""
    while too_many > 0 and places:
        widest = max(places, key=lambda place: widths[place])
        if widths[widest] <= least:
            break
        widths[widest] -= 1
        too_many -= 1
    return too_many
