"""The rows of logins: sessions of browsers, each named by the SHA-256 of a secret in a cookie. Codes begin some.

Each function is work for `file.AccessFile.run`. This file must not know cookies, or how long a login of a scope lasts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from winlogd.store.access_file.readers import ReaderRow, list_readers

if TYPE_CHECKING:  # types only
    import apsw

MOST_OF_READER: Final = 100
"""A reader has at most this many logins. With a further one, the login that was not used for the longest time ends."""

_LISTED: Final = "SELECT secret, reader, used_us, ends_us FROM logins"
_BEGUN: Final = "INSERT INTO logins (secret, reader, created_us, used_us, ends_us) VALUES (?1, ?2, ?3, ?3, ?4)"
_USED: Final = "UPDATE logins SET used_us = ?, ends_us = ? WHERE secret = ?"
_ENDED: Final = "DELETE FROM logins WHERE secret = ?"
_OLD: Final = "DELETE FROM logins WHERE ends_us <= ?"
_SURPLUS: Final = """DELETE FROM logins WHERE secret IN
    (SELECT secret FROM logins WHERE reader = ? ORDER BY used_us DESC, created_us DESC LIMIT -1 OFFSET ?)"""
_TAKEN: Final = "DELETE FROM codes WHERE code = ? RETURNING reader, ends_us"


class LoginRow(NamedTuple):
    """A login as the file has it.

    Attributes:
        secret: the SHA-256 of the secret.
        reader: the row of the reader.
        used_us: when it was used last, to the minute.
        ends_us: from when on it is not valid.
    """

    secret: bytes
    reader: int
    used_us: int
    ends_us: int


class NewLogin(NamedTuple):
    """A login that begins.

    Attributes:
        secret: the SHA-256 of the secret.
        now_us: the time, in microseconds since 1970.
        lifetime_us: returns how long a login of a scope lasts without being used.
        replaced: the SHA-256 of the secret that the browser has so far; None if it has none. That login ends.
    """

    secret: bytes
    now_us: int
    lifetime_us: Callable[[str], int]
    replaced: bytes | None = None


class Known(NamedTuple):
    """All readers that were ever added, and all logins."""

    readers: list[ReaderRow]
    logins: list[LoginRow]


def list_known(connection: "apsw.Connection") -> Known:
    """Return all readers and logins, also those that are not valid any more."""
    logins = [LoginRow(*cast("tuple[Any, ...]", row)) for row in connection.execute(_LISTED)]
    return Known(list_readers(connection), logins)


def begin_login(connection: "apsw.Connection", reader: ReaderRow, new: NewLogin) -> ReaderRow:
    """Add a login of a reader. Remove the logins that have ended, and the one that it replaces. Return `reader`."""
    connection.execute(_OLD, (new.now_us,))
    if new.replaced is not None:
        end_login(connection, new.replaced)
    connection.execute(_BEGUN, (new.secret, reader.number, new.now_us, new.now_us + new.lifetime_us(reader.scope)))
    connection.execute(_SURPLUS, (reader.number, MOST_OF_READER))
    return reader


def begin_by_code(connection: "apsw.Connection", code: bytes, new: NewLogin) -> ReaderRow | None:
    """Add a login for the reader of a pairing code, and remove the code. Return the reader; None if the code is wrong.

    Args:
        connection: the file.
        code: the SHA-256 of the code.
        new: the login.
    """
    taken = cast("list[tuple[int, int]]", connection.execute(_TAKEN, (code,)).fetchall())
    for number, ends_us in taken:
        reader = next(row for row in list_readers(connection) if row.number == number)
        if new.now_us < ends_us and reader.is_valid(new.now_us):
            return begin_login(connection, reader, new)
    return None


def note_login(connection: "apsw.Connection", login: LoginRow) -> None:
    """Note when a login was used last, and when it ends without a further use."""
    connection.execute(_USED, (login.used_us, login.ends_us, login.secret))


def end_login(connection: "apsw.Connection", secret: bytes) -> None:
    """Remove a login."""
    connection.execute(_ENDED, (secret,))
