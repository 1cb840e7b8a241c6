"""Take samples, interleaved: in each round every variant, and in each variant every peer in turn."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.database import Databases
from bench.measures import Lengths, Trial
from bench.ratios import Sample
from bench.registry import Peer
from bench.scenarios import Scenario, Variant


@dataclass(frozen=True, slots=True)
class Step:
    """One sample to take: a peer in a variant of a scenario, and the number of the round, from 0."""

    scenario: Scenario
    variant: Variant
    peer: Peer
    round: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample that could not be taken, and the reason."""

    step: Step
    reason: str


def interleaved(scenario: Scenario, variants: Sequence[Variant], peers: Sequence[Peer], rounds: int) -> list[Step]:
    """Return the steps of one scenario in their order, without the peers that the scenario does not include."""
    return [
        Step(scenario, variant, peer, number)
        for number in range(rounds)
        for variant in variants
        for peer in peers
        if peer.name in scenario.peers
    ]


def run(
    steps: Sequence[Step],
    lengths: Lengths,
    folder: Path,
    deadline_s: float | None,
    begins: Callable[[Step], None],
) -> Iterator[Sample | Failure]:
    """Take the steps in turn. Yield a sample, or a failure, for each.

    Args:
        steps: the steps in their order, see `interleaved`.
        lengths: the lengths of the measures.
        folder: a folder for the databases, on the disk to be measured.
        deadline_s: on `time.monotonic`'s clock; a step that has not begun at this time is left out. None for no limit.
        begins: called before each step.
    """
    databases = Databases(folder)
    for step in steps:
        if deadline_s is not None and time.monotonic() > deadline_s:
            yield Failure(step, "left out: the time is up")
            continue
        begins(step)
        try:
            yield take(step, lengths, databases)
        except Exception as error:
            # A peer that fails is a result; the bench goes on.
            yield Failure(step, f"{type(error).__name__}: {error}")


def take(step: Step, lengths: Lengths, databases: Databases) -> Sample:
    """Take one sample: run the measure, then count the stored events."""
    variant = step.variant
    if variant.has_past:
        path = databases.with_past(lengths.past_rows, lengths.past_today_rows)
    else:
        path = databases.fresh(step.peer, variant.rows, variant.history_rows)
    trial = Trial(step.peer, variant.setup, path, lengths)
    figures = variant.measure(trial)
    count = databases.stored(path) if step.peer.stores else None
    databases.release(path)
    return Sample(step.scenario.name, variant.name, step.peer.name, step.round, figures, trial.acked, count)
