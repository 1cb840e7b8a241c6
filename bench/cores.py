"""Which processor core runs what: the server on one, the load on another, the same for every peer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CORES: Final = sorted(os.sched_getaffinity(0))
SERVER: Final = _CORES[0]
LOAD: Final = _CORES[-1]
"""The same core as the server's where there is only one; the figures then say little."""


@contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Processes that are started meanwhile by this thread run on `core` (sched_setaffinity(2) is inherited)."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
