"""The table of scenarios: the question, the peers and the variants of each. To add one, add an entry here."""

from dataclasses import dataclass
from typing import Final

from bench.asking import asking
from bench.measures import (
    Measure,
    connection_an_event,
    idle_cpu,
    idle_memory,
    keep_alive,
    loaded,
    memory_after_many,
    morning,
    planned,
    start_up,
    with_reader,
)
from bench.questions import QUESTIONS
from bench.server import Setup

_USUAL: Final = Setup()

EVERYONE: Final = ("transport", "winlogd", "axum-batch", "axum", "fastapi", "php")
STORING: Final = ("winlogd", "axum-batch", "axum", "fastapi", "php")
STRONGEST: Final = ("winlogd", "axum-batch")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run a scenario.

    Attributes:
        name: the name for the tables. The others are compared with the first variant of a scenario.
        measure: takes the figures.
        setup: how the server runs.
        rows: the rows in ``events_today`` before the load.
        history_rows: the rows in ``events_history`` before the load.
        has_past: True if the database is that of `bench.past`. Then `rows` and `history_rows` do not count.
        quick: True if ``--quick`` includes it.
    """

    name: str
    measure: Measure
    setup: Setup = _USUAL
    rows: int = 0
    history_rows: int = 0
    has_past: bool = False
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A question to the peers.

    Attributes:
        name: the name for the command line and the tables.
        question: the question in one line.
        figure: the name of the figure that the ratios are made of.
        variants: the ways to run the scenario.
        peers: the names of the peers that can answer. The others cannot, or would take hours.
        quick_peers: the names of those peers that ``--quick`` includes.
    """

    name: str
    question: str
    figure: str
    variants: tuple[Variant, ...]
    peers: tuple[str, ...] = EVERYONE
    quick_peers: tuple[str, ...] = EVERYONE


_KEPT_64: Final = loaded(keep_alive(64))

SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "keep-alive",
            "How many events a second on kept connections?",
            "events_s",
            (
                Variant("64 connections", _KEPT_64, quick=True),
                Variant("1 connection", loaded(keep_alive(1))),
                Variant("1000 connections", loaded(keep_alive(1000))),
            ),
        ),
        Scenario(
            "one-connection",
            "How many when each event has a connection of its own, as the real clients do?",
            "events_s",
            (Variant("64 at once", loaded(connection_an_event(64)), quick=True),),
        ),
        Scenario(
            "latency",
            "How long does an answer take at a given load? Counted from the planned time.",
            "p99_ms",
            (
                Variant("1000 events/s", loaded(planned(1_000))),
                Variant("2500 events/s", loaded(planned(2_500))),
                Variant("5000 events/s", loaded(planned(5_000)), quick=True),
                Variant("10000 events/s", loaded(planned(10_000))),
            ),
            STORING,
            STRONGEST,
        ),
        Scenario(
            "morning",
            "All workstations log on within seconds, then send their inventory: how long does each wait?",
            "p99_ms",
            (Variant("logons, then inventory", morning, quick=True),),
            STORING,
            STRONGEST,
        ),
        Scenario(
            "rows",
            "Does an event cost more when the day has many?",
            "events_s",
            (
                Variant("0 rows", _KEPT_64, quick=True),
                Variant("10 k rows", _KEPT_64, rows=10_000),
                Variant("100 k rows", _KEPT_64, rows=100_000, quick=True),
                Variant("1 M rows", _KEPT_64, rows=1_000_000),
            ),
            STORING,
            STRONGEST,
        ),
        Scenario(
            "synchronous",
            "What does it cost that an answered event survives a power cut?",
            "events_s",
            (
                Variant("NORMAL", _KEPT_64, Setup(synchronous="NORMAL")),
                Variant("FULL", _KEPT_64, Setup(synchronous="FULL")),
            ),
            ("winlogd", "axum-batch", "fastapi", "php"),
        ),
        Scenario(
            "logging",
            "What does a line an event cost?",
            "events_s",
            (
                Variant("error", _KEPT_64, Setup(log_level="error")),
                Variant("info", _KEPT_64, Setup(log_level="info")),
            ),
            STRONGEST,
        ),
        Scenario(
            "reader",
            "What does it cost when somebody lists the history all the time?",
            "events_s",
            (
                Variant("no reader", _KEPT_64, history_rows=100_000),
                Variant("a reader", with_reader(keep_alive(64)), history_rows=100_000),
            ),
            STORING,
        ),
        Scenario(
            "queries",
            "16 clients ask about the past, each at once again, while 1 000 events/s are stored: how long do all wait?",
            "asked_p99_ms",
            tuple(
                Variant(each.name, asking(each), Setup(has_rooms=True), has_past=True, quick=each.quick)
                for each in QUESTIONS
            ),
            ("winlogd", "datasette"),
            ("winlogd",),
        ),
        Scenario(
            "start-up",
            "How long from the start to the first answer, against a bare import of what winlogd needs?",
            "start_ms",
            (Variant("empty database", start_up, quick=True),),
            quick_peers=STRONGEST,
        ),
        Scenario(
            "idle-memory",
            "How much memory before the first event, against the same import?",
            "rss_mib",
            (Variant("empty database", idle_memory, quick=True),),
            quick_peers=STRONGEST,
        ),
        Scenario(
            "idle-cpu",
            "What does it do while nobody is connected?",
            "switches_s",
            (Variant("empty database", idle_cpu),),
        ),
        Scenario(
            "memory-after",
            "How much memory after a million events (20 000 in a quick run)?",
            "rss_mib",
            (Variant("64 connections", memory_after_many),),
            STRONGEST,
        ),
    )
}
