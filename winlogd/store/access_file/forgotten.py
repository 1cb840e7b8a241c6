"""Write and read tombstones (`store.past.tombstones`), and take forgotten names out of the readers' log.

Each function is work for `file.AccessFile.run`. This file must not know rows of events.
"""

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from winlogd.events.names import folded
from winlogd.store.access_file.tables import MARK
from winlogd.store.past.tombstones import Forgotten, Tombstone, digest_of

if TYPE_CHECKING:  # types only
    import apsw

_KEY: Final = "forgotten"
_KEY_BYTES: Final = 32
_FIND_KEY: Final = "SELECT value FROM secrets WHERE name = ?"
_ADD_KEY: Final = "INSERT INTO secrets (name, value) VALUES (?, ?)"
_SET_MARK: Final = "INSERT OR REPLACE INTO secrets (name, value) VALUES (?, ?)"
_ALL: Final = "SELECT number, name, first_us, last_us, at_us, pseudonym FROM forgotten ORDER BY number"
_ADD: Final = "INSERT INTO forgotten (name, first_us, last_us, at_us, pseudonym) VALUES (?, ?, ?, ?, ?)"
_LOOKS: Final = "SELECT number, filter FROM looks"
_HIDE: Final = "UPDATE looks SET filter = ? WHERE number = ?"


class Wish(NamedTuple):
    """What somebody wants to be forgotten.

    Attributes:
        names: the names, folded. Each gets a tombstone.
        first_us: as in `Tombstone`.
        last_us: as in `Tombstone`.
        pseudonym: as in `Tombstone`.
        asked: the name that was typed, folded, if it means all of them; empty if it does not. The readers' log may
            have it.
    """

    names: tuple[str, ...]
    first_us: int | None
    last_us: int | None
    pseudonym: str
    asked: str


def wish_from(fields: Mapping[str, Any]) -> Wish | None:
    """Return the wish in the members of an order; None if the order is wrong."""
    match fields:
        case {
            "names": list(names),
            "first_us": int() | None as first_us,
            "last_us": int() | None as last_us,
            "pseudonym": str(pseudonym),
            "asked": str(asked),
        } if all(isinstance(each, str) and each == folded(each) for each in names):
            return Wish(tuple(names), first_us, last_us, pseudonym, asked)
    return None


def read_forgotten(connection: "apsw.Connection") -> Forgotten:
    """Return all tombstones."""
    found = connection.execute(_FIND_KEY, (_KEY,)).fetchone()
    rows = [Tombstone(*cast("tuple[Any, ...]", row)) for row in connection.execute(_ALL)]
    return Forgotten(b"" if found is None else cast("bytes", found[0]), rows)


def add_forgotten(connection: "apsw.Connection", wish: Wish, now_us: int) -> Forgotten:
    """Add a tombstone for each name, and put its number in place of the name in the readers' log.

    Args:
        connection: the file.
        wish: what is to be forgotten.
        now_us: the time, in microseconds since 1970.

    Returns:
        All tombstones.
    """
    key = _key(connection)
    numbers: dict[str, int] = {}
    for name in wish.names:
        connection.execute(_ADD, (digest_of(key, name), wish.first_us, wish.last_us, now_us, wish.pseudonym))
        numbers[name] = connection.last_insert_rowid()
    if numbers:
        if wish.asked:
            numbers.setdefault(wish.asked, min(numbers.values()))
        _hide_in_looks(connection, numbers)
    known = read_forgotten(connection)
    connection.execute(_SET_MARK, (MARK, known.mark.encode()))
    return known


def _key(connection: "apsw.Connection") -> bytes:
    found = connection.execute(_FIND_KEY, (_KEY,)).fetchone()
    if found is not None:
        return cast("bytes", found[0])
    key = secrets.token_bytes(_KEY_BYTES)
    connection.execute(_ADD_KEY, (_KEY, key))
    return key


def _hide_in_looks(connection: "apsw.Connection", numbers: Mapping[str, int]) -> None:
    """Put ``#7`` in place of each name that a filter of the readers' log has as a whole word."""
    names = "|".join(re.escape(name) for name in sorted(numbers, key=len, reverse=True))
    pattern = re.compile(rf"(?<![^\s=,*])(?:{names})(?![^\s,*])", re.IGNORECASE)

    def number_of(found: re.Match[str]) -> str:
        number = numbers.get(folded(found[0]))
        return found[0] if number is None else f"#{number}"

    rows = cast("list[tuple[int, str]]", connection.execute(_LOOKS).fetchall())
    hidden = [(text, pattern.sub(number_of, text), number) for number, text in rows]
    connection.executemany(_HIDE, [(after, number) for before, after, number in hidden if before != after])
