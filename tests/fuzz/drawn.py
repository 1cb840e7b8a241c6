"""The plain engine, for machines without atheris: hypothesis draws an input of the corpus and changes to it.

The engine does not observe which code an input reaches. Therefore it finds failures, but no inputs to keep otherwise.
"""

import random
import time
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.report import Failure, Report
from tests.fuzz.target import CORPUS, Target, inputs, keep, smallest

_BATCH: Final = 100
"""Look at the clock after this many draws."""

_patiently: Final = settings(
    # Not the default in a CI: there, hypothesis would draw the same inputs in every batch.
    derandomize=False,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    print_blob=False,
)


def relatives(target: Target) -> st.SearchStrategy[bytes]:
    """Return the strategy for inputs of the target's corpus that are changed a few times."""
    kept = [path.read_bytes() for path in inputs(CORPUS / target.name)]

    def changed(octets: bytes, times: int, seed: int) -> bytes:
        chance = random.Random(seed)
        for _ in range(times):
            octets = target.mutate(octets, chance)
        return octets[: target.max_input_bytes]

    return st.builds(changed, st.sampled_from(kept), st.integers(1, 4), st.integers(0, 2**32))


def run(target: Target, seconds: float, chance: random.Random | None = None) -> Report:
    """Fuzz for `seconds` and at least one input, or until the first failure. Draw with `chance` if it is given."""
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
