"""Which rows move to the archive."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from winlogd.store.jobs.rotation_rules import Row, Rules, Sorter, rules

RULES = Rules("2026-01-13T00:00:00", "2026-01-12T01:00:00", 24.0)
"""The rules of a rotation at 01:00 on January 13."""

YESTERDAY, TODAY, EARLIER = "2026-01-12T08:00:00", "2026-01-13T00:30:00", "2026-01-10T08:00:00"


def row(event_id: int, action: str = "C", received: str = YESTERDAY, session: str = "s1") -> Row:
    return Row(event_id, action, "alice", "A", "2026-01-12T08:00:00.5Z", received, session, True)


def moved(*rows: Row, still_open: tuple[int, ...] = ()) -> list[int]:
    sorter = Sorter(RULES, lambda row: row.event_id in still_open)
    return [each.event_id for each in sorter.sort(rows)[0]]


def test_what_was_received_before_today_moves_and_the_rest_stays() -> None:
    assert moved(row(1), row(2, "D"), row(3, "M"), row(4, "D", TODAY)) == [1, 2, 3]


def test_a_row_whose_time_of_receipt_nobody_knows_moves() -> None:
    assert moved(row(1, received="")) == [1]


def test_the_logon_of_a_session_that_is_still_open_stays() -> None:
    sorter = Sorter(RULES, lambda row: row.event_id == 2)

    moving, expired = sorter.sort([row(1), row(2, session="s2"), row(3, "M")])

    assert [each.event_id for each in moving] == [1, 3]
    assert (expired, sorter.kept) == ([], 1)


def test_a_logon_that_stays_counts_once_however_often_a_step_is_tried() -> None:
    sorter = Sorter(RULES, lambda _: True)

    sorter.sort([row(1)])
    sorter.sort([row(1)])

    assert sorter.kept == 1


def test_a_session_that_is_open_for_too_long_is_closed_and_moves() -> None:
    sorter = Sorter(RULES, lambda _: True)
    logon = row(1, received=EARLIER)

    moving, [expiry] = sorter.sort([logon])

    assert (moving, expiry.logon, sorter.kept) == ([logon], logon, 0)
    assert expiry.timestamp == "2026-01-13T08:00:00.5+00:00"


def test_a_logoff_does_not_move_before_its_logon() -> None:
    """The clock was set back between logon and logoff."""
    assert moved(row(1, received=TODAY), row(2, "D"), row(3, "D", session="s2")) == [3]


def test_among_many_newer_logons_their_logoffs_stay_and_nearly_all_others_move() -> None:
    """The clock was set back after these rows."""
    many = range(20_000)
    newer = [row(number, received=TODAY, session=f"new{number}") for number in many]
    theirs = [row(20_000 + number, "D", session=f"new{number}") for number in many]
    others = [row(40_000 + number, "D", session=f"other{number}") for number in many]

    moving = moved(*newer, *theirs, *others)

    assert min(moving) >= 40_000
    assert len(moving) >= 0.99 * len(others)


def test_newer_logons_take_no_memory_each() -> None:
    """A rotation meets as many of them as came before the clock was set back: a day's, or a year's."""
    newer = [row(number, received=TODAY, session=f"new{number}") for number in range(50_000)]
    tracemalloc.start()
    try:
        sorter = Sorter(RULES, lambda _: False)
        for each in newer:
            sorter.sort([each])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 1.5 * 2**20


def test_a_logoff_of_today_stays_when_its_logon_moves() -> None:
    assert moved(row(1), row(2, "D", TODAY)) == [1]


def test_rows_are_sorted_alike_in_one_piece_or_in_many() -> None:
    rows = [row(1, received=TODAY), row(2, "D"), row(3), row(4, "D")]
    sorter = Sorter(RULES, lambda _: False)

    assert [each.event_id for one in rows for each in sorter.sort([one])[0]] == moved(*rows)


@given(
    st.lists(
        st.tuples(st.sampled_from("CDM"), st.sampled_from([YESTERDAY, TODAY, EARLIER, ""]), st.sampled_from("abc"))
    ),
    st.sets(st.integers(0, 20)),
)
def test_no_logoff_ever_moves_while_its_logon_stays(events: list[tuple[str, str, str]], still_open: set[int]) -> None:
    rows = [row(number, *event) for number, event in enumerate(events)]
    sorter = Sorter(RULES, lambda each: each.event_id in still_open)

    moving, _ = sorter.sort(rows)

    staying: set[str] = set()
    for each in rows:
        if each.action == "C" and each not in moving:
            staying.add(each.session_uuid)
        assert not (each.action == "D" and each in moving and each.session_uuid in staying)


def test_yesterday_ends_at_midnight_but_ten_minutes_are_waited_for() -> None:
    midnight_s = 1_768_262_400.0  # 2026-01-13T00:00:00Z

    assert rules(midnight_s + 3600, midnight_s, 24.0) == Rules("2026-01-13T00:00:00", "2026-01-12T01:00:00", 24.0)
    assert rules(midnight_s + 60, midnight_s, 24.0).before == "2026-01-12T23:51:00"
