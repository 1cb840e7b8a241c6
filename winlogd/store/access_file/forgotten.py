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
_LOOKS: Final = """SELECT number, filter, kind = 'forget' FROM looks
    WHERE kind = 'forget' OR at_us BETWEEN ifnull(?, at_us) AND ifnull(?, at_us)"""
_HIDE: Final = "UPDATE looks SET filter = ? WHERE number = ?"
_BORDER: Final = re.compile(r"([\s=,*])")
_NO_NUMBER: Final = "[removed]"
"""In place of a name that nobody has, because its events are gone already."""


class Wish(NamedTuple):
    """What somebody wants to be forgotten.

    Attributes:
        names: the names, folded. Each gets a tombstone.
        first_us: as in `Tombstone`.
        last_us: as in `Tombstone`.
        pseudonym: as in `Tombstone`.
        asked: the name that was typed, folded; empty if `names` has it. The readers' log has it, and so has the row of
            the command itself.
        is_exact: True if `asked` means only itself: if nobody has it, looks at it were looks at others.
    """

    names: tuple[str, ...]
    first_us: int | None
    last_us: int | None
    pseudonym: str
    asked: str
    is_exact: bool = False


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
            return Wish(tuple(names), first_us, last_us, pseudonym, asked, fields.get("is_exact") is True)
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
    signs: dict[str, str] = {}
    for name in wish.names:
        connection.execute(_ADD, (digest_of(key, name), wish.first_us, wish.last_us, now_us, wish.pseudonym))
        signs[name] = f"#{connection.last_insert_rowid()}"
    _hide_in_looks(connection, wish, signs)
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


def _hide_in_looks(connection: "apsw.Connection", wish: Wish, signs: Mapping[str, str]) -> None:
    """Put ``#7`` in place of each name that a filter of the readers' log has as a whole word.

    Looks outside the wish's span were looks at another person. Only rows of the command itself always lose the name.
    """
    asked = {wish.asked: next(iter(signs.values()), _NO_NUMBER)} if wish.asked else {}
    of_command = _by_first_piece({**asked, **signs})
    of_all = _by_first_piece(signs) if wish.is_exact else of_command
    rows = cast("list[tuple[int, str, int]]", connection.execute(_LOOKS, (wish.first_us, wish.last_us)).fetchall())
    hidden = [(text, _hidden(text, of_command if is_own else of_all), number) for number, text, is_own in rows]
    connection.executemany(_HIDE, [(after, number) for before, after, number in hidden if before != after])


_Signs = dict[str, list[tuple[list[str], str]]]
"""The pieces of names between borders, and the sign of each name, by the first piece. Longer names come first."""


def _by_first_piece(signs: Mapping[str, str]) -> _Signs:
    shown = {"".join(each if each.isprintable() else " " for each in name): sign for name, sign in signs.items()}
    found: _Signs = {}  # the row of a command has a space for each character that is not visible
    for name, sign in sorted({**shown, **signs}.items(), key=lambda each: len(each[0]), reverse=True):
        pieces = _BORDER.split(name)
        found.setdefault(pieces[0], []).append((pieces, sign))
    return found


def _hidden(text: str, signs: _Signs) -> str:
    pieces, kept, at = _BORDER.split(text), [], 0
    words = list(map(folded, pieces))
    while at < len(pieces):
        candidates = signs.get(words[at], ()) if at % 2 == 0 else ()
        found = next((each for each in candidates if words[at : at + len(each[0])] == each[0]), None)
        kept.append(pieces[at] if found is None else found[1])
        at += 1 if found is None else len(found[0])
    return "".join(kept)
