"""Finds in which line of a file each option is set. Pure: the caller passes a text that is valid TOML.

TOML's parser tells no lines. So the text is cut into its statements: a header, or a key with its value, which can take
several lines. Loaded only for ``winlogd config``. This file must not know which options there are.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Path = tuple[str, ...]
"""The keys that lead to a table or a value."""


class _Statement(NamedTuple):
    """A header, or a key with its value.

    Attributes:
        line: the number of its first line.
        is_header: True for a header.
        table: what the statement alone means.
    """

    line: int
    is_header: bool
    table: Mapping[str, Any]


def lines_of(text: str) -> dict[tuple[str, str], int]:
    """Return the number of the line in which each key of each section is first set, by section and key."""
    found: dict[tuple[str, str], int] = {}
    header: Path = ()
    for statement in _statements(text):
        if statement.is_header:
            header = next(_leaves(statement.table))
            continue
        for leaf in _leaves(statement.table):
            section, key, *_ = (*header, *leaf, "")  # a key outside of any section is a fault
            found.setdefault((section, key), statement.line)
    return found


def _statements(text: str) -> Iterator[_Statement]:
    begun, chunk = 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if not chunk:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            begun = number
        chunk += f"{line}\n"
        try:
            table = tomllib.loads(chunk)
        except tomllib.TOMLDecodeError:  # the value goes on
            continue
        yield _Statement(begun, chunk.lstrip().startswith("["), table)
        chunk = ""


def _leaves(table: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of the values in a table, and those of empty tables."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from ((key, *rest) for rest in _leaves(value))
        else:
            yield (key,)
