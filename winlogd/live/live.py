"""Follows the state of all machines while somebody watches, and hands its changes out.

It sleeps until somebody asks for a snapshot or a feed. Then it asks the reader for all machines, and has the Book note
what changes. After that it asks for those machines only, a few times a second at most. With no feed it asks only when
somebody wants a snapshot. When nobody has asked for some minutes, it forgets all and sleeps again.

All methods run on the event loop's thread. This file must not know HTTP's fields, or who may read.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

import orjson

from winlogd.http.exchange import Exchange
from winlogd.http.stream import Piece
from winlogd.live.change import Change, reset
from winlogd.live.feed import MOST_WAITING_BYTES
from winlogd.live.feeds import BEAT_S, Feeds
from winlogd.live.following import Following
from winlogd.live.ring import Ring
from winlogd.live.snapshot import Answer, Snapshot, snapshot_of
from winlogd.live.spelling import Spelling
from winlogd.live.state import Difference, State
from winlogd.live.view import View, Watcher
from winlogd.sessions.session import US
from winlogd.store.errors import QuestionRefusedError

if TYPE_CHECKING:  # types only
    from winlogd.store.read.filters import Site
    from winlogd.store.read.reader import Reader
    from winlogd.store.store import Store

_SLEEPS_AFTER_S: Final = 120.0
"""Forget the state after this long without a feed and without a question. Readers without a feed ask every 30 s."""


@final
class Live:
    """The live state.

    Args:
        loop: the event loop.
        reader: answers questions.
        store: its Book notes changes, and it knows if events are stored.
        site: returns what is known of the site.
        spelling: writes machines, rooms and moments.
        beat_s: seconds between two beats of a feed, on average.
        is_past_closed: returns True while nobody may see the past.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reader: "Reader",
        store: "Store[Any]",
        site: "Callable[[], Site]",
        spelling: Spelling,
        beat_s: float = BEAT_S,
        is_past_closed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._loop = loop
        self._store = store
        self._spelling = spelling
        self._is_past_closed = is_past_closed
        self._was_past_closed = False
        self._following = Following(loop, reader, store, site, spelling, self._take, self._forget_changes)
        self.feeds: Final = Feeds(loop, self._note_feeds, beat_s)
        self._epoch = ""
        self._seq = 0
        self._ring = Ring()
        self._writable = b""
        self._snapshots: dict[View, Snapshot] = {}
        self._sleeps: asyncio.TimerHandle | None = None
        self._is_stopped = False
        reader.at_stop.add(self.stop)

    def snapshot(self, view: View, answered: Callable[[Answer | Exception], None]) -> None:
        """Ask for the snapshot of a view. It is at least as new as the request, and its moment is that of the answer.

        Args:
            view: what the reader sees.
            answered: called with it, or with the error of a question to the reader.
        """
        if self._is_stopped:
            answered(QuestionRefusedError("winlogd is stopping"))
            return
        self._wake()

        def ready(outcome: State | Exception) -> None:
            if isinstance(outcome, Exception):
                answered(outcome)
                return
            answered(Answer(self._now(outcome), self._snapshot(outcome, self._shown(view))))

        self._following.when_fresh(ready)

    def open_feed(self, exchange: Exchange, watcher: Watcher, after: str | None) -> None:
        """Answer a request with a feed.

        Args:
            exchange: the request.
            watcher: who asks.
            after: the id of the last event that the reader has, as ``epoch-seq``; None for a reader that has none.
        """
        if self._is_stopped:
            self.feeds.refuse(exchange, watcher)
            return
        self._wake()
        self.feeds.open(exchange, watcher, () if after is None else self._missed(after, self._shown(watcher.view)))

    def stop(self) -> None:
        """End all feeds, and follow no more: the server stops."""
        self._is_stopped = True
        self._sleep()
        self.feeds.stop()

    def _wake(self) -> None:
        if self._sleeps is not None:
            self._sleeps.cancel()
            self._sleeps = None
        if not self._epoch:
            self._epoch, self._seq, self._ring = secrets.token_hex(6), 0, Ring()
            self._following.begin()
        if not len(self.feeds):
            self._sleeps = self._loop.call_later(_SLEEPS_AFTER_S, self._sleep)

    def _sleep(self) -> None:
        if self._sleeps is not None:
            self._sleeps.cancel()
            self._sleeps = None
        self._following.end()
        self._epoch, self._writable, self._ring = "", b"", Ring()
        self._snapshots.clear()

    def _note_feeds(self) -> None:
        if self._is_stopped:
            return
        self._wake()
        self._following.hurry(len(self.feeds) > 0)

    def _forget_changes(self) -> None:
        """Forget the changes so far: they may name somebody who was forgotten. Who comes back loads the snapshot."""
        self._ring = Ring()
        self._snapshots.clear()

    def _take(self, state: State, difference: Difference) -> None:
        """Number a change of the state, keep it, and send it to all feeds."""
        writable = self._writable_octets(state)
        is_first = not self._writable
        is_same = writable == self._writable
        self._writable = writable
        self._look_at_past()
        if difference.is_empty and is_same:
            return
        self._snapshots.clear()
        if is_first:
            return
        self._seq += 1
        change = Change(self._epoch, self._seq, self._now(state), difference, None if is_same else writable)
        self._ring.add(change)
        self.feeds.send(lambda view: change.event(self._shown(view)))

    def _look_at_past(self) -> None:
        """Have all readers load the snapshot again if some were shown no past, and it is open now."""
        if self._was_past_closed and not self._is_past_closed():
            self._was_past_closed = False
            self.feeds.send(lambda _: reset(self._epoch, self._seq))

    def _shown(self, view: View) -> View:
        """Return what a view shows now."""
        is_closed = self._is_past_closed()
        self._was_past_closed |= is_closed
        return view._replace(is_past_closed=is_closed)

    def _missed(self, after: str, view: View) -> list[Piece]:
        """Return the events that a reader has missed since the one with the id `after`.

        Return the event ``reset`` alone if they are forgotten, or are more than may wait for a reader: with them it
        would be dropped, would come back with the same id, and would be dropped again.
        """
        epoch, _, number = after.rpartition("-")
        changes = None
        if epoch == self._epoch and number.isascii() and number.isdigit() and len(number) <= 18:
            changes = self._ring.after(int(number), self._seq)
        if changes is None:
            return [reset(self._epoch, self._seq)]
        missed, waiting_bytes = [], 0
        for change in changes:
            if (piece := change.event(view)) is None:
                continue
            missed.append(piece)
            waiting_bytes += len(piece.chunk)
            if waiting_bytes > MOST_WAITING_BYTES:
                return [reset(self._epoch, self._seq)]
        return missed

    def _snapshot(self, state: State, view: View) -> Snapshot:
        made = self._snapshots.get(view)
        if made is None:
            head = {"epoch": self._epoch, "seq": self._seq, "timezone": state.timezone}
            made = self._snapshots[view] = snapshot_of(state, view, head, self._writable)
        return made

    def _now(self, state: State) -> str:
        return self._spelling.moment(int(time.time() * US), state.site.zone) or ""

    def _writable_octets(self, state: State) -> bytes:
        writable = self._store.writability()
        since = self._spelling.moment(int(writable.since_s * US), state.site.zone)
        return orjson.dumps({"is": writable.is_writable, "since": since, "why": writable.why})
