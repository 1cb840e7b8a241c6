"""Ratios are taken round by round, and a lost event of any round counts."""

from bench.load.result import Load, percentile
from bench.ratios import Rounds, Sample, Spread


def _sample(peer: str, number: int, rate: float, acked: int = 0, stored: int | None = 0) -> Sample:
    return Sample("keep-alive", "64 connections", peer, number, {"events_s": rate}, acked, stored)


def _key(peer: str) -> tuple[str, str, str]:
    return "keep-alive", "64 connections", peer


def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians() -> None:
    # In the second round the machine was slow for both peers.
    rates = {"winlogd": (100.0, 20.0, 90.0), "axum": (50.0, 40.0, 30.0)}
    rounds = Rounds(_sample(peer, number, rate) for peer in rates for number, rate in enumerate(rates[peer]))

    assert rounds.ratio(_key("winlogd"), _key("axum"), "events_s") == Spread(2.0, 0.5, 3.0)


def test_a_round_that_one_side_lacks_takes_no_part_in_the_ratio() -> None:
    rounds = Rounds([_sample("winlogd", 0, 10.0), _sample("winlogd", 1, 99.0), _sample("axum", 0, 5.0)])

    assert rounds.ratio(_key("winlogd"), _key("axum"), "events_s") == Spread(2.0, 2.0, 2.0)


def test_there_is_no_ratio_to_a_peer_that_did_not_run_or_answered_nothing() -> None:
    rounds = Rounds([_sample("winlogd", 0, 10.0), _sample("axum", 0, 0.0)])

    assert rounds.ratio(_key("winlogd"), _key("php"), "events_s") is None
    assert rounds.ratio(_key("winlogd"), _key("axum"), "events_s") is None


def test_an_acknowledged_event_that_is_not_stored_is_lost() -> None:
    rounds = Rounds([_sample("winlogd", 0, 1.0, acked=10, stored=7), _sample("winlogd", 1, 1.0, acked=10, stored=10)])

    assert rounds.lost(_key("winlogd")) == 3


def test_an_event_that_is_stored_though_its_answer_was_cut_off_makes_up_for_no_loss_of_another_round() -> None:
    rounds = Rounds([_sample("winlogd", 0, 1.0, acked=10, stored=9), _sample("winlogd", 1, 1.0, acked=10, stored=64)])

    assert rounds.lost(_key("winlogd")) == 1


def test_a_peer_without_a_database_can_lose_nothing() -> None:
    assert _sample("transport", 0, 1.0, acked=10, stored=None).lost == 0


def test_percentiles_are_of_the_nearest_rank() -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert percentile([], 0.99) == 0.0


def test_a_load_says_in_one_line_what_is_read_back_the_same() -> None:
    load = Load.of([0.001, 0.003], refused=1, failed=2, seconds=0.5, late_s=[0.0001])

    assert "\n" not in load.to_json()
    assert Load.from_json(load.to_json()) == load
    assert (load.acked, load.p50_ms, load.max_ms) == (2, 1.0, 3.0)
