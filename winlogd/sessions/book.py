"""What is known from committed rows: open sessions, and what is remembered to recognise retries.

Pure: no SQL, no clock, no I/O. The writer's thread alone changes it, and only for what is committed. The event loop
reads it (`Book.pairs`). The rules are in `pairing`.
"""

from collections.abc import Container, Iterable
from typing import Protocol

from winlogd.events.timestamps import instant
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import (
    ACTIONS,
    NEW_PAIR,
    OPPOSITES,
    UNKNOWN_HOST,
    Decision,
    Latest,
    OpenSession,
    Pair,
    PairKey,
    pair_key,
)
from winlogd.sessions.retries import RecentEvents


class Decided(Protocol):
    """What was decided on a batch of events.

    Attributes:
        pairs: the pairs that the batch changes, as they are now.
        stored: the events that were stored, by fingerprint.
        last_id: the highest id given out.
    """

    pairs: dict[PairKey, Pair]
    stored: dict[int, Decision]
    last_id: int


class Book:
    """Open sessions and what is remembered to recognise retries, as of the last commit.

    Attributes:
        pairs: by key; a pair that has no row in ``events_today`` is not there, unless one was moved from it that is
            remembered yet. Values are immutable, so another thread may copy them out (``list(book.pairs.values())``)
            at any time.
        shared: identifiers that open sessions of several pairs may have, with all these pairs. Nearly always empty:
            winlogd draws each identifier once, but an administrator may copy a row.
        reused: logons that came after a logoff of their identifier, by identifier. They count as ended for as long as
            that logoff is in ``events_today``. Nearly always empty, too.
        recent: the events of the last minutes.
        identifiers: draws new session identifiers.
        last_id: the highest id that a row of ``events_today`` has or had.
    """

    def __init__(self, recent: RecentEvents, identifiers: Identifiers) -> None:
        self.pairs: dict[PairKey, Pair] = {}
        self.shared: dict[str, frozenset[PairKey]] = {}
        self.reused: dict[str, tuple[OpenSession, ...]] = {}
        self.recent = recent
        self.identifiers = identifiers
        self.last_id = 0

    def accept(self, draft: Decided) -> None:
        """Takes over what was decided on `draft`, once its rows are committed."""
        self.pairs.update(draft.pairs)
        self.last_id = draft.last_id
        self.recent.extend(draft.stored, [stored.event_id for stored in draft.stored.values()])
        if self.identifiers.is_worn:
            self._renew_identifiers()

    def _renew_identifiers(self) -> None:
        self.identifiers = Identifiers()
        for session in self.open_sessions():
            self.identifiers.mark(session.session_uuid)

    def observe_open(self, session: OpenSession) -> None:
        """Learns of a committed logon that no logoff has closed."""
        key = pair_key(session.username, session.hostname)
        pair = self.pairs.get(key, NEW_PAIR)
        sessions = (*pair.open, session)
        if len(sessions) > 1:
            sessions = tuple(sorted(sessions, key=lambda each: (instant(each.connected_at), each.event_id)))
        self.pairs[key] = Pair(sessions, pair.connection, pair.disconnection, pair.hardware)
        host = session.hostname or UNKNOWN_HOST
        if "@" in host or not session.session_uuid.startswith(f"{session.username}@{host}@"):
            self._note_sharing(session.session_uuid, key)

    def _note_sharing(self, session_uuid: str, key: PairKey) -> None:
        """Note the pairs that may have an identifier which does not look drawn for `key`, and for `key` alone."""
        keys = _named_in(session_uuid)
        if keys != {key}:
            self.shared[session_uuid] = self.shared.get(session_uuid, frozenset()) | keys | {key}

    def observe_reused(self, session: OpenSession) -> None:
        """Learns of a committed logon that came after a logoff of its identifier."""
        self.reused[session.session_uuid] = (*self.reused.get(session.session_uuid, ()), session)

    def forget_reused(self, session_uuid: str, event_id: int) -> None:
        """Forgets a logon of `reused` whose row has left ``events_today``."""
        left = tuple(each for each in self.reused.pop(session_uuid, ()) if each.event_id != event_id)
        if left:
            self.reused[session_uuid] = left

    def reopen(self, session_uuid: str) -> None:
        """Learns that ``events_today`` has no logoff of an identifier any more: logons that used it again are open."""
        for session in self.reused.pop(session_uuid, ()):
            self.observe_open(session)

    def observe_latest(self, key: PairKey, action: str, stored: Decision) -> None:
        """Learns of a committed event that may be the pair's latest of an action: that with the highest id is."""
        pair = self.pairs.get(key, NEW_PAIR)
        latest = pair.of(action)
        highest = max(latest.highest, stored.timestamp)
        if latest.stored is not None and latest.stored.event_id > stored.event_id:
            stored = latest.stored
        for session in pair.open:
            if session.event_id == stored.event_id:  # the same row: one copy of its texts is enough
                stored = Decision(session.connected_at, session.event_id, session.session_uuid)
                highest = session.connected_at if highest == session.connected_at else highest
        self.pairs[key] = pair.after(action, Latest(stored, highest), pair.open)

    def observe_whole_second(self, key: PairKey, action: str, timestamp: str, event_id: int) -> None:
        """Learns of a client's committed event whose timestamp has no fraction, once the latest events are known."""
        pair = self.pairs.get(key, NEW_PAIR)
        opposite = pair.of(OPPOSITES[action]).stored
        if opposite is not None and opposite.event_id < event_id:
            self.pairs[key] = pair.ending_retries(action, timestamp)

    def observe_recent(self, events: Iterable[tuple[PairKey, str, str, int]]) -> None:
        """Learns of committed events of the last minutes: pair, action, timestamp and id, in order of arrival."""
        for key, action, timestamp, event_id in events:
            self.recent.extend([hash((key, action, timestamp))], [event_id])
            self._raise_highest(key, action, timestamp)

    def _raise_highest(self, key: PairKey, action: str, timestamp: str) -> None:
        pair = self.pairs.get(key, NEW_PAIR)
        latest = pair.of(action)
        if timestamp > latest.highest:
            self.pairs[key] = pair.after(action, Latest(latest.stored, timestamp), pair.open)

    def keep(self, key: PairKey, there: Container[int]) -> None:
        """Forget what is known of a pair's rows that are not in `there`: another program removed them.

        The pair stays: earlier events may be remembered.

        Args:
            key: the pair.
            there: ids of those of its rows that are in ``events_today``.
        """
        pair = self.pairs[key]
        pair = pair.replaced(open=tuple(session for session in pair.open if session.event_id in there))
        for action in ACTIONS:
            latest = pair.of(action)
            if latest.stored is not None and latest.stored.event_id not in there:
                pair = pair.after(action, Latest(None, latest.highest), pair.open)
        self.pairs[key] = pair

    def forget_event(self, key: PairKey, action: str, event_id: int) -> None:
        """Forgets an event whose row has left ``events_today``, and the pair when nothing else is known of it.

        Only a clock that is ahead moves a row that is remembered yet. The pair stays then, with its highest timestamps:
        they tell that the event, sent again, is to be looked for.
        """
        pair = self.pairs.get(key)
        if pair is None:
            return
        latest = pair.of(action)
        if latest.stored is not None and latest.stored.event_id == event_id:
            pair = pair.after(action, Latest(None, latest.highest), pair.open)
        is_known = pair.open or any(pair.of(each).stored is not None for each in ACTIONS)
        if is_known or self.recent.reaches(event_id):
            self.pairs[key] = pair
        else:
            del self.pairs[key]

    def close(self, key: PairKey, session_uuid: str) -> None:
        """Learns of a committed logoff with the identifier of an open session of `key`."""
        for each in self.shared.get(session_uuid, frozenset()) | {key}:
            pair = self.pairs.get(each)
            if pair is not None:
                self.pairs[each] = pair.without(session_uuid)

    def close_whoever_has(self, session_uuid: str) -> None:
        """Learn of a logoff that another program wrote: close all open sessions with its identifier."""
        for key in self.shared.get(session_uuid, frozenset()) | _named_in(session_uuid):
            self.close(key, session_uuid)

    def open_sessions(self) -> Iterable[OpenSession]:
        """All open sessions, in no order."""
        return (session for pair in list(self.pairs.values()) for session in pair.open)


def _named_in(session_uuid: str) -> frozenset[PairKey]:
    """Return the pairs that an identifier may have been drawn for; several when a name holds an ``@``, or none."""
    names = session_uuid.rpartition("@")[0]
    places = [at for at, character in enumerate(names) if character == "@"]
    return frozenset([pair_key(names[:at], names[at + 1 :]) for at in places])
