"""What the state asks the reader: for all machines at first, and then for those that may have changed.

Everything here runs on the reader's thread, with values that the event loop has given and does not change meanwhile.
This file must not know when it is asked.
"""

import os
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, final

from winlogd.events.names import folded_host, short_host
from winlogd.live.held import Held, held
from winlogd.live.known import Known
from winlogd.live.spelling import Spelling
from winlogd.live.state import Difference, State
from winlogd.store.errors import PastChangedError, QuestionRefusedError
from winlogd.store.read.days import local_day, midnight_us, silent_before
from winlogd.store.read.filters import Site
from winlogd.store.read.machines import find_machines
from winlogd.store.read.rooms import week_of
from winlogd.store.read.some_machines import Sight, find_some, last_event_us, look

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

T = TypeVar("T")


class Whole(NamedTuple):
    """All machines.

    Attributes:
        state: the state.
        difference: what differs from the state before.
        day_ends_us: when the day ends by the site's clocks: then other machines may be expected, in other rooms.
    """

    state: State
    difference: Difference
    day_ends_us: int


class Some(NamedTuple):
    """Some machines.

    Attributes:
        known: what else is known.
        machines: the machines with each first label; none for a label that no machine has any more.
        is_partial: True if other machines may have changed, too: ask for all.
    """

    known: Known
    machines: Mapping[str, list[Held]]
    is_partial: bool


@final
class Asking:
    """Makes the answers.

    Args:
        site: what is known of the site.
        spelling: writes machines and rooms.
        now_us: the wall clock, in microseconds since 1970.
    """

    __slots__ = ("_now_us", "_site", "_spelling")

    def __init__(self, site: Site, spelling: Spelling, now_us: int) -> None:
        self._site: Final = site
        self._spelling: Final = spelling
        self._now_us: Final = now_us

    def whole(self, access: "Access", before: State | None) -> Whole:
        """Return all machines, and what differs from `before`. The errors are those of `find_machines`."""
        return _in_one_epoch(lambda: self._whole(access, before))

    def some(self, access: "Access", labels: Collection[str], before: Known) -> Some:
        """Return the machines with some first labels, and those that have new rows since `before`.

        The errors are those of `find_machines`.
        """
        with access.turns:  # events go first: the answer may be some milliseconds later
            return _in_one_epoch(lambda: self._some(access, labels, before))

    def _whole(self, access: "Access", before: State | None) -> Whole:
        site, now_us = self._site, self._now_us
        sight = look(access, None).sight  # first: what comes after it is found by the next look
        machines = find_machines(access, site, now_us, site.silent_days)
        state = State(
            [held(each, site, now_us, self._spelling) for each in machines],
            site.rooms.names(),
            week_of(access, site, now_us),
            site,
            self._known(access, sight),
            _timezone(site),
            self._spelling,
        )
        day = local_day(now_us, site)
        return Whole(state, state.since(before), midnight_us(day + timedelta(days=1), site))

    def _some(self, access: "Access", labels: Collection[str], before: Known) -> Some:
        site, now_us = self._site, self._now_us
        found = look(access, before.sight)
        wanted = {*labels, *(short_host(folded_host(host)) for host in found.hosts)}
        known = self._known(access, found.sight)
        is_partial = found.is_partial or known.silent_since_us != before.silent_since_us
        machines: dict[str, list[Held]] = {label: [] for label in wanted}
        if wanted and not is_partial:
            for each in find_some(access, wanted, site, now_us, known.silent_since_us):
                made = held(each, site, now_us, self._spelling)
                machines.setdefault(made.label, []).append(made)
        return Some(known, machines, is_partial)

    def _known(self, access: "Access", sight: Sight) -> Known:
        site, now_us = self._site, self._now_us
        return Known(sight, silent_before(access, site, now_us, site.silent_days), last_event_us(access))


def _timezone(site: Site) -> str:
    """Return the name of the site's time zone; ``UTC`` if the system's own has none."""
    if site.zone is not None:
        return str(site.zone)
    named = os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    return os.environ.get("TZ", "").removeprefix(":") or named or "UTC"


def _in_one_epoch(ask: Callable[[], T]) -> T:
    """Return what `ask` returns.

    Raises:
        QuestionRefusedError: the past has changed meanwhile. The question may be asked again.
    """
    try:
        return ask()
    except PastChangedError:
        raise QuestionRefusedError("the past is being built") from None
