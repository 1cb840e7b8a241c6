"""The pairing rules: which session an event opens, closes or belongs to, and which events are retries.

Pure: no SQL, no clock, no I/O. A `Book` is what is known from committed rows. A batch of events is decided on a
`Draft`, which later events of the batch see; the Book takes it over when the batch has been committed, and
knows nothing of it when it has not.
"""

from collections.abc import Callable, Iterable
from typing import Final, final

from winlogd.events.event import Event
from winlogd.events.timestamps import instant, one_second_before
from winlogd.events.value import Value
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.retries import RecentEvents

UNKNOWN_HOST: Final = "unknown"
"""Stands for the host in a pair and in identifiers when the client does not tell its name."""

ACTIONS: Final = ("C", "D", "M")

PairKey = tuple[str, str]
"""(username, hostname or `UNKNOWN_HOST`), compared byte for byte."""


@final
class OpenSession(Value):
    """A session whose logon is stored and whose logoff is not.

    Attributes:
        event_id: the row of its logon in ``events_today``.
        session_uuid: the identifier that its logoff will get.
        connected_at: the logon's timestamp as stored.
        username: as stored; with `hostname` (None where the client told none) what people are shown.
        source_ip: where the logon came from; `os_name` and `os_version` what the workstation said it runs.
    """

    __slots__ = (
        "connected_at",
        "event_id",
        "hostname",
        "os_name",
        "os_version",
        "session_uuid",
        "source_ip",
        "username",
    )

    def __init__(
        self,
        event_id: int,
        session_uuid: str,
        connected_at: str,
        username: str,
        hostname: str | None,
        source_ip: str | None,
        os_name: str | None,
        os_version: str | None,
    ) -> None:
        self.event_id: Final = event_id
        self.session_uuid: Final = session_uuid
        self.connected_at: Final = connected_at
        self.username: Final = username
        self.hostname: Final = hostname
        self.source_ip: Final = source_ip
        self.os_name: Final = os_name
        self.os_version: Final = os_version


@final
class Closed(Value):
    """A session that a new logon closes: the automatic D row to be stored before it.

    Attributes:
        event_id: of the D row.
        session: what it closes.
        timestamp: one second before the new logon, but not before the session began.
    """

    __slots__ = ("event_id", "session", "timestamp")

    def __init__(self, event_id: int, session: OpenSession, timestamp: str) -> None:
        self.event_id: Final = event_id
        self.session: Final = session
        self.timestamp: Final = timestamp


@final
class Decision(Value):
    """What is to be done with one event, and what is remembered of it when it is done.

    Attributes:
        timestamp: the event's, as stored.
        event_id: its row, existing when `is_retry`.
        session_uuid: its identifier.
        is_retry: nothing is to be stored: the client gets the first answer again.
        closed: sessions to be closed by D rows first.
    """

    __slots__ = ("closed", "event_id", "is_retry", "session_uuid", "timestamp")

    def __init__(
        self, timestamp: str, event_id: int, session_uuid: str, is_retry: bool = False, closed: tuple[Closed, ...] = ()
    ) -> None:
        self.timestamp: Final = timestamp
        self.event_id: Final = event_id
        self.session_uuid: Final = session_uuid
        self.is_retry: Final = is_retry
        self.closed: Final = closed


@final
class Latest(Value):
    """What is known of one action of a pair.

    Attributes:
        stored: the latest event in order of arrival, None when none is known.
        highest: the greatest timestamp, as text, of this pair's remembered events of the action. An event with a
            greater one is no retry. Any order of texts would do, as long as equal texts are equal. Each action has its
            own: a logoff and a logon of one moment often arrive in the wrong order, and neither is a retry.
    """

    __slots__ = ("highest", "stored")

    def __init__(self, stored: Decision | None, highest: str) -> None:
        self.stored: Final = stored
        self.highest: Final = highest


_NONE: Final = Latest(None, "")


@final
class Pair(Value):
    """What is known of one user on one host.

    Attributes:
        open: the open sessions, the one with the latest timestamp last, ties in order of arrival.
        connection: of its C; `disconnection` of its D, `hardware` of its M.
    """

    __slots__ = ("connection", "disconnection", "hardware", "open")

    def __init__(
        self,
        open: tuple[OpenSession, ...] = (),
        connection: Latest = _NONE,
        disconnection: Latest = _NONE,
        hardware: Latest = _NONE,
    ) -> None:
        self.open: Final = open
        self.connection: Final = connection
        self.disconnection: Final = disconnection
        self.hardware: Final = hardware

    def of(self, action: str) -> Latest:
        """Return what is known of `action`: C, D or M."""
        return self.connection if action == "C" else self.disconnection if action == "D" else self.hardware

    def after(self, action: str, latest: Latest, open: tuple[OpenSession, ...]) -> "Pair":
        """Return the pair with another latest event of `action` and other open sessions."""
        if action == "C":
            return Pair(open, latest, self.disconnection, self.hardware)
        if action == "D":
            return Pair(open, self.connection, latest, self.hardware)
        return Pair(open, self.connection, self.disconnection, latest)


_NEW_PAIR: Final = Pair()

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
        self.pairs[key] = Pair(tuple(sessions), pair.connection, pair.disconnection, pair.hardware)

    def observe_latest(self, key: PairKey, action: str, stored: Decision) -> None:
        """Learns of the pair's latest committed event of an action."""
        pair = self.pairs.get(key, _NEW_PAIR)
        highest = max(pair.of(action).highest, stored.timestamp)
        self.pairs[key] = pair.after(action, Latest(stored, highest), pair.open)

    def observe_recent(self, events: Iterable[tuple[PairKey, str, str, int]]) -> None:
        """Learns of committed events of the last minutes: pair, action, timestamp and id, in order of arrival."""
        for key, action, timestamp, event_id in events:
            self.recent.extend([hash((key, action, timestamp))], [event_id])
            self._raise_highest(key, action, timestamp)

    def _raise_highest(self, key: PairKey, action: str, timestamp: str) -> None:
        pair = self.pairs.get(key, _NEW_PAIR)
        latest = pair.of(action)
        if timestamp > latest.highest:
            self.pairs[key] = pair.after(action, Latest(latest.stored, timestamp), pair.open)

    def forget_open(self, gone: Callable[[OpenSession], bool]) -> None:
        """Forgets the open sessions for which `gone` says True: another program closed or removed them."""
        for key, pair in list(self.pairs.items()):
            if any(map(gone, pair.open)):
                self.pairs[key] = pair.replaced(open=tuple(s for s in pair.open if not gone(s)))

    def forget_stored(self, gone: Callable[[Decision], bool]) -> None:
        """Forgets the latest events for which `gone` says True. The pairs stay: earlier events may be remembered."""
        for key, pair in list(self.pairs.items()):
            for action in ACTIONS:
                latest = pair.of(action)
                if latest.stored is not None and gone(latest.stored):
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

    def close(self, key: PairKey, event_id: int) -> None:
        """Learns that the session which the event `event_id` opened is closed."""
        pair = self.pairs.get(key)
        if pair is not None:
            sessions = tuple(session for session in pair.open if session.event_id != event_id)
            self.pairs[key] = pair.replaced(open=sessions)

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
        action, timestamp, host = event.action, event.timestamp, event.hostname
        key = (event.username, host or UNKNOWN_HOST)
        pair = self.pairs.get(key) or self._committed(key, _NEW_PAIR)
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


def pair_key(username: str, hostname: str | None) -> PairKey:
    """The key of a pair; an empty hostname counts as none."""
    return username, hostname or UNKNOWN_HOST
