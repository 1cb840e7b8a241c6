"""Who asks: the reader that a request's token names. A copy of the rows in memory, so that no request waits for a disk.

A token is looked up by its SHA-256. A guess changes the whole hash, so the time of the look-up tells nothing of the
token. Pure: the caller passes the time. This file must not know where the rows come from.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from winlogd.access.scopes import ALL, NETWORK
from winlogd.events.names import folded
from winlogd.events.patterns import Pattern
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head
from winlogd.store.access_file.readers import ReaderRow

_SCHEME: Final = "bearer"


class Reader(NamedTuple):
    """Who reads.

    Attributes:
        name: the name in the readers' log.
        scope: what the reader may read.
        rooms: the rooms that a wall shows; None for all.
        number: the row of the file; None if there is no token.
    """

    name: str
    scope: str
    rooms: Pattern | None = None
    number: int | None = None

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
    """All readers that were ever added.

    Args:
        rows: the rows of the file.
    """

    def __init__(self, rows: Iterable[ReaderRow]) -> None:
        self._rows = {row.token: row for row in rows}

    @property
    def is_empty(self) -> bool:
        """Return True if no reader was ever added."""
        return not self._rows

    def holder_of(self, token: str, now_us: int) -> Reader | None:
        """Return the reader whose token this is; None if it is nobody's, or is expired or revoked."""
        row = self._rows.get(digest_of(token))
        if row is None or not row.is_valid(now_us):
            return None
        return Reader(row.name, row.scope, None if row.rooms is None else Pattern(row.rooms), row.number)


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 of a secret, as the file has it. Header fields are read as Latin-1, and so is a secret."""
    return sha256(secret.encode("latin-1", "replace")).digest()


def bearer_token(head: Head) -> str | None:
    """Return the token in ``Authorization: Bearer``; None if the request has none."""
    scheme, _, credentials = (head.get("authorization") or "").partition(" ")
    return credentials.strip(" ") if scheme.lower() == _SCHEME else None
