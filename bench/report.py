"""Show a run on the terminal: the progress, a table for each scenario, the bars, and every lost event."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.bars import Verdict, verdicts
from bench.ratios import Key, Rounds, Sample, Spread
from bench.runner import Failure
from bench.scenarios import SCENARIOS


class _Column(NamedTuple):
    """A column of a table.

    Attributes:
        figure: the name of the figure that it shows.
        title: the column's heading.
        form: the format of a number, for `format`.
    """

    figure: str
    title: str
    form: str


_COLUMNS: Final = (
    _Column("workstations", "stations", ",.0f"),
    _Column("events", "events", ",.0f"),
    _Column("events_s", "events/s", ",.0f"),
    _Column("cpu_us", "CPU µs/event", ",.1f"),
    _Column("busy", "core busy %", ",.0f"),
    _Column("p50_ms", "P50 ms", ",.2f"),
    _Column("p99_ms", "P99 ms", ",.2f"),
    _Column("asked", "questions", ",.0f"),
    _Column("asked_p50_ms", "their P50 ms", ",.1f"),
    _Column("asked_p99_ms", "their P99 ms", ",.1f"),
    _Column("alone_p99_ms", "events alone: P99 ms", ",.2f"),
    _Column("beside_p99_ms", "beside: P99 ms", ",.2f"),
    _Column("of_alone", "× alone", ",.2f"),
    _Column("late_ms", "load late ms", ",.2f"),
    _Column("start_ms", "start ms", ",.1f"),
    _Column("rss_mib", "memory MiB", ",.1f"),
    _Column("of_import", "× import", ".2f"),
    _Column("switches_s", "switches/s", ",.2f"),
    _Column("cpu_ms_min", "CPU ms/min", ",.1f"),
    _Column("refused", "refused", ",.0f"),
    _Column("failed", "no answer", ",.0f"),
)
_WIDTH_CHARACTERS: Final = 150
"""The width of the tables if the output does not go to a terminal."""


def console() -> Console:
    """Return a console on standard output."""
    found = Console()
    return found if found.is_terminal else Console(width=_WIDTH_CHARACTERS)


def progress(on: Console) -> Progress:
    """Return a progress bar that disappears at its end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=on, transient=True)


def show_machine(on: Console, machine: Mapping[str, str]) -> None:
    """Show the machine that the figures were taken on."""
    for name, value in machine.items():
        on.print(f"[dim]{name:>18}[/]  {value}", highlight=False)


def show(on: Console, samples: Sequence[Sample], failures: Sequence[Failure]) -> int:
    """Show the tables, the bars, the failures and the losses. Return how many acknowledged events were lost."""
    rounds = Rounds(samples)
    keys = rounds.keys()
    for scenario in dict.fromkeys(key[0] for key in keys):
        on.print()
        on.print(f"[bold]{scenario}:[/] {SCENARIOS[scenario].question}", highlight=False)
        on.print(_table(rounds, scenario, [key for key in keys if key[0] == scenario]))
    if samples:
        on.print("[dim]The median of the rounds, below it the least and the most. Ratios are taken round by round.[/]")
    if reached := verdicts(rounds):
        on.print()
        on.print("[bold]Bars:[/] what winlogd wants to reach", highlight=False)
        on.print(_bars(reached))
    for line in _failure_lines(failures):
        on.print(line, markup=False)
    for key in keys:
        if lost := rounds.lost(key):
            on.print(f"[bold red]LOSS[/] {', '.join(key)}: {lost} acknowledged events are not in the database")
    lost = sum(sample.lost for sample in samples)
    checked = sum(sample.acked for sample in samples if sample.stored is not None)
    if checked and not lost:
        on.print(f"Every acknowledged event was found in its database ({checked:,} counted).")
    return lost


def _bars(reached: Sequence[Verdict]) -> Table:
    table = Table()
    for title in ("", "bar", "median", "least–most", ""):
        table.add_column(title)
    for verdict in reached:
        bar, spread = verdict.bar, verdict.spread
        table.add_row(
            bar.says,
            f"{'≥' if bar.at_least else '≤'} {bar.limit:g}",
            f"{spread.median:.2f}",
            f"{spread.least:.2f}–{spread.most:.2f}",
            "met" if verdict.met else "[bold]missed[/]",
        )
    return table


def _failure_lines(failures: Sequence[Failure]) -> list[str]:
    """Return a line for each reason in a scenario, with all peers and variants that failed for this reason."""
    whom: dict[tuple[str, str], list[str]] = {}
    for failure in failures:
        step = failure.step
        who = f"{step.peer.name} ({step.variant.name})"
        found = whom.setdefault((step.scenario.name, failure.reason), [])
        if who not in found:
            found.append(who)
    return [f"{scenario}: {', '.join(who)}: {reason}" for (scenario, reason), who in whom.items()]


def _table(rounds: Rounds, name: str, keys: Sequence[Key]) -> Table:
    scenario = SCENARIOS[name]
    figures = {figure for key in keys for figure in rounds.figure_names(key) if _matters(rounds, keys, figure)}
    columns = [column for column in _COLUMNS if column.figure in figures]
    peers, variants = {key[2] for key in keys}, {key[1] for key in keys}
    first = scenario.variants[0].name
    rivals = [peer for peer in ("transport", "winlogd") if peer in peers and len(peers) > 1]

    table = Table()
    figure_titles = {column.figure: column.title for column in _COLUMNS}
    table.caption = f"ratios are of {figure_titles[scenario.figure]}"
    table.caption_justify = "left"
    table.add_column("")
    table.add_column("peer")
    titles = [column.title for column in columns] + [f"× {peer}" for peer in rivals]
    titles += [f"× {first}"] if len(variants) > 1 and first in variants else []
    for title in titles:
        table.add_column(title, justify="right")
    shown = ""
    # In each variant, the peers are in the order of the run, even if a round left some out.
    for key in sorted(keys, key=lambda key: [variant.name for variant in scenario.variants].index(key[1])):
        _, variant, peer = key
        if shown and variant != shown:
            table.add_section()
        cells = [_cell(rounds.spread(key, column.figure), column.form) for column in columns]
        cells += [_cell(rounds.ratio(key, (name, variant, rival), scenario.figure), ".2f") for rival in rivals]
        if len(titles) > len(cells):
            cells.append(_cell(rounds.ratio(key, (name, first, peer), scenario.figure), ".2f"))
        table.add_row(variant if variant != shown else "", peer, *cells, style="bold" if peer == "winlogd" else "")
        shown = variant
    return table


def _matters(rounds: Rounds, keys: Sequence[Key], figure: str) -> bool:
    """Return True if a table shows `figure`: refusals and missing answers only if there are any."""
    if figure not in ("refused", "failed"):
        return True
    return any((spread := rounds.spread(key, figure)) is not None and spread.most > 0 for key in keys)


def _cell(spread: Spread | None, form: str) -> str:
    if spread is None:
        return ""
    middle, least, most = (format(value, form) for value in (spread.median, spread.least, spread.most))
    return middle if least == most else f"{middle}\n[dim]{least}–{most}[/]"
