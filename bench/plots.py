"""Draw the pictures of a run: each peer's throughput and time to an answer, cost against rows, latency against load."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from bench.ratios import Rounds, Sample, Spread
from bench.registry import PEERS
from bench.scenarios import SCENARIOS

mpl.use("Agg")  # no screen is needed

_COLOURS: Final = {
    "winlogd": "#c8102e",
    "transport": "#9a9a9a",
    "axum": "#7fb3d5",
    "axum-batch": "#1f618d",
    "php": "#8e7cc3",
    "fastapi": "#2e8b57",
}
_ROWS: Final = {"0 rows": 0, "10 k rows": 10_000, "100 k rows": 100_000, "1 M rows": 1_000_000}
_DOTS_PER_INCH: Final = 120


def draw(samples: Sequence[Sample], folder: Path, prefix: str) -> list[Path]:
    """Draw the pictures for which there are samples, as ``folder/prefix-NAME.png``. Return their paths."""
    rounds = Rounds(samples)
    drawn = []
    drawings: dict[str, Callable[[Rounds], Figure | None]] = {
        "throughput": _throughput,
        "rows": _rows,
        "latency": _latency,
    }
    for name, drawing in drawings.items():
        figure = drawing(rounds)
        if figure is not None:
            path = folder / f"{prefix}-{name}.png"
            figure.savefig(path, dpi=_DOTS_PER_INCH)
            drawn.append(path)
    return drawn


def _throughput(rounds: Rounds) -> Figure | None:
    """Draw bars for each peer: rate, P50 and P99, on kept connections and with a connection for each event."""
    panels = [
        (scenario, variant)
        for scenario, variant in (("keep-alive", "64 connections"), ("one-connection", "64 at once"))
        if any(key[:2] == (scenario, variant) for key in rounds.keys())  # noqa: SIM118  # not a mapping
    ]
    if not panels:
        return None
    figure = Figure(figsize=(12, 3.6 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 2, squeeze=False)
    for (scenario, variant), (left, right) in zip(panels, axes, strict=True):
        rates = {peer: rounds.spread((scenario, variant, peer), "events_s") for peer in PEERS}
        peers = [peer for peer, rate in rates.items() if rate and rate.median > 0]
        label = {"keep-alive": "kept connections", "one-connection": "a connection an event"}[scenario]
        _bars(left, rounds, (scenario, variant), peers, {"events_s": ""})
        left.set_title(f"events a second, {label}, {variant.removesuffix(' connections')}")
        left.set_xlabel("events/s, more is better")
        _bars(
            right,
            rounds,
            (scenario, variant),
            [p for p in peers if p != "transport"],
            {"p50_ms": "P50", "p99_ms": "P99"},
        )
        right.set_title(f"time to an answer, {label}")
        right.set_xlabel("ms, logarithmic, less is better")
        right.set_xscale("log")
        right.margins(x=0.2)
        _in_plain_numbers(right.xaxis)
    return figure


def _bars(axes: Axes, rounds: Rounds, of: tuple[str, str], peers: Sequence[str], figures: dict[str, str]) -> None:
    """Draw horizontal bars, with the spread as a line and the median as text."""
    height = 0.8 / len(figures)
    for offset, (name, label) in enumerate(figures.items()):
        for place, peer in enumerate(peers):
            spread = rounds.spread((*of, peer), name)
            if spread is None:
                continue
            where = place + (offset - (len(figures) - 1) / 2) * height
            alpha = 1.0 if offset == len(figures) - 1 else 0.55
            axes.barh(
                where,
                spread.median,
                height * 0.9,
                color=_COLOURS[peer],
                alpha=alpha,
                xerr=_error(spread),
                ecolor="#333333",
            )
            number = f"{spread.median:,.0f}" if spread.median >= 100 else f"{spread.median:.3g}"
            axes.annotate(f" {label} {number}", (spread.most, where), va="center", fontsize=8)
    axes.set_yticks(range(len(peers)), peers)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    _plain(axes)


def _rows(rounds: Rounds) -> Figure | None:
    """Draw a line for each peer: processor time per event against the rows that the day already has."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    places = {variant: place for place, variant in enumerate(_ROWS)}
    if not _lines(axes, rounds, "rows", places, "cpu_us", lambda sample: sample.median):
        return None
    axes.set_xticks(list(places.values()), list(places))
    axes.set_xlabel("in events_today before the load")
    axes.set_ylabel("processor time an event, µs, logarithmic")
    axes.set_title("What an event costs when the day has many (64 kept connections)")
    axes.set_yscale("log")
    axes.margins(y=0.15)
    _in_plain_numbers(axes.yaxis)
    return figure


def _latency(rounds: Rounds) -> Figure | None:
    """Draw lines for each peer: P50 and P99 against the events sent per second."""
    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    rates = {variant.name: float(variant.name.split()[0]) for variant in SCENARIOS["latency"].variants}
    drawn = [
        _lines(axes, rounds, "latency", rates, name, lambda s: s.median)
        for axes, name in ((left, "p50_ms"), (right, "p99_ms"))
    ]
    if not any(drawn):
        return None
    for axes, title in ((left, "P50"), (right, "P99")):
        axes.set_title(f"{title} at a given load, from the planned time")
        axes.set_xlabel("events sent a second, open loop")
        axes.set_ylabel("ms, logarithmic")
        axes.set_yscale("log")
        axes.set_xscale("log")
        axes.set_xticks(list(rates.values()), [f"{rate:,.0f}" for rate in rates.values()])
        axes.xaxis.set_minor_locator(NullLocator())
        _in_plain_numbers(axes.yaxis)
    return figure


def _lines(
    axes: Axes,
    rounds: Rounds,
    scenario: str,
    places: dict[str, float] | dict[str, int],
    name: str,
    value: Callable[[Spread], float],
) -> bool:
    """Draw one line for each peer, with the spread. Return True if there was anything to draw."""
    for peer in PEERS:
        found = {
            x: spread for variant, x in places.items() if (spread := rounds.spread((scenario, variant, peer), name))
        }
        # If nothing was answered at a rate, an event has no cost.
        found = {x: spread for x, spread in found.items() if spread.median > 0}
        if found:
            errors = [_error(spread) for spread in found.values()]
            low, high = [error[0][0] for error in errors], [error[1][0] for error in errors]
            heights = [value(spread) for spread in found.values()]
            width = 2.5 if peer == "winlogd" else 1.5
            axes.errorbar(
                list(found), heights, [low, high], label=peer, color=_COLOURS[peer], marker="o", capsize=3, lw=width
            )
    _plain(axes)
    has_lines = bool(axes.get_legend_handles_labels()[0])
    if has_lines:
        axes.legend()
    return has_lines


def _error(spread: Spread) -> list[list[float]]:
    """Return the distances from the median down and up, in the form that matplotlib wants."""
    return [[spread.median - spread.least], [spread.most - spread.median]]


def _in_plain_numbers(axis: Axis) -> None:
    """Label a logarithmic axis with 1, 2, 5, 10 and so on, without powers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())


def _plain(axes: Axes) -> None:
    """Draw a pale grid, and no frame on the right and at the top."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
