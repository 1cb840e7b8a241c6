"""What a reader tells of the simulated school agrees with the truth: what it calls certain is never false.

With ``pytest -s`` it prints how many of the other answers are false, and how many people it misses.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.support.school import School, a_school
from tests.support.school_building import DAY_US, TERMINAL_SERVER
from tests.support.school_clients import LONGEST_WAY_US
from tests.support.school_rows import ClockedServer, store
from tests.support.school_truth import HOUR_US
from winlogd.events.names import folded_host
from winlogd.events.patterns import Pattern
from winlogd.sessions.doubts import Rules
from winlogd.sessions.rooms import Rooms
from winlogd.store.file.settings import Settings
from winlogd.store.read.access import Access
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.limits import Limits
from winlogd.store.read.sessions import Found, find_sessions

pytestmark = pytest.mark.long

SITE: Final = Site(
    Rooms({}), Rules(14 * HOUR_US, 24 * HOUR_US, (Pattern(TERMINAL_SERVER),), inventory_at_boot=True), UTC
)
_ALL: Final = 100_000
_MERGED: Final = 1 / 500
"""Of the sessions that are told as certain, at most this share are two presences whose logoff and logon were lost."""


class Told(NamedTuple):
    """A session that the reader reports at a moment."""

    user: str
    host: str
    certainty: str
    reason: str | None
    began_us: int
    ended_us: int | None
    is_spoken_against: bool


class Compared:
    """Counts how often the reader was right: by certainty and reason, true or false.

    At its edges a session may be told for as long as an event may take to the server.
    """

    def __init__(self, school: School) -> None:
        self._truth = school.truth
        self.counts: Counter[tuple[str, bool]] = Counter()
        self.reasons: Counter[tuple[str | None, bool]] = Counter()
        self.false_certain: list[Told] = []
        self.spoken_against: Counter[bool] = Counter()
        self.certain: set[tuple[str, str, int]] = set()
        """Sessions that were told as certain at some moment: user, host, receipt of the logon."""
        self.merged: set[tuple[str, str, int]] = set()
        """Those among them that are two presences."""
        self.missed = self.present = 0

    def compare(self, at_us: int, told: Sequence[Told]) -> None:
        """Compare what is told of the moment `at_us` with the truth."""
        moments = at_us - LONGEST_WAY_US, at_us, at_us + LONGEST_WAY_US
        on_at = [self._truth.on_at(each) for each in moments]
        near, surely = set.union(*on_at), set.intersection(*on_at)
        for each in told:
            is_true = (each.user, each.host) in near
            if each.certainty == "certain":
                self.spoken_against[is_true] += each.is_spoken_against
                self.certain.add((each.user, each.host, each.began_us))
                if not is_true and self._is_of_two_presences(each):
                    self.merged.add((each.user, each.host, each.began_us))
                    continue
                if not is_true:
                    self.false_certain.append(each)
            self.counts[each.certainty, is_true] += 1
            if each.certainty == "doubtful":
                self.reasons[each.reason, is_true] += 1
        self.present += len(surely)
        self.missed += len(surely - {(each.user, each.host) for each in told})

    def _is_of_two_presences(self, told: Told) -> bool:
        """Return True if a session is two presences: the logoff of one, and the logon of the next, were not received.

        The server got a logon and a logoff of one user on one machine, and nothing of the user between them.
        """
        presences = [
            each
            for each in self._truth.presences_of(told.user)
            if (each.user, each.host) == (told.user, told.host)
            and told.began_us - LONGEST_WAY_US <= each.began_us < (told.ended_us or 0)
        ]
        return (
            len(presences) > 1
            and all(each.logoff_received_us is None for each in presences[:-1])
            and all(each.logon_received_us is None for each in presences[1:])
        )

    def print(self, what: str) -> None:
        """Print the counts, for a person."""
        parts = [
            f"{grade} {self.counts[grade, True]} true, {self.counts[grade, False]} false"
            for grade in ("certain", "presumed", "doubtful")
        ]
        print(f"\n{what}: {'; '.join(parts)}; on but not told {self.missed} of {self.present}")
        for reason in sorted({reason for reason, _ in self.reasons}, key=str):
            print(f"  doubtful by {reason}: {self.reasons[reason, True]} true, {self.reasons[reason, False]} false")
        print(
            f"  certain, but between two presences whose logoff and logon were lost: {len(self.merged)} of"
            f" {len(self.certain)} sessions"
        )
        print(
            f"  certain, but another user or a restart came before: {self.spoken_against[True]} true,"
            f" {self.spoken_against[False]} false"
        )


class Asker:
    """A reader of the school's database."""

    def __init__(self, path: Path) -> None:
        self.access: Final = Access(Settings(str(path), "WAL", "OFF", 30_000, 10_000), Limits(), lambda: False)

    def at(self, at_us: int, now_us: int) -> list[Told]:
        """Return who was on at a moment."""
        self.access.begin_question()
        found = find_sessions(self.access, Filters(at_us=(at_us,)), SITE, now_us, _ALL).found
        return [_told(each, at_us) for each in found]

    def close(self) -> None:
        """Close the connection."""
        self.access.close()


def _told(found: Found, at_us: int) -> Told:
    session, doubt = found.session, found.doubt
    return Told(
        *(session.user, session.host, found.certainty, found.reason, session.received_us, session.logoff_received_us),
        doubt is not None and doubt.reason in ("other_user", "restart") and doubt.since_us <= at_us,
    )


ORDINARY_WEEK: Final = pytest.param(50, 5, id="a small school")
WHOLE_WEEK: Final = pytest.param(300, 7, id="300 machines", marks=pytest.mark.long)


def working_time(school: School) -> list[int]:
    """Return every half hour of the week at which somebody may be at school."""
    moments = range(school.first_us, school.until_us, HOUR_US // 2)
    return [each for each in moments if 7 <= each // HOUR_US % 24 < 20]


@pytest.mark.parametrize(("machines", "days"), [ORDINARY_WEEK, WHOLE_WEEK])
def test_nothing_that_is_certain_is_false(tmp_path: Path, machines: int, days: int) -> None:
    school, path = a_school(machines=machines, days=days), tmp_path / "winlog.db"
    live, later = Compared(school), Compared(school)
    askers: list[Asker] = []

    def look(server: ClockedServer, now_us: int) -> None:
        if not askers:
            askers.append(Asker(path))
        live.compare(now_us, askers[0].at(now_us, now_us))

    def look_back(server: ClockedServer, now_us: int) -> None:
        for hours in (8, 14, 39):
            if now_us - hours * HOUR_US >= school.first_us:
                later.compare(now_us - hours * HOUR_US, askers[0].at(now_us - hours * HOUR_US, now_us))

    store(
        path,
        school.sent,
        until_us=school.first_us + 4 * DAY_US + 15 * HOUR_US,  # on a Friday afternoon, when people are on
        restarts_us=[outage.ends_us for outage in school.outages],
        moments_us=working_time(school),
        at_moment=look,
        after_night=look_back,
    )
    now_us = school.first_us + 4 * DAY_US + 15 * HOUR_US
    for moment_us in range(now_us - 6 * HOUR_US, now_us, HOUR_US // 6):
        later.compare(moment_us, askers[0].at(moment_us, now_us))
    askers[0].close()

    for compared, what in ((live, "of the moment itself"), (later, "some hours later")):
        compared.print(what)
        assert compared.false_certain == []
        assert len(compared.merged) <= len(compared.certain) * _MERGED
    assert not live.counts["certain", True]  # nobody's end is known yet
    assert live.counts["presumed", True] > 100
    assert later.counts["certain", True] > 100


@pytest.mark.parametrize(("machines", "days"), [ORDINARY_WEEK, WHOLE_WEEK])
def test_after_the_week_nothing_that_is_certain_is_false(tmp_path: Path, machines: int, days: int) -> None:
    school, path = a_school(machines=machines, days=days), tmp_path / "winlog.db"
    now_us = school.until_us + DAY_US
    store(path, school.sent, until_us=now_us, restarts_us=[outage.ends_us for outage in school.outages])
    compared, asker = Compared(school), Asker(path)
    clocks_off: Counter[tuple[str, str | None]] = Counter()
    hosts = {folded_host(host) for host in school.wrong_clocks}
    for moment_us in working_time(school):
        told = asker.at(moment_us, now_us)
        compared.compare(moment_us, told)
        clocks_off.update((each.certainty, each.reason) for each in told if each.host in hosts)
        assert_everybody_is_told(school, moment_us, told)
    asker.close()
    compared.print("after the week")
    print(f"  machines whose clock is a day off: {dict(clocks_off)}")
    assert compared.false_certain == []
    assert len(compared.merged) <= len(compared.certain) * _MERGED
    assert compared.counts["certain", True] > 500
    assert len(hosts) == 2
    assert {certainty for certainty, _ in clocks_off} == {"doubtful"}


def assert_everybody_is_told(school: School, moment_us: int, told: Sequence[Told]) -> None:
    """Check that all are told whose logon and logoff were received, if the session was not longer than a day."""
    pairs = {(each.user, each.host) for each in told}
    for presence in school.truth.presences_at(moment_us):
        received_us = presence.logon_received_us
        is_received = received_us is not None and received_us <= moment_us and presence.logoff_received_us is not None
        if is_received and moment_us - presence.began_us < DAY_US:
            assert (presence.user, presence.host) in pairs
