"""Stop some threads of a process, as if they hung: the others go on (ptrace(2)).

A signal would stop all of them. This file must not know what the threads do.
"""

import ctypes
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SEIZE: Final = 0x4206
_INTERRUPT: Final = 0x4207
_DETACH: Final = 17
_ALL_THREADS: Final = 0x40000000
"""Wait for threads, too (``__WALL`` of waitpid(2))."""

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_LIBC.ptrace.restype = ctypes.c_long


def threads(pid: int) -> list[int]:
    """Return the threads of a process. The first one is the main thread."""
    return sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())


@contextmanager
def stopped(tids: Iterable[int]) -> Iterator[None]:
    """Stop threads for as long as the block runs.

    Raises:
        PermissionError: the system lets no process stop threads of another one.
    """
    held: list[int] = []
    try:
        for tid in tids:
            _trace(_SEIZE, tid)
            held.append(tid)
            _trace(_INTERRUPT, tid)
            os.waitpid(tid, _ALL_THREADS)
        yield
    finally:
        for tid in held:
            _trace(_DETACH, tid)


def _trace(request: int, tid: int) -> None:
    if _LIBC.ptrace(request, tid, None, None) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
