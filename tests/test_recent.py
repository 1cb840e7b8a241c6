from hypothesis import given
from hypothesis import strategies as st

from winlogd.recent import GENERATION_S, RecentEvents

TEN_MINUTES_S = 600.0
FIFTEEN_MINUTES_S = 900.0


def test_an_event_is_found_by_its_fingerprint() -> None:
    recent = RecentEvents(0.0)

    recent.extend([hash("logon")], [7])

    assert recent.find(hash("logon")) == [7]
    assert recent.find(hash("logoff")) == []


def test_nothing_is_found_before_anything_was_added() -> None:
    assert RecentEvents(0.0).find(0) == []


@given(st.integers(0, 10_000), st.lists(st.integers(0, 400), max_size=8))
def test_an_event_is_remembered_for_ten_minutes_and_forgotten_after_fifteen(start_s: int, steps_s: list[int]) -> None:
    recent = RecentEvents(0.0)
    recent.turn(start_s)
    recent.extend([42], [1])
    now_s = start_s
    for step_s in steps_s:
        now_s += step_s
        recent.turn(now_s)

        age_s = now_s - start_s
        assert recent.find(42) == [1] or age_s >= TEN_MINUTES_S
        assert recent.find(42) == [] or age_s <= FIFTEEN_MINUTES_S


@given(st.integers(900, 10_000_000))
def test_after_a_long_sleep_everything_is_forgotten(sleep_s: int) -> None:
    recent = RecentEvents(0.0)
    recent.extend([42], [1])

    recent.turn(sleep_s)

    assert recent.find(42) == []


def test_after_a_long_sleep_new_events_are_remembered_as_usual() -> None:
    recent = RecentEvents(0.0)
    recent.turn(1_000_000.0)
    recent.extend([42], [1])

    recent.turn(1_000_000.0 + 2 * GENERATION_S)
    assert recent.find(42) == [1]
    recent.turn(1_000_000.0 + 3 * GENERATION_S)
    assert recent.find(42) == []


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(1, 5)), max_size=60))
def test_every_added_id_is_found(steps: list[tuple[int, int]]) -> None:
    recent = RecentEvents(0.0)
    added: list[tuple[int, int]] = []
    event_id = 0
    for fingerprint, step in steps:
        event_id += step
        recent.extend([fingerprint], [event_id])
        added.append((fingerprint, event_id))

    for fingerprint, event_id in added:
        assert event_id in recent.find(fingerprint)


def test_the_lower_32_bits_of_a_fingerprint_count() -> None:
    recent = RecentEvents(0.0)
    recent.extend([1 << 32 | 7, 2 << 32 | 7, 7 + 16384], [1, 2, 3])

    assert recent.find(7) == [1, 2]


def test_a_fingerprint_is_not_found_across_two_records() -> None:
    # 0x02000000 after 0x00000001 reads, one byte off, as other fingerprints would.
    recent = RecentEvents(0.0)
    recent.extend([1], [100])
    recent.extend([0x02000000], [101])

    assert recent.find(0x00000000) == []
    assert recent.find(0x00000100) == []
    assert recent.find(1) == [100]


def test_ids_that_jump_too_far_or_back_are_passed_over() -> None:
    recent = RecentEvents(0.0)
    recent.extend([1], [1_000])
    recent.extend([2], [1_000 + 2**32])
    recent.extend([3], [999])
    recent.extend([4], [1_000 + 2**32 - 1])

    assert [recent.find(mark) for mark in (1, 2, 3, 4)] == [[1_000], [], [], [1_000 + 2**32 - 1]]
