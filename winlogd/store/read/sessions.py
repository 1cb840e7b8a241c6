"""Finds sessions: those of the past and of today, newest first, page by page, with what is known of each.

A page goes by the key of its last session. A session keeps its key when the rotation moves it, so pages neither skip
nor repeat one. This file must not know threads, or how a question or an answer is written.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING, Final, NamedTuple, final

from winlogd.events.value import Value
from winlogd.sessions.certainty import SUREST_FIRST, Certainty, Grade, certainty_now, grade_at, overlaps
from winlogd.sessions.doubts import Doubt, Evidence, Rules, doubt_of
from winlogd.sessions.session import US, Session
from winlogd.store.errors import PastChangedError
from winlogd.store.past.names import HOST, USER
from winlogd.store.past.rows import OPEN, ORPHAN
from winlogd.store.read.candidates import LAST_KEY, Candidates
from winlogd.store.read.evidence import EvidenceSearch
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.names import numbers_of, within
from winlogd.store.read.source import PAST, TODAY, Source

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access
    from winlogd.store.read.room_hosts import RoomHosts

FIRST_PAGE: Final = LAST_KEY
"""The key before which a question without a cursor begins."""
_FOREVER_US: Final = 1 << 62
_FEWEST_JUDGED: Final = 64
"""One statement looks for the evidence about so many sessions at least, if some of them may not pass."""
_SECONDS_A_DAY: Final = 86_400
_MEANWHILE_US: Final = 60 * US
"""Hardly a question waits and works for so long. What was received up to so much after it was asked has come meanwhile.
What has an even later receipt probably came before the server's clock was set back. So a clock that goes back by less
leaves no trace here."""
_ENDINGS: Final = {"client": 1, "auto": 2, "expired": 3}
_OF_ONE_ENDING: Final = ("open", "doubtful", "orphan")
"""The rows of these states have one and the same number in `ended_by`."""


@final
class Found(Value):
    """One session of an answer.

    Attributes:
        session: the session.
        room: the room in which its machine stood on the day of its receipt; None if that is not known.
        certainty: how surely it was on at the question's moment; without one, as of now.
        doubt: what speaks against it, and since when; None if nothing does.
        reason: why it is doubtful: the doubt's reason, or ``clock``.
    """

    __slots__ = ("certainty", "doubt", "reason", "room", "session")

    def __init__(
        self, session: Session, room: str | None, certainty: Certainty, doubt: Doubt | None, reason: str | None
    ) -> None:
        self.session: Final = session
        self.room: Final = room
        self.certainty: Final[Certainty] = certainty
        self.doubt: Final = doubt
        self.reason: Final = reason


class Page(NamedTuple):
    """One page of an answer.

    Attributes:
        found: the sessions, newest first.
        next_key: the key before which the next page begins; None on the last page.
        epoch: the epoch of the past in which `next_key` holds.
        history: how much of the archive the page takes into account (`Access.history`).
    """

    found: list[Found]
    next_key: int | None
    epoch: int
    history: str


def find_sessions(
    access: "Access", filters: Filters, site: Site, now_us: int, limit: int, before_key: int = FIRST_PAGE
) -> Page:
    """Return the next sessions that pass the filters.

    If the past changes meanwhile, a first page begins again. The caller compares the epoch of a cursor with the page's.

    Args:
        access: a reader's database.
        filters: what is asked for.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        limit: return at most this many.
        before_key: return sessions with lower keys only.

    Raises:
        PastChangedError: the epoch has changed during a question with a cursor.
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    while True:
        try:
            return _page(access, filters, site, now_us, limit, before_key)
        except PastChangedError:
            if before_key != FIRST_PAGE:
                raise
            access.begin_again()


def _page(access: "Access", filters: Filters, site: Site, now_us: int, limit: int, before_key: int) -> Page:
    """Do what `find_sessions` does, in one epoch."""
    found: list[Found] = []
    key = before_key
    while True:
        with access.snapshot() as connection:
            search = Search(connection, access.room_hosts, filters, site, now_us)
            waiting: list[Session] = []
            wanted = max(limit - len(found), search.fewest)
            for session in search.candidates(key):
                if len(waiting) >= wanted:
                    found += search.judged(waiting)
                    waiting = []
                    if len(found) >= limit:
                        return _cut(access, found, limit, goes_on=True)
                    wanted = max(limit - len(found), search.fewest)
                key = session.key
                if search.all_pass or search.may_pass(session):
                    waiting.append(session)
                if access.is_piece_over():
                    found += search.judged(waiting)
                    break
            else:
                found += search.judged(waiting)
                return _cut(access, found, limit, goes_on=len(found) > limit)
            if len(found) > limit:
                return _cut(access, found, limit, goes_on=True)


def _cut(access: "Access", found: list[Found], limit: int, goes_on: bool) -> Page:
    """Return a page of at most `limit` sessions, which has a next one if `goes_on` is true."""
    next_key = found[limit - 1].session.key if goes_on else None
    return Page(found[:limit], next_key, access.epoch(), access.history())


class Search:
    """One question in one snapshot.

    Attributes:
        all_pass: True if all candidates pass the filters that need no evidence.
        fewest: how many sessions are judged at once at least: if doubtful ones are wanted, many do not pass.
    """

    def __init__(
        self, connection: "apsw.Connection", room_hosts: "RoomHosts", filters: Filters, site: Site, now_us: int
    ) -> None:
        self._connection = connection
        self._room_hosts = room_hosts
        self._filters = filters
        self._site = site
        self._now_us = now_us
        self._evidence = EvidenceSearch(connection, site.rules.inventory_at_boot)
        self.fewest: Final = _FEWEST_JUDGED if filters.state == "doubtful" else 0
        self.all_pass: Final = not (
            filters.state == "ended" or filters.ended_by or filters.room is not None or _span(filters) is not None
        )

    def candidates(self, before_key: int) -> Iterator[Session]:
        """Return all sessions that may pass, newest first."""
        filters, state = self._filters, self._filters.state
        sources = (TODAY,) if state in ("open", "doubtful") else (TODAY, PAST)
        # A stream for each ending: SQLite has the rows of one ending in order, and would have to sort those of two.
        endings: list[int | None] = [] if state in _OF_ONE_ENDING else [_ENDINGS[each] for each in filters.ended_by]
        streams = [
            self._of(source, ending).found(self._connection, before_key)
            for source in sources
            for ending in endings or [None]
        ]
        return streams[0] if len(streams) == 1 else merge(*streams, key=lambda session: -session.key)

    def _of(self, source: Source, ending: int | None) -> Candidates:
        filters, connection = self._filters, self._connection
        candidates = Candidates(source)
        if filters.user is not None:
            candidates.having("user", numbers_of(connection, source, USER, filters.user))
        if filters.host is not None:
            candidates.having("host", numbers_of(connection, source, HOST, filters.host))
        if (room := filters.room) is not None:
            candidates.having("host", self._room_hosts.numbers(connection, source, self._site.rooms, room))
        if filters.ip is not None:
            candidates.having("ip", within(connection, source, filters.ip))
        if (span := _span(filters)) is not None:
            candidates.on_between(*span, back_us(self._site))
        if filters.state == "orphan":
            candidates.ended_by(ORPHAN)
        elif filters.state in ("open", "doubtful"):
            candidates.ended_by(OPEN)
        elif ending is not None:
            candidates.ended_by(ending)
        else:
            candidates.without_orphans()
        return candidates

    def may_pass(self, session: Session) -> bool:
        """Return True if a session passes the filters that need no evidence."""
        filters, rules = self._filters, self._site.rules
        if filters.state == "ended" and session.is_open:
            return False
        if filters.ended_by and session.ended_by not in filters.ended_by:
            return False
        if not _was_on(session, filters, rules):
            return False
        if filters.room is not None and self._room_of(session) != filters.room:
            return False
        return not filters.at_us or _surest(session, None, filters.at_us, rules) is not None

    def judged(self, sessions: Sequence[Session]) -> Iterator[Found]:
        """Return what is known of some sessions, without those that do not pass the filters."""
        for session, evidence in zip(sessions, self._evidence.about(sessions), strict=True):
            if (found := self._judged(session, evidence)) is not None:
                yield found

    def _judged(self, session: Session, evidence: Evidence) -> Found | None:
        filters, rules, now_us = self._filters, self._site.rules, _judged_at_us(session, self._now_us)
        doubt = doubt_of(session, evidence, rules, now_us)
        certainty = certainty_now(session, doubt, now_us, rules)
        if filters.state == "doubtful" and certainty != "doubtful":
            return None
        room = self._room_of(session)
        if filters.at_us:
            grade = _surest(session, doubt, filters.at_us, rules)
            return None if grade is None else Found(session, room, grade.certainty, doubt, grade.reason)
        grade = grade_at(session, doubt, now_us, rules) if session.is_open else None
        reason = grade.reason if grade is not None else None if doubt is None else doubt.reason
        return Found(session, room, certainty, doubt, reason)

    def _room_of(self, session: Session) -> str | None:
        return self._site.rooms.room_at(session.hostname, session.received_us // US, self._site.zone)


def _judged_at_us(session: Session, now_us: int) -> int:
    """Return the moment for which a session is judged: its receipt if it came after the question of `now_us`."""
    has_come_meanwhile = now_us < session.received_us <= now_us + _MEANWHILE_US
    return session.received_us if has_come_meanwhile else now_us


def _surest(session: Session, doubt: Doubt | None, moments_us: tuple[int, ...], rules: Rules) -> Grade | None:
    """Return the surest grade of a session at some moments; None if it has none at any of them."""
    grades = [grade for moment_us in moments_us if (grade := grade_at(session, doubt, moment_us, rules)) is not None]
    return min(grades, key=lambda grade: SUREST_FIRST.index(grade.certainty), default=None)


def _span(filters: Filters) -> tuple[int, int] | None:
    """Return the moments from which to which a session may have been on; None if all may."""
    if filters.at_us:
        return min(filters.at_us), max(filters.at_us)
    return _asked_span(filters)


def _asked_span(filters: Filters) -> tuple[int, int] | None:
    """Return the span of the filters `from_us` and `to_us`; None if there is neither."""
    if filters.from_us is None and filters.to_us is None:
        return None
    from_us = -_FOREVER_US if filters.from_us is None else filters.from_us
    return from_us, _FOREVER_US if filters.to_us is None else filters.to_us


def back_us(site: Site) -> int:
    """Return how long before a moment a session may have been received that was on at it and is not lasting."""
    return max(_SECONDS_A_DAY * US, site.rules.keep_open_us) + 3600 * US


def _was_on(session: Session, filters: Filters, rules: Rules) -> bool:
    """Return True if a session was on in the span of the filters. An orphan counts at the receipt of its logoff."""
    span = _asked_span(filters)
    if span is None:
        return True
    if session.is_orphan:
        return span[0] <= session.received_us <= span[1]
    return overlaps(session, *span, rules)
