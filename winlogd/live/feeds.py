"""All feeds: how many there may be, who gets which event, and when each is looked at.

This file must not know what an event says, or who may read: it asks the watcher itself.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final, final

from winlogd.http.exchange import Exchange
from winlogd.http.stream import Piece
from winlogd.live.feed import Feed
from winlogd.live.view import View, Watcher

MOST_FEEDS: Final = 200
MOST_FEEDS_OF_ONE: Final = 10
"""Browsers keep one feed for all their windows, so that ten are many for one reader."""
BEAT_S: Final = 15.0
"""A reader hears from its feed at least this often. Proxies cut connections that are silent for a minute."""
_JITTER: Final = 0.2
"""Each beat comes up to this share earlier or later, so that the beats of all feeds spread."""
_RETRY_MS: Final = 3_000
_FULL_RETRY_MS: Final = 30_000
_STOP_RETRY_MS: Final = (1_000, 10_000)
_SENT_AT_ONCE: Final = 20
"""Events that are sent in one task of the loop: 0.2 ms."""
_SEND_NEXT_S: Final = 0.002
"""The next ones are sent so much later. Without this pause the writer's thread waited for Python's lock. P99 of 1 000
events a second beside 200 feeds was 2.8 to 3.2 ms with all in one task. It was 2.4 to 3.0 ms with 20 in each, and 1.3
to 1.6 ms with the pause (`python -m bench.beside_feeds --seconds 15`)."""

_CONNECTED: Final = Piece(b": connected\n\nretry: %d\n\n" % _RETRY_MS)
_FULL: Final = Piece(b": connected\n\nretry: %d\n\nevent: full\ndata: {}\n\n" % _FULL_RETRY_MS)
_BEAT: Final = Piece(b": still here\n\n")


@final
class Feeds:
    """The feeds.

    Args:
        loop: the event loop.
        changed: called when the number of feeds has changed.
        beat_s: seconds between two beats of a feed, on average.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: Callable[[], None], beat_s: float = BEAT_S) -> None:
        self._loop = loop
        self._changed = changed
        self._beat_s = beat_s
        self._beats: dict[Feed, asyncio.TimerHandle] = {}
        self._of: Counter[str] = Counter()
        self._unsent: deque[tuple[Feed, Piece]] = deque()
        self._next: asyncio.TimerHandle | None = None  # sends some of `_unsent`

    def __len__(self) -> int:
        """Return how many feeds there are."""
        return len(self._beats)

    def open(self, exchange: Exchange, watcher: Watcher, first: Iterable[Piece]) -> None:
        """Answer a request with a feed; with the event ``full`` if there is no place for one.

        Args:
            exchange: the request.
            watcher: who asks.
            first: what the reader has missed.
        """
        for other in list(self._beats):
            self._drop_if_hopeless(other)
        feed = Feed(exchange, watcher, self._loop.time, self._remove)
        if len(self) >= MOST_FEEDS or self._of[watcher.name] >= MOST_FEEDS_OF_ONE:
            feed.begin((_FULL,))
            feed.end()
            return
        self._of[watcher.name] += 1
        self._beats[feed] = self._next_beat(feed)
        feed.begin((_CONNECTED, *first))
        if feed.is_done:  # HEAD
            self._remove(feed)
            return
        self._changed()

    def refuse(self, exchange: Exchange, watcher: Watcher) -> None:
        """Answer a request with a feed that ends at once: the server stops."""
        feed = Feed(exchange, watcher, self._loop.time, self._remove)
        feed.begin(())
        feed.end(_come_back())

    def send(self, event: Callable[[View], Piece | None]) -> None:
        """Send an event to all feeds, a few at a time. Those that are hopelessly behind are dropped.

        Args:
            event: returns the event for a view, made once for each; None for nothing.
        """
        pieces = [(feed, event(feed.watcher.view)) for feed in self._beats]
        self._unsent.extend((feed, piece) for feed, piece in pieces if piece is not None)
        if self._next is None:
            self._send_some()

    def stop(self) -> None:
        """End all feeds, after what waits for its turn: the server stops. Each comes back at another time."""
        for feed in list(self._beats):
            for piece in [piece for to, piece in self._unsent if to is feed]:
                feed.send(piece)
            self._remove(feed)
            feed.end(_come_back())
        self._unsent.clear()

    def check(self) -> None:
        """Look now if each reader may still read: one may have been revoked."""
        for feed in list(self._beats):
            self._check(feed)

    def _send_some(self) -> None:
        now = [self._unsent.popleft() for _ in range(min(_SENT_AT_ONCE, len(self._unsent)))]
        self._next = self._loop.call_later(_SEND_NEXT_S, self._send_some) if self._unsent else None
        for feed, piece in now:
            if feed in self._beats:
                self._send(feed, piece)

    def _beat(self, feed: Feed) -> None:
        self._beats[feed] = self._next_beat(feed)
        self._send(feed, _BEAT)
        self._check(feed)

    def _check(self, feed: Feed) -> None:
        def checked(may_read: bool) -> None:
            if not may_read and feed in self._beats:
                self._remove(feed)
                feed.cut()

        if feed in self._beats:
            feed.watcher.check(checked)

    def _next_beat(self, feed: Feed) -> asyncio.TimerHandle:
        spread = random.uniform(1 - _JITTER, 1 + _JITTER)
        return self._loop.call_later(self._beat_s * spread, self._beat, feed)

    def _send(self, feed: Feed, piece: Piece) -> None:
        feed.send(piece)
        self._drop_if_hopeless(feed)

    def _drop_if_hopeless(self, feed: Feed) -> None:
        if feed.is_hopeless:
            self._remove(feed)
            feed.drop()

    def _remove(self, feed: Feed) -> None:
        """Forget a feed that has ended, or is about to end."""
        beat = self._beats.pop(feed, None)
        if beat is None:
            return
        beat.cancel()
        self._of[feed.watcher.name] -= 1
        if not self._of[feed.watcher.name]:
            del self._of[feed.watcher.name]
        self._changed()


def _come_back() -> Piece:
    """Return the event that lets a browser come back at some moment after a restart."""
    return Piece(b"retry: %d\n\n" % random.randint(*_STOP_RETRY_MS))
