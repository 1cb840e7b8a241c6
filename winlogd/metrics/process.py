"""Figures of this process, from ``/proc`` (proc(5)): processor, memory, files, threads.

Their names are those that Prometheus' own client libraries use. This file must not know winlogd.
"""

import os
import resource
import time
from collections.abc import Iterator
from functools import cache
from typing import Final

from winlogd.metrics.text import Family, Sample

CPU: Final = Family("process_cpu_seconds_total", "counter", "Processor time that the process has used.")
START: Final = Family("process_start_time_seconds", "gauge", "Start of the process, in seconds since 1970.")
RESIDENT: Final = Family("process_resident_memory_bytes", "gauge", "Memory of the process that is in use.")
VIRTUAL: Final = Family("process_virtual_memory_bytes", "gauge", "Addresses that the process has reserved.")
OPEN_FILES: Final = Family("process_open_fds", "gauge", "Open files and connections of the process.")
MOST_FILES: Final = Family("process_max_fds", "gauge", "How many open files and connections the process may have.")
THREADS: Final = Family("process_threads", "gauge", "Threads of the process.")
FAMILIES: Final = (CPU, START, RESIDENT, VIRTUAL, OPEN_FILES, MOST_FILES, THREADS)

_THREADS_FIELD: Final = 17
_START_FIELD: Final = 19
_VIRTUAL_FIELD: Final = 20
_RESIDENT_FIELD: Final = 21
"""Places in ``/proc/self/stat`` after the program's name."""


def samples() -> Iterator[Sample]:
    """Yield the figures.

    Raises:
        OSError: ``/proc`` is not there.
    """
    fields = _fields()
    yield Sample(CPU, time.process_time())
    yield Sample(START, _started_s(int(fields[_START_FIELD])))
    yield Sample(RESIDENT, int(fields[_RESIDENT_FIELD]) * os.sysconf("SC_PAGE_SIZE"))
    yield Sample(VIRTUAL, int(fields[_VIRTUAL_FIELD]))
    yield Sample(OPEN_FILES, len(os.listdir("/proc/self/fd")) - 1)  # without the one that lists them
    yield Sample(MOST_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    yield Sample(THREADS, int(fields[_THREADS_FIELD]))


def started_s() -> float:
    """Return when the process has started, in seconds since 1970.

    Raises:
        OSError: ``/proc`` is not there.
    """
    return _started_s(int(_fields()[_START_FIELD]))


def _fields() -> list[bytes]:
    with open("/proc/self/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


@cache
def _started_s(ticks: int) -> float:
    """Return the start of the process by the wall clock of the first call. A clock that is set later changes nothing.

    Args:
        ticks: the start in clock ticks after the start of the system.
    """
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return round(time.time() - age_s, 2)
