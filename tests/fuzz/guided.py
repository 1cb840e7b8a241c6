"""The guided engine: atheris (libFuzzer) in a process of its own, because libFuzzer ends its process itself.

Inputs that reach new code are mutated further, by the target's own mutation and by that of libFuzzer in turn.
"""

import importlib
import importlib.util
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.fuzz.report import Failure, Report
from tests.fuzz.target import CORPUS, Target, fault_of, keep, smallest

_SLOW_INPUT_S: Final = 10
"""An input that takes longer is a fault too."""
_GRACE_S: Final = 60.0


def is_installed() -> bool:
    """Return True if atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


def run(target: Target, seconds: float, keep_new: bool = False) -> Report:
    """Fuzz for `seconds`, or until the first failure. Return what the run has done.

    Args:
        target: one of `tests.fuzz.targets`.
        seconds: the length of the run.
        keep_new: True to keep inputs that reach new code in the corpus, False to delete them.
    """
    corpus = CORPUS / target.name
    with tempfile.TemporaryDirectory(prefix="winlogd-fuzz-") as scratch:
        found, crashes = Path(scratch) / "found", Path(scratch) / "crashes"
        found.mkdir()
        crashes.mkdir()
        command = [
            *(sys.executable, "-m", "tests.fuzz.guided", target.name, str(corpus if keep_new else found), str(corpus)),
            *(
                f"-max_total_time={max(int(seconds), 1)}",
                f"-max_len={target.max_input_bytes}",
                f"-timeout={_SLOW_INPUT_S}",
            ),
            *(f"-artifact_prefix={crashes}/", "-print_final_stats=1", "-rss_limit_mb=2048", "-len_control=0"),
        ]
        done = subprocess.run(command, capture_output=True, timeout=seconds + _GRACE_S, check=False)
        said = done.stderr.decode("utf-8", "replace")
        failures = tuple(_failure(target, path.read_bytes()) for path in sorted(crashes.iterdir()))
    executions, new = (_stat(said, name) for name in ("number_of_executed_units", "new_units_added"))
    if executions is None or (done.returncode and not failures):
        raise RuntimeError(f"atheris has ended with status {done.returncode}:\n{said[-4000:]}")
    return Report(target.name, "atheris", executions, new, failures)


def _stat(said: str, name: str) -> int | None:
    match = re.search(rf"stat::{name}:\s+([0-9]+)", said)
    return None if match is None else int(match[1])


def _failure(target: Target, octets: bytes) -> Failure:
    fault = fault_of(target, octets)
    if fault is None:  # too slow, or too much memory
        kept = keep(octets, CORPUS / target.name, "slow")
        return Failure(f"a time or memory limit ({_SLOW_INPUT_S} s)", octets, kept)
    octets = smallest(target, octets)
    return Failure(repr(fault_of(target, octets)), octets, keep(octets, CORPUS / target.name, "failure"))


def _fuzz(name: str, arguments: list[str]) -> None:
    """Run libFuzzer in the process of its own. Never return."""
    atheris: Any = importlib.import_module("atheris")  # has no types, and is not installed everywhere
    with atheris.instrument_imports(include=["winlogd"]):
        targets = importlib.import_module("tests.fuzz.targets")
    target: Target = targets.TARGETS[name]

    def mutate(octets: bytes, max_bytes: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.3:
            mutated: bytes = atheris.Mutate(octets, max_bytes)
            return mutated
        return target.mutate(octets, chance)[:max_bytes]

    atheris.Setup([sys.argv[0], *arguments], target.check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    _fuzz(sys.argv[1], sys.argv[2:])
