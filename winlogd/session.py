"""The pairing rules: which session an event opens, closes or belongs to, and which events are retries.

Pure: no SQL, no clock, no I/O. A `Book` is what is known from committed rows. A batch of events is decided on a
`Draft`, which later events of the batch see; the Book takes it over when the batch has been committed, and
knows nothing of it when it has not.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from winlogd.event import Event
from winlogd.identifiers import Identifiers
from winlogd.recent import RecentEvents
from winlogd.timestamps import instant, one_second_before

UNKNOWN_HOST: Final = "unknown"
"""Stands for the host in a pair and in identifiers when the client does not tell its name."""

PairKey = tuple[str, str]
"""(username, hostname or `UNKNOWN_HOST`), compared byte for byte."""


class OpenSession(NamedTuple):
    """A session whose logon is stored and whose logoff is not.

    Attributes:
        event_id: the row of its logon in ``events_today``.
        session_uuid: the identifier that its logoff will get.
        connected_at: the logon's timestamp as stored.
        username: as stored; with `hostname` (None where the client told none) what people are shown.
        source_ip: where the logon came from; `os_name` and `os_version` what the workstation said it runs.
    """

    event_id: int
    session_uuid: str
    connected_at: str
    username: str
    hostname: str | None
    source_ip: str | None
    os_name: str | None
    os_version: str | None


class Closed(NamedTuple):
    """A session that a new logon closes: the automatic D row to be stored before it.

    Attributes:
        event_id: of the D row.
        session: what it closes.
        timestamp: one second before the new logon, but not before the session began.
    """

    event_id: int
    session: OpenSession
    timestamp: str


class Decision(NamedTuple):
    """What is to be done with one event, and what is remembered of it when it is done.

    Attributes:
        timestamp: the event's, as stored.
        event_id: its row, existing when `is_retry`.
        session_uuid: its identifier.
        is_retry: nothing is to be stored: the client gets the first answer again.
        closed: sessions to be closed by D rows first.
    """

    timestamp: str
    event_id: int
    session_uuid: str
    is_retry: bool = False
    closed: tuple[Closed, ...] = ()


class Pair(NamedTuple):
    """What is known of one user on one host.

    Attributes:
        open: the open sessions, the one with the latest timestamp last, ties in order of arrival.
        connection: the latest C in order of arrival; `disconnection` the latest D, `hardware` the latest M.
        highest_connection: no C that is remembered of the pair has a timestamp that is a greater text: what has one
            is no retry. Any order of texts would do, as long as equal ones are equal. An own one for each action: a
            logoff and a logon of one moment often come in the wrong order, and are none for all that.
        highest_disconnection: the same of D; `highest_hardware` of M.
    """

    open: tuple[OpenSession, ...] = ()
    connection: Decision | None = None
    disconnection: Decision | None = None
    hardware: Decision | None = None
    highest_connection: str = ""
    highest_disconnection: str = ""
    highest_hardware: str = ""


_NEW_PAIR: Final = Pair()
_new: Final = tuple.__new__
"""Makes a named tuple in half the time that its own constructor takes; four are made for every event."""
_LATEST: Final = {"C": 1, "D": 2, "M": 3}
"""Where a Pair keeps the latest event of an action."""
_HIGHEST: Final = {"C": 4, "D": 5, "M": 6}
"""Where it keeps the action's highest timestamp."""


ReadStored = Callable[[int, PairKey, str, str], Decision | None]
"""Reads the committed event `id` if it is the one of this pair, action and timestamp, otherwise None."""


class Book:
    """Open sessions and what is remembered to recognise retries, as of the last commit.

    Attributes:
        pairs: by key; a pair that has no row in ``events_today`` is not there, unless one was moved from it that is
            remembered yet. Values are immutable, so another thread may copy them out (``list(book.pairs.values())``)
            at any time.
        recent: the events of the last minutes.
        identifiers: draws new session identifiers.
        last_id: the highest id that a row of ``events_today`` has or had.
    """

    def __init__(self, recent: RecentEvents, identifiers: Identifiers) -> None:
        self.pairs: dict[PairKey, Pair] = {}
        self.recent = recent
        self.identifiers = identifiers
        self.last_id = 0

    def accept(self, draft: "Draft") -> None:
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
        pair = self.pairs.get(key, _NEW_PAIR)
        sessions = sorted((*pair.open, session), key=lambda s: (instant(s.connected_at), s.event_id))
        self.pairs[key] = pair._replace(open=tuple(sessions))

    def observe_latest(self, key: PairKey, action: str, stored: Decision) -> None:
        """Learns of the pair's latest committed event of an action."""
        fields = [*self.pairs.get(key, _NEW_PAIR)]
        fields[_LATEST[action]] = stored
        self.pairs[key] = Pair._make(fields)
        self._raise_highest(key, action, stored.timestamp)

    def observe_recent(self, events: Iterable[tuple[PairKey, str, str, int]]) -> None:
        """Learns of committed events of the last minutes: pair, action, timestamp and id, in order of arrival."""
        for key, action, timestamp, event_id in events:
            self.recent.extend([hash((key, action, timestamp))], [event_id])
            self._raise_highest(key, action, timestamp)

    def _raise_highest(self, key: PairKey, action: str, timestamp: str) -> None:
        fields: list[Any] = [*self.pairs.get(key, _NEW_PAIR)]
        if timestamp > fields[_HIGHEST[action]]:
            fields[_HIGHEST[action]] = timestamp
            self.pairs[key] = Pair._make(fields)

    def forget_open(self, gone: Callable[[OpenSession], bool]) -> None:
        """Forgets the open sessions for which `gone` says True: another program closed or removed them."""
        for key, pair in list(self.pairs.items()):
            if any(map(gone, pair.open)):
                self.pairs[key] = pair._replace(open=tuple(s for s in pair.open if not gone(s)))

    def forget_stored(self, gone: Callable[[Decision], bool]) -> None:
        """Forgets the latest events for which `gone` says True. The pairs stay: earlier events may be remembered."""
        for key, pair in list(self.pairs.items()):
            latest = (pair.connection, pair.disconnection, pair.hardware)
            kept = (None if stored is None or gone(stored) else stored for stored in latest)
            self.pairs[key] = Pair._make((pair.open, *kept, *pair[_HIGHEST["C"] :]))

    def forget_event(self, key: PairKey, action: str, event_id: int) -> None:
        """Forgets an event whose row has left ``events_today``, and the pair when nothing else is known of it.

        Only a clock that is ahead moves a row that is remembered yet. The pair stays then, with its highest timestamps:
        they tell that the event, sent again, is to be looked for.
        """
        pair = self.pairs.get(key)
        if pair is None:
            return
        fields = [*pair]
        latest = pair[_LATEST[action]]
        if isinstance(latest, Decision) and latest.event_id == event_id:
            fields[_LATEST[action]] = None
        if any(fields[: _HIGHEST["C"]]) or self.recent.reaches(event_id):
            self.pairs[key] = Pair._make(fields)
        else:
            del self.pairs[key]

    def close(self, key: PairKey, event_id: int) -> None:
        """Learns that the session which the event `event_id` opened is closed."""
        pair = self.pairs.get(key)
        if pair is not None:
            sessions = tuple(session for session in pair.open if session.event_id != event_id)
            self.pairs[key] = pair._replace(open=sessions)

    def open_sessions(self) -> Iterable[OpenSession]:
        """All open sessions, in no order."""
        return (session for pair in list(self.pairs.values()) for session in pair.open)


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
        username, action, timestamp, hostname, os_name, os_version, _, _ = event
        key = (username, hostname or UNKNOWN_HOST)
        pair = self.pairs.get(key) or self._committed(key, _NEW_PAIR)
        sessions, connection, disconnection, hardware, highest_c, highest_d, highest_m = pair
        highest: str = pair[_HIGHEST[action]]  # type: ignore[assignment]  # that is what stands there
        fingerprint = hash((key, action, timestamp))
        if timestamp > highest:  # later than all its like that this pair has sent: no retry, which spares the search
            highest = timestamp
        elif (first := self._first_of(pair, key, action, timestamp, fingerprint)) is not None:
            return Decision(timestamp, first.event_id, first.session_uuid, True)
        closed: tuple[Closed, ...] = ()
        if action == "C":
            if sessions:
                closed = self._close_all(sessions, timestamp)
            session_uuid = self._draw(key, timestamp)
        elif action == "M":
            session_uuid = f"hardware_{self._draw(key, timestamp)}"
        elif sessions:
            session_uuid = sessions[-1].session_uuid
        else:
            session_uuid = f"orphan_{self._draw(key, timestamp)}"
        self.last_id = event_id = self.last_id + 1
        decision = stored = _new(Decision, (timestamp, event_id, session_uuid, False, closed))
        if closed:
            stored = _new(Decision, (timestamp, event_id, session_uuid, False, ()))
        self.stored[fingerprint] = stored
        state: tuple[object, ...]
        if action == "C":
            session = (event_id, session_uuid, timestamp, username, hostname, source_ip, os_name, os_version)
            state = ((_new(OpenSession, session),), stored, disconnection, hardware, highest, highest_d, highest_m)
        elif action == "D":
            state = (sessions[:-1], connection, stored, hardware, highest_c, highest, highest_m)
        else:
            state = (sessions, connection, disconnection, stored, highest_c, highest_d, highest)
        self.pairs[key] = _new(Pair, state)
        return decision

    def _first_of(self, pair: Pair, key: PairKey, action: str, timestamp: str, fingerprint: int) -> Decision | None:
        """The stored event of which this one is a retry: the pair's latest of its action, or a recent one."""
        latest: Decision | None = pair[_LATEST[action]]  # type: ignore[assignment]  # that is what stands there
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


def pair_key(username: str, hostname: str | None) -> PairKey:
    """The key of a pair; an empty hostname counts as none."""
    return username, hostname or UNKNOWN_HOST
