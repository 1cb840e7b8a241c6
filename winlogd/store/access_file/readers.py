"""The rows of readers: add, revoke, list. A token is known by its SHA-256 alone.

Each function is work for `file.AccessFile.run`. This file must not know requests, or what a scope may read.
"""

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from winlogd.events.names import folded
from winlogd.store.access_file.errors import OrderRefusedError

if TYPE_CHECKING:  # types only
    import apsw

PAIRING_US: Final = 600_000_000
"""A pairing code is valid for this long."""

_COLUMNS: Final = "number, name, scope, rooms, token, created_us, expires_us, revoked_us, used_us"
_LISTED: Final = f"SELECT {_COLUMNS} FROM readers ORDER BY number"
_NAMED: Final = f"SELECT {_COLUMNS} FROM readers WHERE folded = ?"
_ADDED: Final = """INSERT INTO readers (name, folded, scope, rooms, token, created_us, expires_us)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_REVOKED: Final = "UPDATE readers SET revoked_us = ? WHERE number = ?"
_USED: Final = "UPDATE readers SET used_us = ? WHERE number = ?"
_ENDED: Final = ("DELETE FROM logins WHERE reader = ?", "DELETE FROM codes WHERE reader = ?")
_OLD_CODES: Final = "DELETE FROM codes WHERE ends_us <= ? OR reader = ?"
_CODE: Final = "INSERT INTO codes (code, reader, ends_us) VALUES (?, ?, ?)"


class ReaderRow(NamedTuple):
    """A reader as the file has it.

    Attributes:
        number: the row.
        name: the name.
        scope: what the reader may read.
        rooms: a pattern of rooms' names; None for all rooms.
        token: the token's SHA-256.
        created_us: when the reader was added.
        expires_us: from when on the token is not valid; None for never.
        revoked_us: when the reader was revoked; None if that has not happened.
        used_us: when the token was used last, to the minute; None for never.
    """

    number: int
    name: str
    scope: str
    rooms: str | None
    token: bytes
    created_us: int
    expires_us: int | None
    revoked_us: int | None
    used_us: int | None

    def is_valid(self, now_us: int) -> bool:
        """Return True if the reader is neither revoked nor expired."""
        return self.revoked_us is None and (self.expires_us is None or now_us < self.expires_us)


def list_readers(connection: "apsw.Connection") -> list[ReaderRow]:
    """Return all readers, also those that are revoked or expired."""
    return [ReaderRow(*cast("tuple[Any, ...]", row)) for row in connection.execute(_LISTED)]


def add_reader(
    connection: "apsw.Connection",
    name: str,
    scope: str,
    rooms: str | None,
    token: bytes,
    now_us: int,
    expires_us: int | None,
) -> bool:
    """Add a reader. Return True if it is the first one that was ever added.

    Raises:
        OrderRefusedError: the name is used, or was used once.
    """
    known = _reader_named(connection, name)
    if known is not None:
        why = "is in use" if known.revoked_us is None else "was revoked, and a name is never used again"
        raise OrderRefusedError(f"the name {known.name!r} {why}; choose another one")
    is_first = not bool(connection.execute("SELECT count(*) FROM readers").get)
    connection.execute(_ADDED, (name, folded(name), scope, rooms, token, now_us, expires_us))
    return is_first


def revoke_reader(connection: "apsw.Connection", name: str, now_us: int) -> str:
    """Revoke a reader, and end its logins and pairing codes. Return the name as it was added.

    Raises:
        OrderRefusedError: there is no such reader, or it is revoked already.
    """
    known = _reader_named(connection, name)
    if known is None:
        raise OrderRefusedError(f"there is no reader {name!r}; winlogd token list shows them")
    if known.revoked_us is not None:
        raise OrderRefusedError(f"the reader {known.name!r} is revoked already")
    connection.execute(_REVOKED, (now_us, known.number))
    for statement in _ENDED:
        connection.execute(statement, (known.number,))
    return known.name


def add_code(connection: "apsw.Connection", name: str, code: bytes, now_us: int) -> str:
    """Store the hash of a pairing code, which replaces an older one of the reader. Return the name as it was added.

    Raises:
        OrderRefusedError: there is no such reader, or its token is not valid.
    """
    known = _reader_named(connection, name)
    if known is None or not known.is_valid(now_us):
        raise OrderRefusedError(f"there is no valid reader {name!r}; winlogd token list shows them")
    connection.execute(_OLD_CODES, (now_us, known.number))
    connection.execute(_CODE, (code, known.number, now_us + PAIRING_US))
    return known.name


def note_use(connection: "apsw.Connection", number: int, now_us: int) -> None:
    """Note when a token was used last."""
    connection.execute(_USED, (now_us, number))


def _reader_named(connection: "apsw.Connection", name: str) -> ReaderRow | None:
    row = connection.execute(_NAMED, (folded(name),)).fetchone()
    return None if row is None else ReaderRow(*cast("tuple[Any, ...]", row))
