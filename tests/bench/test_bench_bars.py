"""The median over the rounds decides if a bar is met, and the bench shows a missed bar too."""

import pytest

from bench.bars import BARS, Bar, verdicts
from bench.ratios import Rounds, Sample
from bench.registry import PEERS
from bench.scenarios import SCENARIOS


def _rounds(figure: str, rates: dict[tuple[str, str, str], list[float]]) -> Rounds:
    return Rounds(
        Sample(*key, number, {figure: value}, acked=0, stored=None)
        for key, values in rates.items()
        for number, value in enumerate(values)
    )


@pytest.mark.parametrize(("rates", "met"), [([29.0, 31.0, 32.0], True), ([29.0, 29.5, 50.0], False)])
def test_a_ratio_is_met_by_its_median(rates: list[float], met: bool) -> None:
    key = ("keep-alive", "64 connections")
    rounds = _rounds("events_s", {(*key, "winlogd"): rates, (*key, "transport"): [100.0, 100.0, 100.0]})

    [verdict] = verdicts(rounds)

    assert (verdict.bar.limit, verdict.spread.median, verdict.met) == (0.3, rates[1] / 100, met)


@pytest.mark.parametrize(("mine", "met"), [(60.0, True), (70.0, False)])
def test_memory_is_compared_by_difference(mine: float, met: bool) -> None:
    key = ("memory-after", "64 connections")
    rounds = _rounds("rss_mib", {(*key, "winlogd"): [mine], (*key, "axum-batch"): [50.0]})

    [verdict] = verdicts(rounds)

    assert (verdict.spread.median, verdict.met) == (mine - 50, met)


@pytest.mark.parametrize(("p99_ms", "met"), [(2.9, True), (3.1, False)])
def test_a_latency_is_to_stay_below_its_bar(p99_ms: float, met: bool) -> None:
    rounds = _rounds("p99_ms", {("latency", "5000 events/s", "winlogd"): [p99_ms]})

    [verdict] = verdicts(rounds)

    assert verdict.met is met


def test_what_was_not_run_is_not_judged() -> None:
    assert verdicts(_rounds("events_s", {("keep-alive", "64 connections", "php"): [1.0]})) == []


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.says)
def test_every_bar_is_of_a_scenario_and_peers_that_there_are(bar: Bar) -> None:
    for scenario, variant, peer in (bar.key, bar.against):
        assert variant in [each.name for each in SCENARIOS[scenario].variants]
        assert peer in PEERS
        assert peer in SCENARIOS[scenario].peers
