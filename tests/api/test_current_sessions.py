"""Who is where: who asks before that is known, and how the listing is made."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from winlogd.api.current_sessions import CurrentSessions, _fields, _in_order, as_json
from winlogd.events.timestamps import instant
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head, Response
from winlogd.sessions.book import Book
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import OpenSession, Pair, System, pair_key
from winlogd.sessions.retries import RecentEvents
from winlogd.store.read.filters import Site


class Unopened:
    """A store whose database is not open yet."""

    def with_book(self, use: Callable[[Book | None], None]) -> None:
        self.tell = use


class Peer:
    """What an exchange needs of its connection."""

    peer = "192.0.2.1"
    is_encrypted = False
    peer_sent_fin = False

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []

    def answered(self, exchange: Exchange) -> None:
        self.answers.append(exchange.answer)

    def refused(self, response: Response) -> None:
        """Nothing to do."""

    def limit_unacknowledged(self, octets: int) -> None:
        """Nothing to do."""

    def hold(self) -> None:
        """Nothing to do."""

    def release(self) -> None:
        """Nothing to do."""


def unknown() -> Site:
    raise AssertionError("nobody asks for a room")


async def test_those_that_have_gone_are_forgotten_and_the_others_answered() -> None:
    store: Any = Unopened()
    no_reader: Any = None
    sessions = CurrentSessions(asyncio.get_running_loop(), store, unknown, no_reader)
    respond = sessions.handler_for(Head("GET", "/", "", 1, (), None, keep_alive=True, expects_continue=False))
    waiting, gone = Peer(), Peer()
    for number in range(10_000):
        exchange = Exchange(waiting if number % 1000 == 0 else gone, None)
        respond(exchange, b"")
        if exchange.sender is gone:
            exchange.drop()

    assert len(sessions._asking) <= 10 + 1100
    store.tell(None)
    await asyncio.sleep(0)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(waiting.answers) == 10
    assert gone.answers == []


# ── the listing itself ────────────────────────────────────────────────────────────────────────────────


def session(event_id: int, hostname: str | None, second: int = 0) -> OpenSession:
    uuid = f"user@{hostname}@{event_id:06x}"
    connected_at = f"2026-01-13T08:30:{second:02d}.{event_id % 7}00Z"
    return OpenSession(event_id, uuid, connected_at, f"user{event_id}", hostname, "192.0.2.1", System("Windows", None))


def a_book(sessions: list[OpenSession]) -> Book:
    book = Book(RecentEvents(0.0), Identifiers())
    for each in sessions:
        key = pair_key(each.username, each.hostname)
        book.pairs[key] = Pair((each,))
    return book


def in_one_call(sessions: list[OpenSession]) -> bytes:
    ordered = sorted(sessions, key=lambda s: (s.hostname or "", instant(s.connected_at), s.event_id))
    return orjson.dumps([_fields(each) for each in ordered])


KINDS: dict[str, Callable[[int], OpenSession]] = {
    "hosts in order": lambda i: session(i, f"PC-{i:06d}"),
    "hosts in reverse order": lambda i: session(i, f"PC-{999_999 - i:06d}"),
    "hosts in any order": lambda i: session(i, f"PC-{i * 7919 % 100_003}"),
    "one host": lambda i: session(i, "TS-1", i * 31 % 60),
    "no host": lambda i: session(i, None),
    "each hundredth has no host": lambda i: session(i, f"PC-{i:06d}" if i % 100 else None),
    "two hosts": lambda i: session(i, f"TS-{i % 2}", i % 61),
}


@pytest.mark.parametrize("number", [0, 1, 99, 100, 499, 500, 501, 1000, 20_000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_listing_that_is_made_in_pieces_is_the_same_to_the_octet(kind: str, number: int) -> None:
    sessions = [KINDS[kind](i) for i in range(number)]
    assert as_json(a_book(sessions)) == in_one_call(sessions)


@pytest.mark.parametrize("kind", KINDS)
def test_no_piece_has_much_more_than_its_part_of_the_sessions(kind: str) -> None:
    """One call sorts a piece, another writes it, and the event loop stands still as long as it takes."""
    pieces = [len(piece) for piece in _in_order([KINDS[kind](i) for i in range(50_000)])]
    assert sum(pieces) == 50_000
    assert max(pieces) < 2500
