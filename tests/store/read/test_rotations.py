"""A reader's answer is the same whichever of a session's rows have moved to the archive, and when."""

from typing import Final

import pytest

from tests.support.asking import SITE, Asking, opened
from tests.support.naive_past import Asked
from tests.support.random_days import MORNING_US, Days
from winlogd.sessions.session import US
from winlogd.store.jobs.build import Build

HOUR: Final = 3600 * US
DAY: Final = 24 * HOUR
NIGHT_US: Final = MORNING_US + 17 * HOUR
"""At 01:00 of the next day."""


def event(days: Days, action: str, at_us: int, user: str = "alice") -> None:
    days.now_us = at_us
    days.event(action, user, "PC-05", "192.0.2.1")


def rotate(both: Asking, at_us: int) -> None:
    """Rotate, and compare all answers after each step."""
    both.days.now_us = at_us
    both.compare(Asked())
    both.days.rotate(lambda: compare(both))
    compare(both)


def compare(both: Asking) -> None:
    for asked in (Asked(), Asked(state="open"), Asked(state="doubtful"), Asked(state="ended"), Asked(state="orphan")):
        both.compare(asked, 1)
    for hours in range(0, 60, 5):
        both.compare(Asked(at_us=MORNING_US + hours * HOUR))


def archived(days: Days) -> str:
    """Return the actions in the archive."""
    return "".join(action for (action,) in days.rows("SELECT action FROM events_history ORDER BY id"))


def test_a_session_stays_open_over_two_rotations(both: Asking, days: Days) -> None:
    event(days, "C", MORNING_US + 15 * HOUR)
    rotate(both, NIGHT_US)
    rotate(both, NIGHT_US + 21 * HOUR)
    assert archived(days) == ""
    assert [answer.session.is_open for answer in both.read(Asked(), 10)] == [True]
    event(days, "D", NIGHT_US + 21 * HOUR)
    compare(both)
    rotate(both, NIGHT_US + DAY)
    assert archived(days) == "CD"


def test_a_logoff_after_midnight_ends_a_session_whose_logon_has_moved(both: Asking, days: Days) -> None:
    event(days, "C", MORNING_US + 15 * HOUR)
    event(days, "D", NIGHT_US - HOUR // 2)
    rotate(both, NIGHT_US)
    assert archived(days) == "C"
    [answer] = both.read(Asked(), 10)
    assert (answer.session.ended_by, answer.certainty) == ("client", "certain")
    assert both.read(Asked(state="orphan"), 10) == []
    rotate(both, NIGHT_US + DAY)
    assert archived(days) == "CD"


@pytest.mark.parametrize("action", ["C", "M"])
def test_evidence_counts_before_and_after_its_session_and_itself_have_moved(
    both: Asking, days: Days, action: str
) -> None:
    event(days, "C", MORNING_US + 14 * HOUR)
    event(days, action, NIGHT_US - HOUR // 2, "bob")
    event(days, "D", NIGHT_US - HOUR // 4)
    wanted = ("other_user" if action == "C" else "restart", NIGHT_US - HOUR // 2)
    for night in range(3):
        [answer] = both.read(Asked(user="alice"), 10)
        assert answer.doubt is not None
        assert (answer.doubt.reason, answer.doubt.since_us) == wanted
        rotate(both, NIGHT_US + night * DAY)


def test_evidence_moves_before_the_session_that_stays_open(both: Asking, days: Days) -> None:
    event(days, "C", MORNING_US + 14 * HOUR)
    event(days, "C", MORNING_US + 15 * HOUR, "bob")
    event(days, "D", MORNING_US + 15 * HOUR + 1, "bob")
    rotate(both, NIGHT_US)
    assert archived(days) == "CD"
    assert [answer.reason for answer in both.read(Asked(state="open"), 10)] == ["other_user"]


def test_a_reader_that_begins_in_the_middle_of_a_rotation_finds_the_same(both: Asking, days: Days) -> None:
    for number in range(8):
        event(days, "C", MORNING_US + number * HOUR, f"user{number}")
        event(days, "D", MORNING_US + number * HOUR + US, f"user{number}")
    days.now_us = NIGHT_US

    def look() -> None:
        other = Asking(days, opened(days.path), SITE)
        other.compare(Asked(), 3)
        other.access.close()

    days.rotate(look)


def test_rows_that_were_deleted_from_the_archive_are_gone_after_a_build(both: Asking, days: Days) -> None:
    for number in range(6):
        event(days, "C", MORNING_US + number * HOUR, f"user{number}")
        event(days, "D", MORNING_US + number * HOUR + US, f"user{number}")
    rotate(both, NIGHT_US)
    days.other.execute("DELETE FROM events_history WHERE id IN (1, 4)")
    build = Build()
    is_last = False
    while not is_last:
        days.server.database.begin()
        step = build.step(days.server.database.connection, days.server.book, days.now_us / US)
        days.server.database.commit()
        build.took(step, days.server.book, 1.0)
        is_last = step.is_last
    told = {(each.session.username, each.session.ended_by) for each in both.read(Asked(), 10)}
    wanted = {(f"user{number}", "client") for number in range(2, 6)} | {("user1", "expired")}
    assert told == wanted
    assert [each.session.username for each in both.read(Asked(state="orphan"), 10)] == ["user0"]
