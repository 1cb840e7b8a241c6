import tracemalloc
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.sessions.retries import GENERATION_S, RecentEvents

TEN_MINUTES_S = 600.0
ELEVEN_MINUTES_S = 660.0


def test_an_event_is_found_by_its_fingerprint() -> None:
    recent = RecentEvents(0.0)

    recent.extend([hash("logon")], [7])

    assert recent.find(hash("logon")) == [7]
    assert recent.find(hash("logoff")) == []


def test_nothing_is_found_before_anything_was_added() -> None:
    assert RecentEvents(0.0).find(0) == []


@given(st.integers(0, 10_000), st.lists(st.integers(0, 400), max_size=8))
def test_an_event_is_remembered_for_ten_minutes_and_forgotten_after_eleven(start_s: int, steps_s: list[int]) -> None:
    recent = RecentEvents(0.0)
    recent.turn(start_s)
    recent.extend([42], [1])
    now_s = start_s
    for step_s in steps_s:
        now_s += step_s
        recent.turn(now_s)

        age_s = now_s - start_s
        assert recent.find(42) == [1] or age_s >= TEN_MINUTES_S
        assert recent.find(42) == [] or age_s < ELEVEN_MINUTES_S


@given(st.integers(660, 10_000_000))
def test_after_a_long_sleep_everything_is_forgotten(sleep_s: int) -> None:
    recent = RecentEvents(0.0)
    recent.extend([42], [1])

    recent.turn(sleep_s)

    assert recent.find(42) == []


def test_after_a_long_sleep_new_events_are_remembered_as_usual() -> None:
    recent = RecentEvents(0.0)
    recent.turn(1_000_000.0)
    recent.extend([42], [1])

    recent.turn(1_000_000.0 + TEN_MINUTES_S)
    assert recent.find(42) == [1]
    recent.turn(1_000_000.0 + TEN_MINUTES_S + GENERATION_S)
    assert recent.find(42) == []


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(1, 100)), max_size=60), st.integers(1, 60))
def test_every_added_id_is_found(steps: list[tuple[int, int]], at_once: int) -> None:
    recent = RecentEvents(0.0)
    fingerprints = [fingerprint for fingerprint, _ in steps]
    event_ids = list(accumulate(step for _, step in steps))
    for at in range(0, len(steps), at_once):
        recent.extend(fingerprints[at : at + at_once], event_ids[at : at + at_once])
        assert at % 3 or event_ids[at] in recent.find(fingerprints[at])  # some are searched in between, others not

    for fingerprint, event_id in zip(fingerprints, event_ids, strict=True):
        assert event_id in recent.find(fingerprint)


def test_many_events_are_found_and_no_others_however_often_one_asks() -> None:
    recent = RecentEvents(0.0)
    for first in range(1, 50_000, 1000):
        recent.extend([7 * event_id for event_id in range(first, first + 1000)], list(range(first, first + 1000)))

    for event_id in range(1, 50_001, 250):  # after some searches there is an index
        assert recent.find(7 * event_id) == [event_id]
        assert recent.find(7 * event_id + 1) == []
    recent.extend([42 << 30], [50_001])
    assert recent.find(42 << 30) == [50_001]


@pytest.mark.long
def test_an_event_takes_three_bytes_and_a_little() -> None:
    recent = RecentEvents(0.0)
    tracemalloc.start()
    try:
        for first in range(1, 200_000, 50):
            ids = list(range(first, first + 50))
            recent.extend([hash(event_id) for event_id in ids], ids)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 3 * 200_000 < kept_bytes < 4 * 200_000


def test_the_lower_24_bits_of_a_fingerprint_count() -> None:
    recent = RecentEvents(0.0)
    recent.extend([1 << 24 | 7, 2 << 24 | 7, 7 + 16384], [1, 2, 3])

    assert recent.find(7) == [1, 2]


def test_a_fingerprint_is_not_found_across_two_records() -> None:
    recent = RecentEvents(0.0)
    recent.extend([0x030201], [100])
    recent.extend([0x060504], [101])

    assert recent.find(0x040302) == []
    assert recent.find(0x050403) == []
    assert recent.find(0x030201) == [100]


def test_a_place_in_the_index_is_not_taken_for_a_fingerprint() -> None:
    recent = RecentEvents(0.0)
    recent.extend([5, 0x001001], [100, 101])  # the second has place 1, and the bucket of 1
    for _ in range(1000):
        assert recent.find(0x001001) == [101]

    assert recent.find(1) == []


@pytest.mark.parametrize("searches_before", [0, 1000])
def test_an_id_that_is_left_out_is_nobodys(searches_before: int) -> None:
    recent = RecentEvents(0.0)
    recent.extend([7 << 24, 8], [100, 102])  # the kept bits of the first are zero
    for _ in range(searches_before):
        recent.find(5)

    assert recent.find(7 << 24) == [100]
    assert recent.find(0) == [100]


def test_events_are_found_whose_ids_an_administrator_has_made_jump() -> None:
    recent = RecentEvents(0.0)
    recent.extend([1], [1_000])
    recent.extend([2, 3], [1_000 + 2**40, 1_001 + 2**40])
    recent.extend([4], [999])
    recent.extend([5], [1_000])

    assert [recent.find(mark) for mark in range(1, 6)] == [[1_000], [1_000 + 2**40], [1_001 + 2**40], [999], [1_000]]
