"""Says all about one user: where the user is now, the last sessions, the machines, and the hours.

A name without a domain means the same name with any domain, as in all filters. This file must not know how an answer
is written, or whether a site allows it to be given.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, cast, final

from winlogd.events.names import folded_host
from winlogd.events.patterns import Pattern
from winlogd.events.value import Value
from winlogd.sessions.certainty import clock_error_seconds
from winlogd.sessions.session import US, Session, second_of
from winlogd.store.past.names import USER
from winlogd.store.past.rows import ORPHAN
from winlogd.store.read.days import local_day, midnight_us
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.names import numbers_of
from winlogd.store.read.sessions import FIRST_PAGE, Found, find_sessions
from winlogd.store.read.source import PAST, TODAY, index_of

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access

_LAST_SESSIONS: Final = 10
_MOST_OPEN: Final = 100
_MOST_MACHINES: Final = 50
_COUNTED_SESSIONS: Final = 10_000
"""Of each spelling of a name, so many sessions are counted: the latest."""
_HOURS_DAYS: Final = 30
_A_PAGE: Final = 500

_MACHINES: Final = f"""SELECT h.name, s.sessions, s.last FROM
    (SELECT host, count(*) AS sessions, max(key) AS last FROM
        (SELECT host, key FROM {{sessions}} p INDEXED BY {{index}}
            WHERE user = ? AND ended_by < {ORPHAN} AND {{holds}} ORDER BY key DESC LIMIT {_COUNTED_SESSIONS})
        GROUP BY host) s
    JOIN {{names}} h ON h.id = s.host"""


class UsedMachine(NamedTuple):
    """A machine that a user has used.

    Attributes:
        hostname: its name, in the spelling that came last; None if the client sent none.
        sessions: how many sessions the user had on it.
        last_us: the receipt of the last one's logon, to the second, in microseconds since 1970.
    """

    hostname: str | None
    sessions: int
    last_us: int


@final
class UserDetails(Value):
    """All about one user.

    Attributes:
        username: the name, in the spelling that came last.
        open_sessions: the open sessions with their certainty, newest first: where the user is now.
        last_seen_us: the receipt of the latest logon or logoff among the last ten sessions, in microseconds since 1970.
        machines: the machines used, those with most sessions first; at most 50.
        sessions: the last ten sessions, newest first.
    """

    __slots__ = ("last_seen_us", "machines", "open_sessions", "sessions", "username")

    def __init__(
        self,
        username: str,
        open_sessions: tuple[Found, ...],
        last_seen_us: int,
        machines: tuple[UsedMachine, ...],
        sessions: tuple[Found, ...],
    ) -> None:
        self.username: Final = username
        self.open_sessions: Final = open_sessions
        self.last_seen_us: Final = last_seen_us
        self.machines: Final = machines
        self.sessions: Final = sessions


class UserHours(NamedTuple):
    """How long a user was on.

    Attributes:
        seconds: the seconds of each day, by the site's clocks, earliest first. Days without a session are 0.
        sessions: how many sessions have a known end.
        without_end: how many ended in a way that nobody knows. They count in no sum.
    """

    seconds: dict[date, int]
    sessions: int
    without_end: int


def find_user(access: "Access", user: Pattern, site: Site, now_us: int) -> UserDetails | None:
    """Return all about one user but the hours; None if the user never had a session.

    Args:
        access: a reader's database.
        user: the name.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    last = find_sessions(access, Filters(user=user), site, now_us, _LAST_SESSIONS).found
    if not last:
        return None
    opened = find_sessions(access, Filters(user=user, state="open"), site, now_us, _MOST_OPEN).found
    with access.snapshot() as connection:
        machines = _machines(connection, user)
    return UserDetails(
        username=last[0].session.username,
        open_sessions=tuple(opened),
        last_seen_us=max(_last_sign(found.session) for found in last),
        machines=machines,
        sessions=tuple(last),
    )


def _last_sign(session: Session) -> int:
    """Return the receipt of the last event that a client sent of a session."""
    if session.ended_by != "client" or session.logoff_received_us is None:
        return session.received_us
    return max(session.received_us, session.logoff_received_us)


def _machines(connection: "apsw.Connection", user: Pattern) -> tuple[UsedMachine, ...]:
    used: dict[str, UsedMachine] = {}
    for source in (PAST, TODAY):
        sql = _MACHINES.format(
            sessions=source.sessions, names=source.names, holds=source.holds, index=index_of(source, "user")
        )
        for number in numbers_of(connection, source, USER, user):
            for name, sessions, key in connection.execute(sql, (number,)):
                machine = UsedMachine(cast("str | None", name), cast("int", sessions), second_of(cast("int", key)) * US)
                host = folded_host(machine.hostname or "")
                used[host] = machine if host not in used else _joined(used[host], machine)
    found = sorted(used.values(), key=lambda machine: (-machine.sessions, -machine.last_us))
    return tuple(found[:_MOST_MACHINES])


def _joined(one: UsedMachine, other: UsedMachine) -> UsedMachine:
    latest = max(one, other, key=lambda machine: machine.last_us)
    return latest._replace(sessions=one.sessions + other.sessions)


def user_hours(access: "Access", user: Pattern, site: Site, now_us: int) -> UserHours:
    """Return how long a user was on, on each of the last 30 days with today.

    The workstation's clock counts, or the times of receipt where that clock is wrong by more than five minutes. A
    moment counts once, on however many machines the user was. Arguments and exceptions are those of `find_user`.
    """
    today = local_day(now_us, site)
    days = [today - timedelta(days=back) for back in range(_HOURS_DAYS - 1, -1, -1)]
    from_us = midnight_us(days[0], site)
    spans, sessions, without_end = [], 0, 0
    for session in _between(access, user, site, from_us, now_us):
        if session.ended_by in ("auto", "expired"):
            without_end += session.received_us >= from_us
        elif (span := _known_span(session)) is not None and span[1] > from_us:
            spans.append((max(span[0], from_us), min(span[1], now_us)))
            sessions += 1
    seconds = dict.fromkeys(days, 0)
    ends_us = [*(midnight_us(day, site) for day in days[1:]), now_us]
    for begin_us, end_us in _merged(spans):
        first_us = from_us
        for day, last_us in zip(days, ends_us, strict=True):
            seconds[day] += max(0, min(end_us, last_us) - max(begin_us, first_us))
            first_us = last_us
    return UserHours({day: (us + US // 2) // US for day, us in seconds.items()}, sessions, without_end)


def _between(access: "Access", user: Pattern, site: Site, from_us: int, to_us: int) -> Iterator[Session]:
    key: int | None = FIRST_PAGE
    while key is not None:
        page = find_sessions(access, Filters(user=user, from_us=from_us, to_us=to_us), site, to_us, _A_PAGE, key)
        yield from (found.session for found in page.found)
        key = page.next_key


def _known_span(session: Session) -> tuple[int, int] | None:
    """Return from when to when a session was on; None if no client has told the end."""
    if session.ended_by != "client" or session.logoff_received_us is None or session.disconnected_us is None:
        return None
    if session.connected_us is None or clock_error_seconds(session) is not None:
        return session.received_us, session.logoff_received_us
    return session.connected_us, session.disconnected_us


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Return the same moments as spans that do not overlap."""
    end_us = -1
    for begin_us, until_us in sorted(spans):
        if until_us > end_us:
            yield max(begin_us, end_us), until_us
            end_us = until_us
