"""Find the machines whose clock differs from the server's. This file must not know why, or who asks."""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.sessions.certainty import CLOCK_ERROR_US
from winlogd.sessions.session import first_key
from winlogd.store.past.rows import ORPHAN
from winlogd.store.read.source import PAST, TODAY

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

# Of a bare column beside max(), SQLite takes the value of the row with the maximum (lang_select.html §2.4).
_BY_HOST: Final = f"""SELECT h.name, h.folded, s.sessions, s.wrong, s.ahead FROM
    (SELECT host, count(*) AS sessions, sum(abs(ifnull(connected, 0)) > {CLOCK_ERROR_US}) AS wrong,
        max(abs(ifnull(connected, 0))), ifnull(connected, 0) AS ahead FROM {{sessions}} p
        WHERE key >= ? AND ended_by < {ORPHAN} AND {{holds}} GROUP BY host) s
    JOIN {{names}} h ON h.id = s.host"""


class HostClock(NamedTuple):
    """What a machine's logons say of its clock.

    Attributes:
        hostname: the machine; None for those that send no name.
        sessions: how many sessions it began.
        wrong: in how many of these its clock differed by more than `CLOCK_ERROR_US`.
        ahead_us: the greatest difference, in microseconds. It is below 0 if the clock was slow.
    """

    hostname: str | None
    sessions: int
    wrong: int
    ahead_us: int


def host_clocks(access: "Access", since_us: int) -> list[HostClock]:
    """Return the clocks of all machines that began a session since a moment, in microseconds since 1970.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    found: dict[str, HostClock] = {}
    with access.snapshot() as connection:
        for source in (PAST, TODAY):
            sql = _BY_HOST.format(sessions=source.sessions, names=source.names, holds=source.holds)
            for row in connection.execute(sql, (first_key(since_us),)):
                name, folded, *numbers = cast("tuple[str | None, str, int, int, int]", row)
                clock = HostClock(name, *cast("tuple[int, int, int]", tuple(numbers)))
                found[folded] = _together(found.get(folded), clock)
    return list(found.values())


def _together(before: HostClock | None, clock: HostClock) -> HostClock:
    if before is None:
        return clock
    worst_us = max(before.ahead_us, clock.ahead_us, key=abs)
    return HostClock(clock.hostname, before.sessions + clock.sessions, before.wrong + clock.wrong, worst_us)
