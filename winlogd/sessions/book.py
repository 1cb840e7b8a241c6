"""The Book: what winlogd remembers of committed rows, that is open sessions and what is needed to recognise retries.

Pure: no SQL, no clock, no I/O. The writer's thread alone changes a Book, and only after a COMMIT. The event loop reads
`Book.pairs`. The rules are in `pairing`.
"""

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Final, Protocol

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
    Stored,
    System,
    known,
    pair_key,
)
from winlogd.sessions.retries import RecentEvents

if TYPE_CHECKING:  # types only: nothing follows at the start
    from winlogd.sessions.changes import Changes


_MANY_SYSTEMS: Final = 1024
"""Forget the shared operating systems if there are more. A site has dozens; a hostile client may make up any number."""


class Decided(Protocol):
    """The decisions on a batch of events, as the Book takes them over.

    Attributes:
        pairs: the pairs that the batch changes, after the change.
        stored: the events that were stored, by fingerprint, in the order of their ids.
        last_id: the highest id of a row.
    """

    pairs: dict[PairKey, Pair]
    stored: dict[int, Decision]
    last_id: int


class Book:
    """Open sessions, and what is needed to recognise retries, as of the last COMMIT.

    Attributes:
        pairs: all pairs that have a row in ``events_today``, by key. A pair whose rows have moved stays while one of
            them is remembered for retries. Values are immutable, so another thread may copy them at any time
            (``list(book.pairs.values())``).
        shared: identifiers that open sessions of several pairs may have, with all these pairs. Nearly always empty:
            winlogd draws each identifier once, but an administrator may copy a row.
        reused: logons that came after a logoff of their identifier, by identifier. They count as ended while that
            logoff is in ``events_today``. Nearly always empty, too.
        recent: the events of the last minutes.
        identifiers: draws new session identifiers.
        systems: the operating systems of open sessions, by name and version: sessions share them.
        last_id: the highest id that a row of ``events_today`` has or had.
        changes: gets the pairs that change; None while nobody follows. The event loop may set it at any time.
    """

    def __init__(self, recent: RecentEvents, identifiers: Identifiers) -> None:
        self.pairs: dict[PairKey, Pair] = {}
        self.shared: dict[str, frozenset[PairKey]] = {}
        self.reused: dict[str, tuple[OpenSession, ...]] = {}
        self.recent = recent
        self.identifiers = identifiers
        self.systems: dict[tuple[str | None, str | None], System] = {}
        self.last_id = 0
        self.changes: Changes | None = None

    def accept(self, draft: Decided) -> None:
        """Take the decisions of `draft` over. Call this when its rows are committed."""
        self.pairs.update(draft.pairs)
        self.last_id = draft.last_id
        self.recent.extend(draft.stored, [stored.event_id for stored in draft.stored.values()])
        if len(self.systems) > _MANY_SYSTEMS:
            self.systems.clear()
        if self.identifiers.is_worn:
            self._renew_identifiers()
        if (changes := self.changes) is not None:
            changes.note(draft.pairs)

    def system_of(self, name: str | None, version: str | None) -> System:
        """Return an operating system; of equal ones the same."""
        return self.systems.get((name, version)) or self.systems.setdefault((name, version), System(name, version))

    def _renew_identifiers(self) -> None:
        """Begin a new map of used digits, in which only those of open sessions are marked."""
        self.identifiers = Identifiers()
        for session in self.open_sessions():
            self.identifiers.mark(session.session_uuid)

    def observe_open(self, session: OpenSession) -> None:
        """Add a committed logon that no logoff has closed."""
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
        """Note all pairs that may have this identifier, unless it can only have been drawn for `key`."""
        keys = _named_in(session_uuid)
        if keys != {key}:
            self.shared[session_uuid] = self.shared.get(session_uuid, frozenset()) | keys | {key}

    def observe_reused(self, session: OpenSession) -> None:
        """Add a committed logon that came after a logoff of its identifier."""
        self.reused[session.session_uuid] = (*self.reused.get(session.session_uuid, ()), session)

    def forget_reused(self, session_uuid: str, event_id: int) -> None:
        """Forget a logon of `reused` whose row has left ``events_today``."""
        left = tuple(each for each in self.reused.pop(session_uuid, ()) if each.event_id != event_id)
        if left:
            self.reused[session_uuid] = left

    def reopen(self, session_uuid: str) -> None:
        """Open the logons that used an identifier again: ``events_today`` has no logoff of it any more."""
        for session in self.reused.pop(session_uuid, ()):
            self.observe_open(session)
            self._note_change(pair_key(session.username, session.hostname))

    def observe_latest(self, key: PairKey, action: str, stored: Stored) -> None:
        """Add a committed event that may be the pair's latest of its action: the one with the highest id is."""
        pair = self.pairs.get(key, NEW_PAIR)
        latest = pair.of(action)
        highest = max(latest.highest, stored.timestamp)
        if latest.stored is not None and latest.stored.event_id > stored.event_id:
            stored = latest.stored
        for session in pair.open:
            if session.event_id == stored.event_id:  # the same row: one copy of its texts is enough
                stored = session
        self.pairs[key] = pair.after(action, known(stored, highest), pair.open)

    def observe_whole_second(self, key: PairKey, action: str, timestamp: str, event_id: int) -> None:
        """Apply `Pair.ending_retries` for a client's committed event without a fraction of a second.

        Call this when the latest events are known.
        """
        pair = self.pairs.get(key, NEW_PAIR)
        opposite = pair.of(OPPOSITES[action]).stored
        if opposite is not None and opposite.event_id < event_id:
            self.pairs[key] = pair.ending_retries(action, timestamp)

    def observe_recent(self, events: Iterable[tuple[PairKey, str, str, int]]) -> None:
        """Add committed events of the last minutes: pair, action, timestamp and id, in order of arrival."""
        for key, action, timestamp, event_id in events:
            self.recent.extend([hash((key, action, timestamp))], [event_id])
            self._raise_highest(key, action, timestamp)

    def _raise_highest(self, key: PairKey, action: str, timestamp: str) -> None:
        pair = self.pairs.get(key, NEW_PAIR)
        latest = pair.of(action)
        if timestamp > latest.highest:
            self.pairs[key] = pair.after(action, known(latest.stored, timestamp), pair.open)

    def keep(self, key: PairKey, there: Container[int]) -> None:
        """Forget the rows of a pair that are not in `there`: another program removed them.

        The pair itself stays, because earlier events of it may be remembered.

        Args:
            key: the pair, which must be in `pairs`.
            there: the ids of its rows that still exist in ``events_today``.
        """
        pair = self.pairs[key]
        pair = pair.replaced(open=tuple(session for session in pair.open if session.event_id in there))
        for action in ACTIONS:
            latest = pair.of(action)
            if latest.stored is not None and latest.stored.event_id not in there:
                pair = pair.after(action, Latest(None, latest.highest), pair.open)
        self.pairs[key] = pair
        self._note_change(key)

    def forget_event(self, key: PairKey, action: str, event_id: int) -> None:
        """Forget an event whose row has left ``events_today``. Forget the pair, too, if this was its last known row.

        A row moves while it is remembered for retries only if the clock was ahead. Then the pair stays, with its
        highest timestamps: they show that a retry of the event may come and has to be searched.
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

    def forget_person(self, key: PairKey, session_uuid: str) -> None:
        """Forget a pair of which no row is known any more, and who has shared an identifier with it.

        Earlier events of it are no retries from now on, even if they come again: nothing of the pair is remembered.
        """
        self.shared.pop(session_uuid, None)
        pair = self.pairs.get(key)
        if pair is not None and not pair.event_ids():
            del self.pairs[key]

    def forget_logon(self, key: PairKey, event_id: int) -> None:
        """Forget the open session of a logon whose row was deleted."""
        pair = self.pairs.get(key)
        if pair is not None and any(session.event_id == event_id for session in pair.open):
            left = tuple(session for session in pair.open if session.event_id != event_id)
            self.pairs[key] = pair.replaced(open=left)
            self._note_change(key)

    def close(self, key: PairKey, session_uuid: str) -> None:
        """Close all open sessions that a committed logoff ends, in `key` and in pairs that share the identifier."""
        for each in self.shared.get(session_uuid, frozenset()) | {key}:
            pair = self.pairs.get(each)
            if pair is not None:
                self.pairs[each] = pair.without(session_uuid)
            self._note_change(each)

    def close_whoever_has(self, session_uuid: str) -> None:
        """Close all open sessions with the identifier of a logoff that another program wrote."""
        for key in self.shared.get(session_uuid, frozenset()) | _named_in(session_uuid):
            self.close(key, session_uuid)

    def _note_change(self, key: PairKey) -> None:
        if (changes := self.changes) is not None:
            changes.note((key,))

    def open_sessions(self) -> Iterable[OpenSession]:
        """Return all open sessions, in no particular order."""
        return (session for pair in list(self.pairs.values()) for session in pair.open)


def _named_in(session_uuid: str) -> frozenset[PairKey]:
    """Return the pairs for which an identifier may have been drawn: several if a name contains an ``@``, or none."""
    names = session_uuid.rpartition("@")[0]
    places = [at for at, character in enumerate(names) if character == "@"]
    return frozenset([pair_key(names[:at], names[at + 1 :]) for at in places])
