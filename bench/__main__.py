"""Run ``python -m bench``: read the command line, take the samples, show the tables, write the file and the pictures.

This file must not know how a figure is taken.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench import machine, results, runner
from bench.load import wrk
from bench.measures import Lengths
from bench.ratios import Sample
from bench.registry import PEERS, BuildError, Peer, compile_bytecode
from bench.scenarios import SCENARIOS

_RESULTS: Final = Path(__file__).parent / "results"
_DISK: Final = Path("/var/tmp")
"""Make the databases below this folder. It is usually on a disk; /tmp is often in memory, where FULL costs nothing."""

_QUICK: Final = Lengths(
    load_s=0.7,
    warm_s=0.2,
    idle_s=2.0,
    morning_s=1.0,
    workstations=400,
    many_events=20_000,
    past_rows=200_000,
    past_today_rows=10_000,
)
_QUICK_LAST_START_S: Final = 48.0
"""A quick run starts no sample after this many seconds. Thus it ends within a minute."""

_PACKAGES: Final = ("rich", "matplotlib")
"""A run shows its samples with these. ``--help``, ``--list`` and ``--build`` do without."""

_LOSS_STATUS: Final = 1
_USAGE_STATUS: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench as `arguments` say, by default those of the process.

    Returns:
        The exit status: 1 if a peer lost an event that it had acknowledged, 2 if nothing could be run, else 0.
    """
    started_s = time.monotonic()
    chosen = _parser().parse_args(arguments)
    if chosen.list:
        _list()
        return 0
    missing = [] if chosen.build else [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        print(f"The bench needs {' and '.join(missing)}: pip install -e . --group bench", file=sys.stderr)
        return _USAGE_STATUS
    peers = _startable(chosen.peer or list(PEERS), may_build=not chosen.quick)
    if chosen.build:
        return 0
    if not wrk.is_installed():
        print(wrk.MISSING, file=sys.stderr)
        return _USAGE_STATUS
    if not peers:
        print("None of the peers can start.", file=sys.stderr)
        return _USAGE_STATUS

    compile_bytecode()
    steps = _steps(chosen, peers)
    if not steps:
        print("No chosen scenario has such a variant: see --list.", file=sys.stderr)
        return _USAGE_STATUS
    lengths = _QUICK if chosen.quick else Lengths(load_s=chosen.seconds)
    deadline_s = started_s + _QUICK_LAST_START_S if chosen.quick else None
    options = {
        name: value if isinstance(value, (int, float, list)) else str(value) for name, value in vars(chosen).items()
    }
    samples, failures = _run(steps, lengths, chosen.folder, deadline_s)
    return _show(samples, failures, options, chosen.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description="winlogd beside what could replace it.")
    parser.add_argument("--quick", action="store_true", help="a glance within 60 s; builds nothing")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one; may be repeated")
    parser.add_argument("--variant", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--peer", action="append", choices=PEERS, help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, metavar="N", help="default 5, or 1 with --quick")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measured load, default 3; not for --quick")
    parser.add_argument("--folder", type=Path, default=_DISK, help=f"on the disk to be measured, default {_DISK}")
    parser.add_argument("--output", type=Path, default=_RESULTS, help="folder for the results")
    parser.add_argument("--list", action="store_true", help="list scenarios and peers, and end")
    parser.add_argument("--build", action="store_true", help="build the peers that have to be, and end")
    return parser


def _list() -> None:
    print("scenarios")
    for scenario in SCENARIOS.values():
        variants = ", ".join(variant.name for variant in scenario.variants)
        print(f"  {scenario.name:<16}{scenario.question}\n{'':<18}{variants}")
    print("peers")
    for peer in PEERS.values():
        print(f"  {peer.name:<16}{peer.stands_for}\n{'':<18}{peer.unavailable() or 'can start'}")


def _startable(names: Sequence[str], may_build: bool) -> list[Peer]:
    """Return the peers among `names` that can start, built if necessary. Print a line for each of the others."""
    found = []
    for peer in (PEERS[name] for name in names):
        reason = peer.unavailable()
        if reason is None and not peer.is_built():
            reason = _build(peer) if may_build else "is not built yet (python -m bench --build)"
        if reason is None:
            found.append(peer)
        else:
            print(f"{peer.name} is skipped: {reason}", file=sys.stderr)
    return found


def _build(peer: Peer) -> str | None:
    """Build `peer`. Return the reason if that fails."""
    print(f"building {peer.name} …", file=sys.stderr)
    try:
        peer.build()
    except BuildError as error:
        return str(error)
    return None


def _steps(chosen: argparse.Namespace, peers: Sequence[Peer]) -> list[runner.Step]:
    """Return the samples to take, in their order."""
    steps = []
    for name in chosen.scenario or SCENARIOS:
        scenario = SCENARIOS[name]
        variants, asked = scenario.variants, peers
        if chosen.quick and not chosen.scenario:
            variants = tuple(variant for variant in variants if variant.quick)
        if chosen.variant:
            variants = tuple(variant for variant in variants if variant.name in chosen.variant)
        if chosen.quick and not chosen.peer:
            asked = [peer for peer in peers if peer.name in scenario.quick_peers]
        steps += runner.interleaved(scenario, variants, asked, chosen.rounds or (1 if chosen.quick else 5))
    return steps


def _run(
    steps: Sequence[runner.Step], lengths: Lengths, folder: Path, deadline_s: float | None
) -> tuple[list[Sample], list[runner.Failure]]:
    """Take the samples and show a progress bar. After an interrupt, return the samples that are complete."""
    from bench import report

    samples: list[Sample] = []
    failures: list[runner.Failure] = []
    with (
        report.progress(report.console()) as bar,
        tempfile.TemporaryDirectory(dir=folder, prefix="winlogd-bench-") as work,
    ):
        task = bar.add_task("", total=len(steps))

        def begins(step: runner.Step) -> None:
            bar.update(
                task, description=f"{step.scenario.name}, {step.variant.name}, {step.peer.name}, {step.round + 1}"
            )

        try:
            for outcome in runner.run(steps, lengths, Path(work), deadline_s, begins):
                if isinstance(outcome, Sample):
                    samples.append(outcome)
                else:
                    failures.append(outcome)
                bar.advance(task)
        except KeyboardInterrupt:
            bar.console.print("interrupted: the tables have the samples that were complete")
    return samples, failures


def _show(
    samples: Sequence[Sample], failures: Sequence[runner.Failure], options: Mapping[str, object], output: Path
) -> int:
    """Show the tables, and write the file and the pictures. Return the exit status."""
    from bench import plots, report

    console = report.console()
    facts = machine.describe()
    report.show_machine(console, facts)
    lost = report.show(console, samples, failures)
    if samples:
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
        path = output / f"{date}.json"
        results.write(path, facts, options, samples)
        for written in (path, *plots.draw(samples, output, date)):
            console.print(f"written: {written}", highlight=False, soft_wrap=True)
    return _LOSS_STATUS if lost else 0


if __name__ == "__main__":
    # SIGTERM is handled as an interrupt. Thus every server is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
