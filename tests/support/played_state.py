"""A server of the live state alone, on a thread of its own: readers of every scope, and a clock of its own for beats.

Its store and reader are the real ones, with a database in a folder.
"""

import asyncio
import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
import uvloop

from tests.support.questions import RULES
from tests.support.running import PATIENCE_S, Answer, an_event, read_answer, wait_for
from tests.support.watching import Watching
from winlogd.access.readers import ReadEndpoint, Reader
from winlogd.api import live as live_api
from winlogd.api import snapshot as snapshot_api
from winlogd.api.machines import machine_fields
from winlogd.api.rooms import room_fields
from winlogd.api.session_fields import local_text
from winlogd.events.decode import EventDecoder
from winlogd.events.event import Event
from winlogd.events.patterns import Pattern
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint, Router
from winlogd.http.server import Server
from winlogd.http.sockets import bind
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head, Response
from winlogd.live.live import Live
from winlogd.live.spelling import Spelling
from winlogd.log.log import Log
from winlogd.sessions.host_template import HostTemplate
from winlogd.sessions.pair import ACTIONS, Decision
from winlogd.sessions.rooms import Rooms
from winlogd.store.file.settings import Settings
from winlogd.store.read.filters import Site
from winlogd.store.read.readers import Readers
from winlogd.store.store import Store
from winlogd.store.submission import Fault

T = TypeVar("T")

SITE: Final = Site(Rooms({}, HostTemplate("{room}-*")), RULES, None)


def for_named(endpoint: ReadEndpoint) -> Endpoint:
    """Return an endpoint for the reader that a test names in its header section."""

    def handler_for(head: Head) -> Handler:
        handler, rooms = endpoint(head), head.get("rooms")
        pattern = None if rooms is None else Pattern(rooms)
        reader = Reader(head.get("reader") or "r", head.get("scope") or "all", pattern, number=1)
        return lambda exchange, body: handler(exchange, body, reader)

    return handler_for


class Played:
    """The server.

    Args:
        path: the database.
        beat_s: seconds between two beats of a feed.

    Attributes:
        port: where it listens.
        revoked: the names of readers that may not read any more.
        failures: exceptions of the loop.
        is_past_closed: True if nobody may see the past.
    """

    def __init__(self, path: Path, beat_s: float) -> None:
        self.loop = uvloop.new_event_loop()
        self.revoked: set[str] = set()
        self.failures: list[Any] = []
        self.loop.set_exception_handler(lambda _, context: self.failures.append(context))
        settings = Settings(str(path), "WAL", "OFF", 30_000, 10_000)
        self._is_open = threading.Event()
        self._has_ended = threading.Event()
        self.store: Store[Any] = Store(
            self.loop, settings, Log("error", "compact"), 10.0, 10_000, True, self._answer, self
        )
        self.readers = Readers(self.loop, settings)
        spelling = Spelling(machine_fields, room_fields, local_text)
        self.is_past_closed = False
        self.live = Live(
            self.loop, self.readers.questions, self.store, lambda: SITE, spelling, beat_s, lambda: self.is_past_closed
        )
        watchers = live_api.Watchers(lambda reader, _: reader.name not in self.revoked)
        routes = {
            ("GET", "/api/v1/live"): for_named(live_api.endpoint(self.live, watchers.of)),
            ("GET", "/api/v1/snapshot"): for_named(snapshot_api.endpoint(self.loop, self.live, watchers.of)),
        }
        self.server = Server(self.loop, Router(routes), Limits(), 1_000, Response(503, b"{}"), self)
        self._thread = threading.Thread(target=self.loop.run_forever)
        self.port = 0

    def call(self, function: Callable[[], T]) -> T:
        """Call a function on the server's thread, and return its result."""

        async def called() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(PATIENCE_S)

    def post(self, *events: Mapping[str, object]) -> list[object]:
        """Store events at once. Return what each answer would be made of."""
        outcomes: list[object] = []
        decode = EventDecoder(ACTIONS).decode

        def submit() -> None:
            for event in events:
                self.store.submit(decode_one(decode, event), "127.0.0.1", outcomes.append, 0)

        self.call(submit)
        wait_for(lambda: len(outcomes) == len(events), "the answers")
        return outcomes

    def open(self) -> None:
        """Start all, and wait until the database is open."""
        sockets = bind("127.0.0.1", 0)
        self.port = sockets[0].getsockname()[1]
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.listen(sockets), self.loop).result(PATIENCE_S)
        self.call(lambda: self.store.start(prepare))
        assert self._is_open.wait(PATIENCE_S)

    def close(self) -> None:
        """Stop all."""
        ended = threading.Event()
        self.call(lambda: self.readers.stop(ended.set))
        assert ended.wait(PATIENCE_S)
        self.call(self.server.abort)
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(PATIENCE_S)
        self.call(self.store.stop)
        assert self._has_ended.wait(PATIENCE_S)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()

    @staticmethod
    def _answer(reply: Callable[[object], None], event: Event, outcome: Decision | Fault) -> None:
        reply(outcome)

    # ── owner of the store, observer of the server ────────────────────────────────────────────────────

    def store_opened(self, marks: Mapping[str, str]) -> None:
        self.readers.begin()
        self._is_open.set()

    def store_full(self) -> None:
        """Nothing to do."""

    def store_has_room(self) -> None:
        """Nothing to do."""

    def store_ended(self, error: BaseException | None) -> None:
        self._has_ended.set()

    def refused(self, peer: str, response: Response) -> None:
        """Nothing to do."""

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    def swept(self, now: float) -> None:
        """Nothing to do."""


def prepare() -> None:
    """Nothing to do: the tests' process has configured SQLite, or needs no configuration."""


def decode_one(decode: Callable[..., Any], event: Mapping[str, object]) -> Event:
    """Return an event as the server decodes it."""
    decoded = decode(orjson.dumps(dict(event)))
    assert isinstance(decoded, Event), decoded
    return decoded


@contextmanager
def a_live_server(folder: Path, beat_s: float = 600.0) -> Iterator[Played]:
    """Run the server in a folder."""
    played = Played(folder / "winlog.db", beat_s)
    played.open()
    try:
        yield played
    finally:
        played.close()
    assert not played.failures, [(each.get("message"), repr(each.get("exception"))) for each in played.failures]


def an_event_at(hostname: str, number: int = 0, **fields: object) -> dict[str, object]:
    """Return a logon of now, so that nothing doubts it."""
    moment = datetime.now(UTC) + timedelta(microseconds=number)
    return an_event(hostname=hostname, timestamp=moment.isoformat(), **fields)


def snapshot(played: Played, **headers: str) -> Answer:
    """Return the answer to a request for the snapshot, with some header fields."""
    with closing(http.client.HTTPConnection("127.0.0.1", played.port, timeout=PATIENCE_S)) as connection:
        connection.request("GET", "/api/v1/snapshot", headers=headers)
        return read_answer(connection)


def feed(played: Played, **headers: str) -> Watching:
    """Return a feed with some header fields, which goes on after the snapshot of now."""
    answer = snapshot(played, **headers).json
    return Watching(played.port, f"{answer['epoch']}-{answer['seq']}", headers).connected()
