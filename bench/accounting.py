"""What a server's processes have used, from /proc (proc(5)); knows nothing of what the server is.

A server is a session of processes (setsid(2)), named by the pid of its first one, so that workers and their masters
are counted together.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """What all processes of a session have used since they started.

    Attributes:
        cpu_s: processor time, user and system, in steps of a clock tick (10 ms).
        switches: context switches of all threads, voluntary or not.
    """

    cpu_s: float
    switches: int


def processes(session: int) -> list[int]:
    """The pids of a session, its first process first."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and int(fields[3]) == session:
                found.append(int(entry.name))
    return sorted(found)


def usage(session: int) -> Usage:
    """What the session `session` has used, its ended and awaited children included."""
    ticks = switches = 0
    for pid in processes(session):
        fields = _stat(pid)
        ticks += sum(int(text) for text in fields[11:15])
        for status in _PROC.glob(f"{pid}/task/*/status"):
            switches += sum(_status(status, key) for key in ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"))
    return Usage(ticks * _TICK_S, switches)


def resident_mib(session: int) -> float:
    """Memory in RAM: the largest process' resident set, and what each other process has for itself alone.

    The sum of the resident sets would count what forked workers share once for each of them.
    """
    sizes = []
    for pid in processes(session):
        private = sum(_status(_PROC / f"{pid}/smaps_rollup", key) for key in ("Private_Clean", "Private_Dirty"))
        sizes.append((_status(_PROC / f"{pid}/status", "VmRSS"), private))
    if not sizes:
        return 0.0
    sizes.sort()
    return (sizes[-1][0] + sum(private for _, private in sizes[:-1])) / 1024


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name, from ``state`` on; none when the process has ended."""
    try:
        text = (_PROC / f"{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()


def _status(path: Path, key: str) -> int:
    """The number behind ``key:`` in a file such as /proc/PID/status, 0 when it is not there."""
    try:
        lines = path.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key}:")), 0)
