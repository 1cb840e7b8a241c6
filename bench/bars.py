"""Compare the figures of a run with bars: limits that winlogd wants to reach.

The bench shows the result and never fails because of it: figures of a busy machine prove nothing. A bar is a limit for
the median over the rounds. The median is of a figure, or of a ratio or difference that is taken round by round. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bench.questions import QUESTIONS
from bench.ratios import Key, Rounds, Spread


class Comparison(Enum):
    """The number that a bar limits: a figure itself, or its ratio to or difference from another figure."""

    ITSELF = auto()
    RATIO = auto()
    DIFFERENCE = auto()


@dataclass(frozen=True, slots=True)
class Bar:
    """One limit to reach.

    Attributes:
        says: the text that the table shows.
        figure: the figure's name.
        key: the scenario, variant and peer of the figure.
        limit: the limit.
        at_least: True if the number must be at least `limit`, False if it must be at most `limit`.
        against: the key of the figure to compare with. For `Comparison.ITSELF` it is `key`.
        comparison: the number that `limit` is for.
    """

    says: str
    figure: str
    key: Key
    limit: float
    at_least: bool
    against: Key
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for a bar.

    Attributes:
        bar: the bar.
        spread: the number over the rounds.
        met: True if the median reaches the limit.
    """

    bar: Bar
    spread: Spread
    met: bool


_64: Final = "64 connections"
_5000: Final = "5000 events/s"
_START: Final = "empty database"


def _beside(scenario: str, variant: str, peer: str, figure: str, limit: float, *, at_least: bool) -> Bar:
    """Return a bar for the ratio of winlogd's figure to the figure of another peer in the same variant."""
    key, against = (scenario, variant, "winlogd"), (scenario, variant, peer)
    return Bar(f"{scenario}, {variant}: × {peer}", figure, key, limit, at_least, against, Comparison.RATIO)


def _across(scenario: str, variant: str, other: str, limit: float) -> Bar:
    """Return a bar for the ratio of winlogd's events a second in `variant` to those in `other`."""
    key, against = (scenario, variant, "winlogd"), (scenario, other, "winlogd")
    return Bar(f"{scenario}: {variant} × {other}", "events_s", key, limit, True, against, Comparison.RATIO)


def _alone(says: str, scenario: str, variant: str, figure: str, limit: float) -> Bar:
    """Return a bar for the largest value that a figure of winlogd may have."""
    key = (scenario, variant, "winlogd")
    return Bar(says, figure, key, limit, False, key, Comparison.ITSELF)


BARS: Final = (
    _beside("keep-alive", _64, "transport", "events_s", 0.30, at_least=True),
    _beside("keep-alive", _64, "axum-batch", "events_s", 1.0, at_least=True),
    _beside("keep-alive", _64, "axum", "events_s", 30, at_least=True),
    _beside("one-connection", "64 at once", "axum-batch", "events_s", 0.9, at_least=True),
    _across("rows", "1 M rows", "0 rows", 0.9),
    _across("synchronous", "FULL", "NORMAL", 0.75),
    _across("logging", "info", "error", 0.9),
    _alone("latency, 5000 events/s: P99, ms", "latency", _5000, "p99_ms", 3.0),
    _beside("latency", _5000, "axum-batch", "p99_ms", 1.0, at_least=False),
    _beside("latency", _5000, "axum", "p99_ms", 1.0, at_least=False),
    _alone("start-up: × the import alone", "start-up", _START, "of_import", 1.25),
    _alone("idle memory: × the import alone", "idle-memory", _START, "of_import", 1.2),
    Bar(
        "memory after a million events: MiB more than axum-batch",
        "rss_mib",
        ("memory-after", _64, "winlogd"),
        16,
        False,
        ("memory-after", _64, "axum-batch"),
        Comparison.DIFFERENCE,
    ),
    _alone("idle: switches/s", "idle-cpu", _START, "switches_s", 0.0),
    *(_alone(f"queries, {each.name}: P99, ms", "queries", each.name, "asked_p99_ms", 50) for each in QUESTIONS),
    *(_alone(f"queries, {each.name}: events × alone", "queries", each.name, "of_alone", 1.5) for each in QUESTIONS),
)
"""Every bar, in the order in which they are shown."""


def verdicts(rounds: Rounds, bars: Sequence[Bar] = BARS) -> list[Verdict]:
    """Return the results for those `bars` for which the run has figures."""
    found = []
    for bar in bars:
        spread = _compared(rounds, bar)
        if spread is not None:
            met = spread.median >= bar.limit if bar.at_least else spread.median <= bar.limit
            found.append(Verdict(bar, spread, met))
    return found


def _compared(rounds: Rounds, bar: Bar) -> Spread | None:
    """Return the number that `bar` limits, over the rounds; None if the run has no figures for it."""
    if bar.comparison is Comparison.ITSELF:
        return rounds.spread(bar.key, bar.figure)
    compare = rounds.ratio if bar.comparison is Comparison.RATIO else rounds.difference
    return compare(bar.key, bar.against, bar.figure)
