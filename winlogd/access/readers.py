"""Who asks: the reader that a request's token or cookie names. A copy of the rows, so that no request waits for a disk.

Both are looked up by their SHA-256. A guess changes the whole hash, so the time of the look-up tells nothing of the
secret. Pure: the caller passes the time. This file must not know where the rows come from.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from winlogd.access.scopes import ALL, LIFETIMES_S, NETWORK
from winlogd.events.names import folded
from winlogd.events.patterns import Pattern
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head
from winlogd.store.access_file.logins import LoginRow
from winlogd.store.access_file.readers import ReaderRow

US: Final = 1_000_000
USE_EVERY_US: Final = 60 * US
"""Keep the last use of a token or a login to the minute."""

_SCHEME: Final = "bearer"


class Reader(NamedTuple):
    """Who reads.

    Attributes:
        name: the name in the readers' log.
        scope: what the reader may read.
        rooms: the rooms that a wall shows; None for all.
        number: the row of the file; None if there is no token.
        login: the SHA-256 of the secret in the cookie; None if the request has none.
    """

    name: str
    scope: str
    rooms: Pattern | None = None
    number: int | None = None
    login: bytes | None = None

    @property
    def sees_past(self) -> bool:
        """Return True if the reader may see who was where."""
        return self.scope == ALL

    def sees_room(self, room: str | None) -> bool:
        """Return True if the reader may see a room; None stands for the machines without a room."""
        return self.rooms is None or (room is not None and self.rooms.matches(folded(room)))


THIS_MACHINE: Final = Reader("loopback", ALL)
"""Who reads on this machine without a token."""
OPEN_NETWORK: Final = Reader("network", NETWORK)
"""Who reads from `security.read_networks` without a token."""
RESERVED: Final = frozenset((THIS_MACHINE.name, OPEN_NETWORK.name))
"""Names that no token can have."""

ReadHandler = Callable[[Exchange, bytes, Reader], None]
"""Answers one request of a reader: a `Handler` that is told who asks."""
ReadEndpoint = Callable[[Head], ReadHandler]
"""Returns the handler for requests with a given head. Who asks is known with each request only."""


class Readers:
    """All readers that were ever added, and the logins of browsers.

    Args:
        rows: the readers of the file.
        logins: the logins of the file.
    """

    def __init__(self, rows: Iterable[ReaderRow], logins: Iterable[LoginRow] = ()) -> None:
        self._numbers = {row.number: row for row in rows}
        self._tokens = {row.token: row for row in self._numbers.values()}
        self._logins = {login.secret: login for login in logins}

    @property
    def is_empty(self) -> bool:
        """Return True if no reader was ever added."""
        return not self._numbers

    def count(self, now_us: int) -> int:
        """Return how many readers have a token that is neither revoked nor expired."""
        return sum(row.is_valid(now_us) for row in self._numbers.values())

    def holder_of(self, token: str, now_us: int) -> Reader | None:
        """Return the reader whose token this is; None if it is nobody's, or is expired or revoked."""
        row = self.row_of(token, now_us)
        return None if row is None else _reader(row)

    def row_of(self, token: str, now_us: int) -> ReaderRow | None:
        """Return the row of the reader whose token this is, as `holder_of` does."""
        row = self._tokens.get(digest_of(token))
        return row if row is not None and row.is_valid(now_us) else None

    def was_token(self, token: str) -> bool:
        """Return True if a reader has or had this token: it is no guess, even if it is not valid any more."""
        return digest_of(token) in self._tokens

    def holder_of_login(self, secret: str, now_us: int) -> Reader | None:
        """Return the reader whose browser has this secret; None if nobody's has, or the login has ended."""
        login = self._logins.get(digest_of(secret))
        row = None if login is None else self._numbers.get(login.reader)
        if login is None or row is None or now_us >= login.ends_us or not row.is_valid(now_us):
            return None
        return _reader(row)._replace(login=login.secret)

    def used(self, reader: Reader, now_us: int) -> LoginRow | None:
        """Let a login last longer from now on. Return its new row; None if there is no login, or no change to keep."""
        login = None if reader.login is None else self._logins.get(reader.login)
        if login is None or abs(now_us - login.used_us) < USE_EVERY_US:
            return None
        login = login._replace(used_us=now_us, ends_us=now_us + LIFETIMES_S[reader.scope] * US)
        self._logins[login.secret] = login
        return login

    def ends_us(self, reader: Reader) -> int | None:
        """Return the time from which on a reader may not read, if nothing changes; None for never.

        The time is 0 if the reader was revoked, has logged out, or had no token and needs one now.
        """
        if reader.number is None:
            return 0 if reader == THIS_MACHINE and not self.is_empty else None
        row = self._numbers.get(reader.number)
        if row is None or row.revoked_us is not None:
            return 0
        if reader.login is None:
            return row.expires_us
        login = self._logins.get(reader.login)
        ends_us = 0 if login is None else login.ends_us
        return ends_us if row.expires_us is None else min(ends_us, row.expires_us)


def _reader(row: ReaderRow) -> Reader:
    return Reader(row.name, row.scope, None if row.rooms is None else Pattern(row.rooms), row.number)


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 of a secret, as the file has it. Header fields are read as Latin-1, and so is a secret."""
    return sha256(secret.encode("latin-1", "replace")).digest()


def bearer_token(head: Head) -> str | None:
    """Return the token in ``Authorization: Bearer``; None if the request has none."""
    scheme, _, credentials = (head.get("authorization") or "").partition(" ")
    return credentials.strip(" ") if scheme.lower() == _SCHEME else None
