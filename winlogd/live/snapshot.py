"""The whole state as one JSON object for one view, and its compressed form: each is made once for all who ask.

Only the moment of the answer is new in each: a reader sets its clock by it. This file must not know requests.
"""

import asyncio
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple, final

import orjson

from winlogd.live.state import State
from winlogd.live.view import View

_LEVEL: Final = 1
"""5 000 machines are 1.5 MB. Level 1 makes 85 kB of them in 2 ms, level 6 makes 76 kB in 6 ms."""
_GZIP_HEADER: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""RFC 1952 §2.3: deflate, without a name or a time."""


@final
class Snapshot:
    """A snapshot.

    Args:
        etag: names its content but for the moment, without quotation marks.
        members: the JSON after the member ``now``, with the brace at the end.

    Attributes:
        etag: names its content but for the moment.
    """

    __slots__ = ("_compressed", "_members", "_waiting", "etag")

    def __init__(self, etag: str, members: bytes) -> None:
        self.etag: Final = etag
        self._members: Final = members
        self._compressed: bytes | None = None
        self._waiting: list[Callable[[bytes | None], None]] = []

    def octets(self, now: str) -> bytes:
        """Return the JSON, with the moment of the answer."""
        return _first(now) + self._members

    def compressed(self, now: str, loop: asyncio.AbstractEventLoop, then: Callable[[bytes | None], None]) -> None:
        """Call `then` with the JSON in the form of gzip; with None after a fault. Another thread compresses it, once.

        Args:
            now: the moment of the answer.
            loop: the event loop, which calls `then`.
            then: may be called before this returns.
        """
        if self._compressed is not None:
            then(self._in_gzip(now, self._compressed))
            return
        self._waiting.append(lambda made: then(None if made is None else self._in_gzip(now, made)))
        if len(self._waiting) == 1:
            made = loop.run_in_executor(None, _deflated, self._members)
            made.add_done_callback(self._note_compressed)

    def _in_gzip(self, now: str, compressed: bytes) -> bytes:
        """Return the JSON as gzip: the moment as a block that is only stored (RFC 1951 §3.2.4), then what is kept."""
        first = _first(now)
        size = len(first).to_bytes(2, "little"), (len(first) ^ 0xFFFF).to_bytes(2, "little")
        check = zlib.crc32(self._members, zlib.crc32(first)).to_bytes(4, "little")
        length = (len(first) + len(self._members)).to_bytes(4, "little")
        return b"".join((_GZIP_HEADER, b"\0", *size, first, compressed, check, length))

    def _note_compressed(self, made: "asyncio.Future[bytes]") -> None:
        waiting, self._waiting = self._waiting, []
        self._compressed = made.result() if made.exception() is None else None
        for then in waiting:
            then(self._compressed)
        made.result()  # raises the error again, for the log


class Answer(NamedTuple):
    """What a request for a snapshot gets.

    Attributes:
        now: the moment of the answer as text.
        snapshot: the snapshot.
    """

    now: str
    snapshot: Snapshot


def snapshot_of(state: State, view: View, head: dict[str, object], writable: bytes) -> Snapshot:
    """Return the snapshot of a state for a view.

    Args:
        state: the state.
        view: what the readers see.
        head: the first members after the moment: ``epoch``, ``seq`` and ``timezone``.
        writable: if events are stored, as JSON.
    """
    rooms = b",".join(state.rooms[name] for name in sorted(state.rooms, key=_in_order) if view.sees(name))
    first = orjson.dumps({**head, "scope": view.scope, "history": state.history})[1:-1]
    members = b'%b,"writable":%b,"site":%b,"rooms":[%b]' % (first, writable, state.site_octets, rooms)
    if view.has_machines:
        members += b',"machines":[%b]' % b",".join(_machines(state, view))
    rooms_name = "" if view.rooms is None else f"-{zlib.crc32(view.rooms.encode()):08x}"
    closed = "-closed" * view.is_past_closed
    return Snapshot(f"{head['epoch']}-{head['seq']}-{view.scope}{rooms_name}{closed}", members + b"}")


def _first(now: str) -> bytes:
    return b'{"now":%b,' % orjson.dumps(now)


def _deflated(octets: bytes) -> bytes:
    return zlib.compress(octets, _LEVEL, -zlib.MAX_WBITS)


def _machines(state: State, view: View) -> list[bytes]:
    seen = [
        each
        for label in sorted(state.machines)
        for each in state.machines[label].values()
        if view.rooms is None or view.sees(each.room)
    ]
    return [each.octets if view.has_last_users else each.octets_of_now for each in seen]


def _in_order(room: str | None) -> tuple[bool, str]:
    """Return the key by which rooms are sorted: as GET /api/v1/rooms lists them, the machines without a room last."""
    return room is None, (room or "").casefold()
