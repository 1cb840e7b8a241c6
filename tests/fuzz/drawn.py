"""The plain engine, for machines without atheris: hypothesis draws an input of the corpus and what is done to it.

It does not look at the code that is reached; what it finds are failures only.
"""

import random
import time
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.report import Failure, Report
from tests.fuzz.target import CORPUS, Target, inputs, keep, smallest

_BATCH: Final = 100
"""Draws between two looks at the clock."""

_patiently: Final = settings(
    # Said aloud, because hypothesis takes the opposite where it sees a CI: every batch would draw the same inputs.
    derandomize=False,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    print_blob=False,
)


def relatives(target: Target) -> st.SearchStrategy[bytes]:
    """Inputs of the target's corpus, changed a few times."""
    kept = [path.read_bytes() for path in inputs(CORPUS / target.name)]

    def changed(octets: bytes, times: int, seed: int) -> bytes:
        chance = random.Random(seed)
        for _ in range(times):
            octets = target.mutate(octets, chance)
        return octets[: target.max_input_bytes]

    return st.builds(changed, st.sampled_from(kept), st.integers(1, 4), st.integers(0, 2**32))


def run(target: Target, seconds: float, chance: random.Random | None = None) -> Report:
    """Fuzzes for so long, but for one input at least, or until the first failure. Draws by `chance`, if it is given."""
    chance = chance or random.Random()
    executions = 0
    last = b""
    end = time.monotonic() + seconds

    @settings(_patiently, max_examples=_BATCH)
    @given(relatives(target))
    def batch(octets: bytes) -> None:
        nonlocal executions, last
        if not executions or time.monotonic() < end:
            executions += 1
            last = octets
            target.check(octets)

    failures: list[Failure] = []
    while not (failures or (executions and time.monotonic() >= end)):
        try:
            seed(chance.getrandbits(64))(batch)()
        except Exception as error:
            octets = smallest(target, last)
            failures.append(Failure(repr(error), octets, keep(octets, CORPUS / target.name, "failure")))
    return Report(target.name, "hypothesis", executions, None, tuple(failures))
