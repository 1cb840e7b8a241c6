"""Token buckets by address. No clock: each test passes the time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from winlogd.access.buckets import Buckets

ALICE, BOB = "192.0.2.1", "192.0.2.2"


def delays(buckets: Buckets, count: int, now_s: float = 0.0, address: str = ALICE) -> list[float]:
    return [buckets.take(address, now_s) for _ in range(count)]


def test_a_burst_passes_and_what_comes_on_top_waits_its_turn() -> None:
    assert delays(Buckets(2.0, 3, 60.0), 6) == [0, 0, 0, 0.5, 1.0, 1.5]


def test_a_pause_fills_the_bucket_again_and_never_beyond_its_size() -> None:
    buckets = Buckets(2.0, 3, 60.0)
    delays(buckets, 3)
    assert delays(buckets, 3, now_s=1.0) == [0, 0, 0.5]
    assert delays(buckets, 4, now_s=1000.0) == [0, 0, 0, 0.5]


def test_who_would_wait_too_long_gets_no_token_and_costs_the_others_none() -> None:
    buckets = Buckets(1.0, 1, 2.0)
    assert delays(buckets, 6) == [0, 1, 2, 3, 3, 3]
    assert delays(buckets, 2, now_s=1.0) == [2, 3]


def test_each_address_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(1.0, 1, 9.0)
    delays(buckets, 5)
    assert delays(buckets, 2, address=BOB) == [0, 1]


def test_a_full_bucket_is_forgotten() -> None:
    buckets = Buckets(1.0, 5, 9.0)
    delays(buckets, 3)
    delays(buckets, 1, now_s=1.0, address=BOB)
    assert len(buckets) == 2
    delays(buckets, 1, now_s=4.0, address=BOB)
    assert len(buckets) == 1


def test_however_many_addresses_there_are_few_are_remembered() -> None:
    buckets = Buckets(0.001, 1, 9.0)
    for number in range(20_000):
        buckets.take(str(number), 0.0)
    assert len(buckets) == 16_384
    assert buckets.take("19999", 0.0) > 9.0


@given(
    st.floats(0.1, 1000), st.integers(1, 20), st.floats(0.1, 10),
    st.lists(st.floats(0, 2), min_size=1, max_size=60),
)  # fmt: skip
def test_tokens_are_given_at_the_rate_and_in_order(
    rate_hz: float, burst: int, max_delay_s: float, pauses_s: list[float]
) -> None:
    buckets = Buckets(rate_hz, burst, max_delay_s)
    now_s, given_s = 0.0, []
    for pause_s in pauses_s:
        now_s += pause_s
        delay_s = buckets.take(ALICE, now_s)
        if delay_s <= max_delay_s:
            given_s.append(now_s + delay_s)
    assert all(before <= after + 1e-9 for before, after in pairwise(given_s))
    for first, last in zip(given_s, given_s[burst:], strict=False):
        assert last - first >= 1 / rate_hz - 1e-6
