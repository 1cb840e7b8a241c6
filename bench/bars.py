"""What winlogd wants to reach, and whether a run reached it. Told, never asserted: a busy machine proves nothing.

A bar holds for the median over the rounds, of a figure or of a ratio that is taken round by round. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bench.ratios import Key, Rounds, Spread


class Comparison(Enum):
    """What the bar's limit is a limit of."""

    ITSELF = auto()
    RATIO = auto()
    DIFFERENCE = auto()


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing to reach.

    Attributes:
        says: what is compared with what.
        figure: the figure's name.
        key: whose figure.
        limit: the bar itself.
        at_least: whether more is better; otherwise `limit` is the most.
        against: whose figure it is compared with; itself for `Comparison.ITSELF`.
        comparison: how.
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
    """What came of a bar: the spread over the rounds, and whether its median reaches the limit."""

    bar: Bar
    spread: Spread
    met: bool


_64: Final = "64 connections"
_5000: Final = "5000 events/s"
_START: Final = "empty database"


def _beside(scenario: str, variant: str, peer: str, figure: str, limit: float, *, at_least: bool) -> Bar:
    """winlogd against another peer in the same variant."""
    key, against = (scenario, variant, "winlogd"), (scenario, variant, peer)
    return Bar(f"{scenario}, {variant}: × {peer}", figure, key, limit, at_least, against, Comparison.RATIO)


def _across(scenario: str, variant: str, other: str, limit: float) -> Bar:
    """winlogd's events a second in one variant against another one."""
    key, against = (scenario, variant, "winlogd"), (scenario, other, "winlogd")
    return Bar(f"{scenario}: {variant} × {other}", "events_s", key, limit, True, against, Comparison.RATIO)


def _alone(says: str, scenario: str, variant: str, figure: str, limit: float) -> Bar:
    """The most that a figure of winlogd's may be."""
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
)
"""In the order in which they are shown."""


def verdicts(rounds: Rounds, bars: Sequence[Bar] = BARS) -> list[Verdict]:
    """The bars that the run has figures for."""
    found = []
    for bar in bars:
        spread = _compared(rounds, bar)
        if spread is not None:
            met = spread.median >= bar.limit if bar.at_least else spread.median <= bar.limit
            found.append(Verdict(bar, spread, met))
    return found


def _compared(rounds: Rounds, bar: Bar) -> Spread | None:
    if bar.comparison is Comparison.ITSELF:
        return rounds.spread(bar.key, bar.figure)
    compare = rounds.ratio if bar.comparison is Comparison.RATIO else rounds.difference
    return compare(bar.key, bar.against, bar.figure)
