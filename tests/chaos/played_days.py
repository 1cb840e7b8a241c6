"""Days played at random against a real server, with a naive model as the judge.

    python -m tests.chaos.played_days --seed 1 --steps 200 --runs 50

Workstations log on and off, with names in changing letter case and clocks that go back. The server is stopped, killed
and asked to rotate, its wall clock is set, and other programs write to its tables. After each step the answers, the
tables, the listing and the views are compared with `Model`. Each run prints its seed and its ledger. A difference ends
the run. With ``--shrink`` the steps are removed that the difference does not need. Ends with status 1 if there was one.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.chaos import faulty_winlogd
from tests.chaos.game import Game, Ledger
from tests.chaos.model import Model
from tests.chaos.rows import Difference
from tests.chaos.steps import Days, Send, Step
from tests.support.running import Winlogd, a_steady_port

SETTINGS: Final = '[server]\ntimezone = "UTC"\n[rotation]\nat = ""\nkeep_open_hours = 24\n'


def play(steps: Sequence[Step], model: Model | None = None) -> Ledger:
    """Play the steps against a new server, until the first difference."""
    ledger = Ledger()
    with tempfile.TemporaryDirectory(prefix="winlogd-days-") as folder, _server(Path(folder)) as server:
        game = Game(server, model or Model(), ledger)
        try:
            for step in steps:
                game.play(step)
                ledger.steps += 1
        except Difference as difference:
            ledger.difference = f"step {ledger.steps}, {step}: {difference}"
    return ledger


def play_and_tell(seed: int, number: int = 200, *, shrinks: bool = False) -> bool:
    """Play this many steps and print the ledger. Return True if there was no difference."""
    steps = Days(seed).steps(number)
    ledger = play(steps)
    print(f"played days, seed {seed}: {ledger}", flush=True)
    if ledger.difference:
        print(f"  {ledger.difference}", flush=True)
    if ledger.difference and shrinks:
        fewest = shrink(steps[: ledger.steps + 1])
        print(*(f"    {step}" for step in fewest), f"  {play(fewest).difference}", sep="\n", flush=True)
    return not ledger.difference


def shrink(steps: list[Step]) -> list[Step]:
    """Remove the steps that a difference does not need, in ever smaller pieces."""
    steps = _one_by_one(steps) if play(_one_by_one(steps)).difference else steps
    size = len(steps) // 2
    while size:
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            steps, at = (fewer, at) if play(fewer).difference else (steps, at + size)
        size //= 2
    return steps


def _one_by_one(steps: list[Step]) -> list[Step]:
    """Return the same steps, with every event sent by itself where that is possible."""
    apart: list[Step] = []
    for step in steps:
        if isinstance(step, Send) and step.way != "twice":
            apart += [Send((said,)) for said in step.events]
        else:
            apart.append(step)
    return apart


@contextmanager
def _server(folder: Path) -> Iterator[Winlogd]:
    server = Winlogd(folder, SETTINGS, port=a_steady_port())
    server.command = (sys.executable, faulty_winlogd.__file__, "--config", "config.toml")
    try:
        server.start().wait_until_open()
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def main() -> int:
    """Play the runs. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.played_days", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first run; the next has the next")
    parser.add_argument("--steps", type=int, default=200, help="in each run, default 200")
    parser.add_argument("--runs", type=int, default=1, help="how many, default 1")
    parser.add_argument("--shrink", action="store_true", help="find the fewest steps that lead to a difference")
    chosen = parser.parse_args()
    seeds = range(chosen.seed, chosen.seed + chosen.runs)
    clean = [play_and_tell(seed, chosen.steps, shrinks=chosen.shrink) for seed in seeds]
    return int(not all(clean))


if __name__ == "__main__":
    sys.exit(main())
