"""Run the fuzz tests for a long time: ``python -m tests.fuzz --seconds 600``.

Print a line for each target. End with status 1 if one has failed. The corpus keeps the input of a failure; thus the
ordinary test run fails too, until the fault is fixed.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.fuzz import conversations, drawn, guided
from tests.fuzz.report import Report
from tests.fuzz.targets import TARGETS

NAMES: Final = (*TARGETS, conversations.NAME)


def main(words: list[str] | None = None) -> int:
    """Run the targets. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description="Sends winlogd what nobody should send.")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target, default 60")
    parser.add_argument("--target", action="append", choices=NAMES, help="one of them; default: all")
    parser.add_argument("--at-once", type=int, default=1, help="run this many targets side by side, default 1")
    parser.add_argument("--keep", action="store_true", help="add inputs that reach new code to the corpus")
    chosen = parser.parse_args(words)
    failed = False
    # Threads are enough: the guided engine, which needs the processor, is a process of its own.
    with ThreadPoolExecutor(chosen.at_once) as pool:
        for report in pool.map(lambda name: run(name, chosen.seconds, chosen.keep), chosen.target or NAMES):
            print(report, flush=True)
            failed = failed or bool(report.failures)
    return int(failed)


def run(name: str, seconds: float, keep: bool) -> Report:
    """Run one target with the best engine that is installed. Return what the run has done."""
    if name == conversations.NAME:
        return conversations.run(seconds)
    if guided.is_installed():
        return guided.run(TARGETS[name], seconds, keep)
    return drawn.run(TARGETS[name], seconds)


if __name__ == "__main__":
    sys.exit(main())
