"""Read from /proc what the processes of a server have used (proc(5)). This file must not know what the server is.

The processes of a server are its first process, the descendants, and the rest of its session (setsid(2)). Thus masters
and workers are counted together: some masters make a session of their own, and some workers outlive their parent.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")

_STATE, _PARENT, _SESSION, _TIMES = 0, 1, 3, slice(11, 15)
"""The places of fields in /proc/PID/stat, counted from ``state``."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The use of all processes of a server since they started.

    Attributes:
        cpu_s: processor time, user and system, in steps of a clock tick (10 ms).
        switches: context switches of all threads, voluntary or not.
    """

    cpu_s: float
    switches: int


def processes(root: int) -> list[int]:
    """Return the pids of the server whose first process is `root`, without zombies."""
    found, last = {root}, set[int]()
    stats = {int(entry.name): _stat(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit()}
    living = {pid: fields for pid, fields in stats.items() if fields and fields[_STATE] != "Z"}
    while found != last:
        last = set(found)
        found |= {pid for pid, f in living.items() if int(f[_PARENT]) in last or int(f[_SESSION]) == root}
    return sorted(found & living.keys())


def usage(root: int) -> Usage:
    """Return what the server `root` has used, including its children that have ended and were waited for."""
    ticks = switches = 0
    for pid in processes(root):
        fields = _stat(pid)
        ticks += sum(int(text) for text in fields[_TIMES])
        for status in _PROC.glob(f"{pid}/task/*/status"):
            switches += sum(_status(status, key) for key in ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"))
    return Usage(ticks * _TICK_S, switches)


def resident_mib(root: int) -> float:
    """Return the server's memory in RAM: the largest process' resident set, and the private memory of the others.

    The sum of the resident sets would count memory that forked workers share once for each worker.
    """
    sizes = []
    for pid in processes(root):
        private = sum(_status(_PROC / f"{pid}/smaps_rollup", key) for key in ("Private_Clean", "Private_Dirty"))
        sizes.append((_status(_PROC / f"{pid}/status", "VmRSS"), private))
    if not sizes:
        return 0.0
    sizes.sort()
    return (sizes[-1][0] + sum(private for _, private in sizes[:-1])) / 1024


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from ``state`` on, none if the process has ended."""
    try:
        text = (_PROC / f"{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()


def _status(path: Path, key: str) -> int:
    """Return the number behind ``key:`` in a file such as /proc/PID/status, 0 if it is not there."""
    try:
        lines = path.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key}:")), 0)
