"""Choose the processor cores: one for the server, another for the load, the same for every peer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CORES: Final = sorted(os.sched_getaffinity(0))
SERVER: Final = _CORES[0]
LOAD: Final = _CORES[-1]
"""With a single core, this is the server's core too. The figures then say little."""


@contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Let each process that this thread starts in the block run on `core` (children inherit sched_setaffinity(2))."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
