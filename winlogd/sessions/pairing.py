"""The pairing rules: which session an event opens, closes or belongs to, and which events are retries.

Pure: no SQL, no clock, no I/O. A batch of events is decided on a `Draft`, which later events of the batch see. The Book
takes it over when the batch has been committed, and knows nothing of it when it has not.
"""

from collections.abc import Callable

from winlogd.events.event import Event
from winlogd.events.timestamps import one_second_before
from winlogd.sessions.book import Book
from winlogd.sessions.pair import NEW_PAIR, UNKNOWN_HOST, Closed, Decision, Latest, OpenSession, Pair, PairKey

ReadStored = Callable[[int, PairKey, str, str], Decision | None]
"""Reads the committed event `id` if it is the one of this pair, action and timestamp, otherwise None."""


class Draft:
    """The decisions on one batch of events.

    Args:
        book: what is committed; not changed here.
        read_stored: reads a committed event back, to be sure of a retry.
        now_ns: nanoseconds since 1970, mixed into identifiers.

    Attributes:
        pairs: the pairs that the batch changes, as they will be.
        stored: the events to be stored, by fingerprint.
        last_id: the highest id given out.
    """

    __slots__ = ("_committed", "_draw_identifier", "_now_ns", "_read_stored", "_recent", "last_id", "pairs", "stored")

    def __init__(self, book: Book, read_stored: ReadStored, now_ns: int) -> None:
        self._committed = book.pairs.get
        self._recent = book.recent
        self._draw_identifier = book.identifiers.draw
        self._read_stored = read_stored
        self._now_ns = now_ns
        self.pairs: dict[PairKey, Pair] = {}
        self.stored: dict[int, Decision] = {}
        self.last_id = book.last_id

    def decide(self, event: Event, source_ip: str) -> Decision:
        """The decision on the next event of the batch, in order of arrival."""
        action, timestamp, host = event.action, event.timestamp, event.hostname
        key = (event.username, host or UNKNOWN_HOST)
        pair = self.pairs.get(key) or self._committed(key, NEW_PAIR)
        latest, sessions = pair.of(action), pair.open
        highest = latest.highest
        fingerprint = hash((key, action, timestamp))
        if timestamp > highest:  # later than all its like that this pair has sent: no retry, which spares the search
            highest = timestamp
        elif (first := self._first_of(latest.stored, key, action, timestamp, fingerprint)) is not None:
            return Decision(timestamp, first.event_id, first.session_uuid, is_retry=True)
        closed: tuple[Closed, ...] = ()
        if action == "C":
            if sessions:
                closed = self._close_all(sessions, timestamp)
            session_uuid = self._draw(key, timestamp)
        elif action == "M":
            session_uuid = f"hardware_{self._draw(key, timestamp)}"
        elif sessions:
            session_uuid = sessions[-1].session_uuid
            sessions = sessions[:-1]
        else:
            session_uuid = f"orphan_{self._draw(key, timestamp)}"
        self.last_id = event_id = self.last_id + 1
        stored = Decision(timestamp, event_id, session_uuid)
        if action == "C":
            sessions = (_opened(event, source_ip, stored),)
        self.stored[fingerprint] = stored
        self.pairs[key] = pair.after(action, Latest(stored, highest), sessions)
        return Decision(timestamp, event_id, session_uuid, closed=closed) if closed else stored

    def renumber(self, action: str, decision: Decision, ids: list[int], last_id: int) -> Decision:
        """Give the only event of the batch the ids that its rows have got in the end.

        Args:
            action: the event's.
            decision: what `decide` has returned for it; no retry.
            ids: of the logoffs before it, and its own.
            last_id: the highest one in the table by now.
        """
        *closed_ids, event_id = ids
        self.last_id = last_id
        [(fingerprint, stored)] = self.stored.items()
        self.stored[fingerprint] = stored = stored.replaced(event_id=event_id)
        [(key, pair)] = self.pairs.items()
        sessions = tuple(
            session.replaced(event_id=event_id) if session.event_id == decision.event_id else session
            for session in pair.open
        )
        self.pairs[key] = pair.after(action, Latest(stored, pair.of(action).highest), sessions)
        numbered = zip(decision.closed, closed_ids, strict=True)
        closed = tuple(each.replaced(event_id=closed_id) for each, closed_id in numbered)
        return decision.replaced(event_id=event_id, closed=closed)

    def _first_of(
        self, latest: Decision | None, key: PairKey, action: str, timestamp: str, fingerprint: int
    ) -> Decision | None:
        """The stored event of which this one is a retry: the pair's latest of its action, or a recent one."""
        if latest is not None and latest.timestamp == timestamp:
            return latest
        first = self.stored.get(fingerprint)
        if first is not None and first.timestamp == timestamp:
            return first
        for event_id in self._recent.find(fingerprint):
            first = self._read_stored(event_id, key, action, timestamp)
            if first is not None:
                return first
        return None

    def _close_all(self, sessions: tuple[OpenSession, ...], timestamp: str) -> tuple[Closed, ...]:
        """Closes `sessions`, because their pair logs on again at `timestamp`."""
        first_id = self.last_id + 1
        self.last_id += len(sessions)
        return tuple(
            Closed(event_id, session, one_second_before(timestamp, session.connected_at))
            for event_id, session in enumerate(sessions, first_id)
        )

    def _draw(self, key: PairKey, timestamp: str) -> str:
        self._now_ns += 1  # two draws of one batch differ even when the clock has not moved
        return self._draw_identifier(*key, timestamp[:10], self._now_ns)


def _opened(event: Event, source_ip: str, logon: Decision) -> OpenSession:
    """Return the session that the logon `event` opens."""
    return OpenSession(
        logon.event_id,
        logon.session_uuid,
        logon.timestamp,
        event.username,
        event.hostname,
        source_ip,
        event.os_name,
        event.os_version,
    )
