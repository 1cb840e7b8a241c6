"""The pairing rules: which session an event opens, closes or belongs to, and which events are retries.

Pure: no SQL, no clock, no I/O. A batch of events is decided on a `Draft`, so that later events of the batch see the
decisions on earlier ones. The Book takes the Draft over when the batch is committed. If the COMMIT fails, the Draft is
dropped and the Book is unchanged.
"""

from collections.abc import Callable
from typing import Final

from winlogd.events.event import Event
from winlogd.events.timestamps import one_second_before
from winlogd.sessions.book import Book
from winlogd.sessions.pair import (
    NEW_PAIR,
    OPPOSITES,
    UNKNOWN_HOST,
    Closed,
    Decision,
    OpenSession,
    Pair,
    PairKey,
    Stored,
    known,
    pair_key,
)

ReadStored = Callable[[int, PairKey, str, str], Decision | None]
"""Returns the committed event with an id if it has this pair, action and timestamp; otherwise None."""

_PREFIXES: Final = {"D": "orphan_", "M": "hardware_"}
"""Prefixes, by action, of the identifiers of events that belong to no session."""


class Draft:
    """The decisions on one batch of events.

    Args:
        book: the committed state. The Draft changes only its map of used identifiers.
        read_stored: reads a committed event, to be sure of a retry.
        now_ns: nanoseconds since 1970, mixed into identifiers.

    Attributes:
        pairs: the pairs that the batch changes, after the change.
        stored: the events to be stored, by fingerprint, in the order of their ids.
        last_id: the highest id of a row.
    """

    __slots__ = (
        "_committed",
        "_draw_identifier",
        "_now_ns",
        "_read_stored",
        "_recent",
        "_shared",
        "_system_of",
        "last_id",
        "pairs",
        "stored",
    )

    def __init__(self, book: Book, read_stored: ReadStored, now_ns: int) -> None:
        self._committed = book.pairs.get
        self._recent = book.recent
        self._shared = book.shared
        self._system_of = book.system_of
        self._draw_identifier = book.identifiers.draw
        self._read_stored = read_stored
        self._now_ns = now_ns
        self.pairs: dict[PairKey, Pair] = {}
        self.stored: dict[int, Decision] = {}
        self.last_id = book.last_id

    def decide(self, event: Event, source_ip: str) -> Decision:
        """Decide the next event of the batch, in order of arrival, and return the decision."""
        action, timestamp = event.action, event.timestamp
        username, host = event.username, event.hostname or UNKNOWN_HOST
        key = f"{username}\0{host}"
        is_plain = key.isascii() and key[-1] != "."
        key = key.lower() if is_plain else pair_key(username, host)  # the same; 0.1 µs less than a call
        pair = self.pairs.get(key) or self._committed(key, NEW_PAIR)
        latest = pair.connection if action == "C" else pair.disconnection if action == "D" else pair.hardware
        highest, sessions = latest.highest, pair.open
        fingerprint = hash((key, action, timestamp))
        if timestamp > highest:  # later than every such event of this pair: no retry, and no search
            highest = timestamp
        elif (first := self._first_of(latest.stored, key, action, timestamp, fingerprint)) is not None:
            return Decision(timestamp, first.event_id, first.session_uuid, is_retry=True)
        else:
            self.stored.pop(fingerprint, None)  # an equal event is stored again: `stored` has the order of ids
        closed: tuple[Closed, ...] = ()
        if sessions and action == "D":
            session_uuid = sessions[-1].session_uuid
            sessions = sessions[:-1]
            if sessions:  # another program has left several: a logoff closes all with its identifier
                sessions = tuple([session for session in sessions if session.session_uuid != session_uuid])
            if self._shared:
                self._close_elsewhere(session_uuid, key)
        else:
            if sessions and action == "C":
                closed = self._close_all(sessions, key, timestamp)
            self._now_ns += 1  # two draws of one batch differ even when the clock has not moved
            session_uuid = self._draw_identifier(username, host, timestamp[:10], self._now_ns)
            if action != "C":
                session_uuid = f"{_PREFIXES[action]}{session_uuid}"
        self.last_id = event_id = self.last_id + 1
        self.stored[fingerprint] = stored = Decision(timestamp, event_id, session_uuid)
        if "." not in timestamp:
            pair = pair.ending_retries(action, timestamp)
        if action == "C":
            system = self._system_of(event.os_name, event.os_version)
            opened = OpenSession(event_id, session_uuid, timestamp, username, event.hostname, source_ip, system)
            latest = opened if highest is timestamp else known(opened, highest)
            self.pairs[key] = Pair((opened,), latest, pair.disconnection, pair.hardware)
        else:
            latest = stored if highest is timestamp else known(stored, highest)
            if action == "D":
                self.pairs[key] = Pair(sessions, pair.connection, latest, pair.hardware)
            else:
                self.pairs[key] = Pair(sessions, pair.connection, pair.disconnection, latest)
        return Decision(timestamp, event_id, session_uuid, closed=closed) if closed else stored

    def renumber(self, event: Event, decision: Decision, ids: list[int], last_id: int) -> Decision:
        """Give the only event of the batch the ids that SQLite has chosen. Return the decision with these ids.

        Args:
            event: the only event of the batch.
            decision: the decision on it; no retry.
            ids: the ids of its automatic logoffs, then its own.
            last_id: the highest id in the table now.
        """
        *closed_ids, event_id = ids
        self.last_id = last_id
        [(fingerprint, stored)] = self.stored.items()
        self.stored[fingerprint] = stored = stored.replaced(event_id=event_id)
        key = pair_key(event.username, event.hostname)
        pair = self.pairs[key]
        sessions = tuple(
            session.replaced(event_id=event_id) if session.event_id == decision.event_id else session
            for session in pair.open
        )
        self.pairs[key] = pair.after(event.action, known(stored, pair.of(event.action).highest), sessions)
        numbered = zip(decision.closed, closed_ids, strict=True)
        closed = tuple(each.replaced(event_id=closed_id) for each, closed_id in numbered)
        return decision.replaced(event_id=event_id, closed=closed)

    def _first_of(
        self, latest: Stored | None, key: PairKey, action: str, timestamp: str, fingerprint: int
    ) -> Stored | None:
        """Return the stored event of which this one is a retry: the pair's latest of its action, or a recent one.

        Return None if there is none. Return None, too, if the opposite action came after the stored event and both have
        the same timestamp without a fraction.
        """
        if latest is not None and latest.timestamp == timestamp:
            return latest  # nothing opposite came after it: see `Pair.ending_retries`
        first = self._remembered(key, action, timestamp, fingerprint)
        opposite = OPPOSITES.get(action)
        if first is None or opposite is None or "." in timestamp:
            return first
        other = self._remembered(key, opposite, timestamp, hash((key, opposite, timestamp)))
        return first if other is None or other.event_id < first.event_id else None

    def _remembered(self, key: PairKey, action: str, timestamp: str, fingerprint: int) -> Decision | None:
        """Return the latest equal event of the batch or of the last minutes, or None."""
        stored = self.stored.get(fingerprint)
        if stored is not None and stored.timestamp == timestamp:
            return stored
        for event_id in sorted(self._recent.find(fingerprint), reverse=True):
            stored = self._read_stored(event_id, key, action, timestamp)
            if stored is not None:
                return stored
        return None

    def _close_all(self, sessions: tuple[OpenSession, ...], key: PairKey, timestamp: str) -> tuple[Closed, ...]:
        """Close `sessions`, because their pair logs on again at `timestamp`. Return a logoff for each identifier."""
        latest = {session.session_uuid: session for session in sessions}
        first_id = self.last_id + 1
        self.last_id += len(latest)
        if self._shared:
            for session_uuid in latest:
                self._close_elsewhere(session_uuid, key)
        return tuple(
            [
                Closed(event_id, session, one_second_before(timestamp, session.connected_at))
                for event_id, session in enumerate(latest.values(), first_id)
            ]
        )

    def _close_elsewhere(self, session_uuid: str, key: PairKey) -> None:
        """Close the sessions of other pairs that share an identifier with `key`: a logoff closes all of them."""
        for other in self._shared.get(session_uuid, frozenset()) - {key}:
            pair = self.pairs.get(other) or self._committed(other)
            if pair is not None:
                self.pairs[other] = pair.without(session_uuid)
