"""Finds all about one moment: the machines as they were, who was on, who came and left, and the next changes.

A change is an arrival or a departure. It is told by the times of receipt, because a workstation's clock may be wrong.
At a change, and until the next one, the same people are on. This file must not know how an answer is written.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, final

from winlogd.events.names import folded_host
from winlogd.sessions.certainty import CLOCK_ERROR_US, SUREST_FIRST, grade_at
from winlogd.sessions.session import US, Session, first_key
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.machines import Machine
from winlogd.store.read.machines_at import MachineAt, find_machines_at
from winlogd.store.read.sessions import FIRST_PAGE, Found, find_sessions

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

HOUR_US: Final = 3_600 * US
_WIDEST_US: Final = 64 * 24 * HOUR_US
"""The longest holidays are shorter. A change before or after such a time is not looked for."""
_SHOWS_US: Final = CLOCK_ERROR_US + US
"""A session shows at most so long after its receipt (`arrival_us`)."""
_SESSIONS_A_PAGE: Final = 1_000


class Change(NamedTuple):
    """Somebody came or left.

    Attributes:
        at_us: the first whole second from which on it shows, in microseconds since 1970.
        found: the session.
    """

    at_us: int
    found: Found


class MomentFound(NamedTuple):
    """All about a moment.

    Attributes:
        machines: the machines that pass the filters, as they were, by name.
        whole: all machines of the asked room, or of the site; what the counts of rooms are made of.
        came: who came within an hour before or after, in the order of time.
        left: who left within an hour before or after, in the order of time.
        previous_us: the change before the moment; None if there is none for 64 days.
        next_us: the change after it; None if there is none until now, or for 64 days.
    """

    machines: list[MachineAt]
    whole: list[Machine]
    came: list[Change]
    left: list[Change]
    previous_us: int | None
    next_us: int | None


def find_moment(access: "Access", asked: Filters, site: Site, now_us: int) -> MomentFound:
    """Return all about a moment.

    Args:
        access: a reader's database.
        asked: the moment, which is not in the future, and the filters `user`, `host`, `room` and `ip`.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    first_us, last_us = min(asked.at_us), max(asked.at_us)
    is_narrow = any(each is not None for each in (asked.user, asked.host, asked.ip))
    span = first_us - HOUR_US, min(last_us + HOUR_US, now_us)
    near = list(_between(access, asked, span, site, now_us))
    others = _all(access, Filters(room=asked.room, at_us=asked.at_us), site, now_us) if is_narrow else near
    on = [grade for each in others if (grade := graded(each, asked.at_us, site)) is not None]
    known = find_machines_at(access, site, last_us, asked.room, on)
    keys = {each.session.key for each in near}
    passing = [each for each in known if not is_narrow or _passes(each.machine, asked, keys)]
    came, left = _changes(near, span)
    times = [each.at_us for each in (*came, *left)]
    further = _Further(access, asked, site, now_us)
    return MomentFound(
        machines=passing,
        whole=[each.machine for each in known],
        came=came,
        left=left,
        previous_us=max((each for each in times if each < first_us), default=None) or further.before(),
        next_us=min((each for each in times if last_us < each <= now_us), default=None) or further.after(),
    )


def _passes(machine: Machine, asked: Filters, keys: set[int]) -> bool:
    """Return True if a machine passes the filters by its name, and a session on it those about people."""
    if asked.host is not None and not asked.host.matches_host(folded_host(machine.hostname)):
        return False
    if asked.user is None and asked.ip is None:
        return True
    return any(each.session.key in keys for each in machine.open_sessions)


def graded(found: Found, moments_us: Sequence[int], site: Site) -> Found | None:
    """Return a session with its surest certainty at some moments; None if it was on at none of them."""
    session, doubt = found.session, found.doubt
    grades = [each for us in moments_us if (each := grade_at(session, doubt, us, site.rules)) is not None]
    best = min(grades, key=lambda grade: SUREST_FIRST.index(grade.certainty), default=None)
    return None if best is None else Found(session, found.room, best.certainty, doubt, best.reason)


def moments_of(found: Found, moments_us: Sequence[int], site: Site) -> list[int]:
    """Return those moments at which a session was on."""
    return [each for each in moments_us if grade_at(found.session, found.doubt, each, site.rules) is not None]


@final
class _Further:
    """Finds the nearest changes that are more than an hour away from a moment.

    The nearest session by the key, which is the order of receipt, bounds the span whose sessions are read. So after
    holidays no term is read, and no list is kept. A session shows at most `_SHOWS_US` after its receipt.
    """

    def __init__(self, access: "Access", asked: Filters, site: Site, now_us: int) -> None:
        self._access = access
        self._asked = asked
        self._site = site
        self._now_us = now_us

    def before(self) -> int | None:
        """Return the nearest change before the moment; None if there is none for `_WIDEST_US`."""
        edge_us: int | None = min(self._asked.at_us) - HOUR_US
        first_us = min(self._asked.at_us) - HOUR_US - _WIDEST_US
        while edge_us is not None:
            received_us = self._newest(first_us, edge_us - _SHOWS_US)
            from_us = first_us if received_us is None else received_us
            if (found_us := max(self._times(from_us, edge_us), default=None)) is not None:
                return found_us
            edge_us = received_us
        return None

    def after(self) -> int | None:
        """Return the nearest change after the moment; None if there is none until now, or for `_WIDEST_US`."""
        edge_us = max(self._asked.at_us) + HOUR_US
        last_us = min(edge_us + _WIDEST_US, self._now_us)
        while edge_us < last_us:
            received_us = self._oldest(edge_us, last_us)
            to_us = last_us if received_us is None else min(received_us + _SHOWS_US, last_us)
            if (found_us := min(self._times(edge_us, to_us), default=None)) is not None:
                return found_us
            edge_us = to_us
        return None

    def _newest(self, from_us: int, to_us: int) -> int | None:
        """Return when the last session of a span was received that passes the filters; None if there is none."""
        filters = self._asked.replaced(at_us=(), from_us=from_us, to_us=to_us)
        page = find_sessions(self._access, filters, self._site, self._now_us, 1, first_key(to_us))
        received_us = max((each.session.received_us for each in page.found), default=from_us - 1)
        return received_us if received_us >= from_us else None

    def _oldest(self, from_us: int, to_us: int) -> int | None:
        """Return when the first session of a span was received, or a few minutes later; None if there is none.

        Sessions are found from the newest on. So the span is halved until little is left.
        """
        found_us = self._newest(from_us, to_us)
        while found_us is not None and found_us - from_us > _SHOWS_US:
            middle_us = (from_us + found_us) // 2
            earlier_us = self._newest(from_us, middle_us)
            if earlier_us is None:
                from_us = middle_us
            else:
                found_us = earlier_us
        return found_us

    def _times(self, from_us: int, to_us: int) -> Iterator[int]:
        """Return the times of the changes in a span."""
        for each in _between(self._access, self._asked, (from_us, to_us), self._site, self._now_us):
            for at_us in (arrival_us(each.session), departure_us(each.session)):
                if at_us is not None and from_us <= at_us <= to_us:
                    yield at_us


def _between(access: "Access", asked: Filters, span: tuple[int, int], site: Site, now_us: int) -> Iterator[Found]:
    return _all(access, asked.replaced(at_us=(), from_us=span[0], to_us=span[1]), site, now_us)


def _all(access: "Access", filters: Filters, site: Site, now_us: int) -> Iterator[Found]:
    """Return all sessions that pass some filters, newest first."""
    key: int | None = FIRST_PAGE
    while key is not None:
        page = find_sessions(access, filters, site, now_us, _SESSIONS_A_PAGE, key)
        yield from page.found
        key = page.next_key


def _changes(sessions: Sequence[Found], span: tuple[int, int]) -> tuple[list[Change], list[Change]]:
    """Return who came and who left in a span, in the order of time."""
    came = [Change(arrival_us(each.session), each) for each in sessions]
    left = [Change(at_us, each) for each in sessions if (at_us := departure_us(each.session)) is not None]
    first_us, last_us = span

    def within(changes: list[Change]) -> list[Change]:
        return sorted((each for each in changes if first_us <= each.at_us <= last_us), key=lambda each: each.at_us)

    return within(came), within(left)


def arrival_us(session: Session) -> int:
    """Return the first whole second at which a session shows as on by both clocks, if they are right."""
    connected_us, received_us = session.connected_us or 0, session.received_us
    is_right = abs(connected_us - received_us) <= CLOCK_ERROR_US
    return _next_second(max(connected_us, received_us) if is_right else received_us)


def departure_us(session: Session) -> int | None:
    """Return the first whole second at which a session shows as over; None unless a client told the end."""
    ended_us, received_us = session.disconnected_us, session.logoff_received_us
    if session.ended_by != "client" or ended_us is None or received_us is None:
        return None
    is_right = abs(ended_us - received_us) <= CLOCK_ERROR_US
    return _next_second((max(ended_us, received_us) if is_right else received_us) + 1)


def _next_second(moment_us: int) -> int:
    """Return a moment, up to the next whole second."""
    return -(-moment_us // US) * US
