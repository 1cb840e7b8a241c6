"""Look into the database, once for all checks, and keep what they judge. It must not know what is right."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.sessions.session import US
from winlogd.store.file.marks import read_marks
from winlogd.store.read.clock_errors import HostClock, host_clocks
from winlogd.store.read.days import silent_before
from winlogd.store.read.filters import Site
from winlogd.store.read.growth import Growth, growth
from winlogd.store.read.machines import Machine, find_machines
from winlogd.store.read.rooms import Week, week_of

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

DAY_US: Final = 86_400 * US
WEEK_DAYS: Final = 7
GROWTH_DAYS: Final = 28
"""The growth is that of so many days: weekends and one week of holidays are among them."""


class Looked(NamedTuple):
    """What the database says.

    Attributes:
        marks: its marks.
        history: how much of the archive can be looked at: ``complete``, or ``building, 43 %``.
        machines: all machines.
        has_silent_days: True if it reaches back long enough for a machine to be silent.
        week: the sessions of the last week, by room.
        clocks: the clocks of the machines in the last week.
        growth: how much it holds, and how much of it came in the last `GROWTH_DAYS`.
    """

    marks: Mapping[str, str]
    history: str
    machines: Sequence[Machine]
    has_silent_days: bool
    week: Week
    clocks: Sequence[HostClock]
    growth: Growth


def looked(access: "Access", site: Site, now_us: int) -> Looked:
    """Look into the database.

    Raises:
        QuestionTooLongError: it takes too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    with access.snapshot() as connection:
        marks, history = read_marks(connection), access.history()
    return Looked(
        marks,
        history,
        find_machines(access, site, now_us, site.silent_days),
        silent_before(access, site, now_us, site.silent_days) is not None,
        week_of(access, site, now_us),
        host_clocks(access, now_us - WEEK_DAYS * DAY_US),
        growth(access, now_us - GROWTH_DAYS * DAY_US),
    )
