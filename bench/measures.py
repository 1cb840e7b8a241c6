"""Take figures: start a server, load it or leave it alone, and read what it has used.

Every measure takes a Trial, which holds the peer and the lengths of this run. It returns figures by name, and the names
have the units. The Trial counts the acknowledged events of every load. Afterwards they are counted in the database.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import cores
from bench.load import wrk
from bench.load.result import Load
from bench.registry import REPOSITORY, Peer
from bench.server import Server, Setup, running

Figures = dict[str, float]

NEEDED_MODULES: Final = "import uvloop, orjson, apsw, tomllib"
"""Import the packages that winlogd needs: their import is the least time and memory that winlogd can take."""

_NUMBERS_APART: Final = 2_000_000
"""The first numbers of two loads on one database are this far apart: no load has more events. A number has 9 digits."""

_SETTLED_S: Final = 0.1
"""A server that uses no processor time for this long has nothing left to do."""

_SETTLE_PATIENCE_S: Final = 10.0
"""Wait at most this long for a server to have nothing left to do."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths of the parts of a run.

    Attributes:
        load_s: seconds of a measured load.
        warm_s: seconds of the load before it, which is not measured.
        idle_s: seconds in which an idle server is observed.
        morning_s: seconds in which all workstations log on.
        workstations: the number of workstations that log on in a morning.
        many_events: the number of events after which the memory is measured.
        past_rows: the rows of the archive that questions are asked about.
        past_today_rows: the rows of the day that is not over.
    """

    load_s: float = 3.0
    warm_s: float = 0.5
    idle_s: float = 30.0
    morning_s: float = 3.0
    workstations: int = 2_000
    many_events: int = 1_000_000
    past_rows: int = 5_000_000
    past_today_rows: int = 100_000


@dataclass(slots=True)
class Trial:
    """One peer in one variant and one round.

    Attributes:
        peer: the peer.
        setup: how the peer runs.
        database: the path of its database.
        lengths: the lengths of this run.
        acked: events that were answered 200 so far.
        loads: loads that were started so far.
    """

    peer: Peer
    setup: Setup
    database: Path
    lengths: Lengths
    acked: int = 0
    loads: int = 0

    @contextmanager
    def server(self) -> Iterator[Server]:
        """Run the peer until the end of the block."""
        with running(self.peer, self.setup, self.database) as server:
            yield server

    def first_number(self) -> int:
        """Return the number of the next load's first event."""
        self.loads += 1
        return (self.loads - 1) * _NUMBERS_APART

    def took(self, load: Load) -> Load:
        """Count the acknowledged events of `load`. Return `load`."""
        self.acked += load.acked
        return load


Measure = Callable[[Trial], Figures]
Loader = Callable[[Trial, Server, float], Load]


def generator(module: str, *arguments: object) -> list[Load]:
    """Run one of our own generators on the load's core. Return its results, a line each."""
    command = [sys.executable, "-m", f"bench.load.{module}", *map(str, arguments)]
    with cores.pinned_to(cores.LOAD):
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    return [Load.from_json(line) for line in done.stdout.splitlines()]


def keep_alive(connections: int) -> Loader:
    """Return a closed loop by wrk: each kept connection sends its next event when the last one is answered."""

    def load(trial: Trial, server: Server, seconds: float) -> Load:
        with cores.pinned_to(cores.LOAD):
            return wrk.run(server.port, connections, seconds, trial.first_number())

    return load


def connection_an_event(concurrency: int) -> Loader:
    """Return a closed loop of `concurrency` clients. Each connects, sends one event, and closes after the answer."""
    return lambda trial, server, seconds: generator("oneshot", server.port, concurrency, seconds, trial.first_number())[
        0
    ]


def planned(rate: int) -> Loader:
    """Return an open loop: `rate` events a second on kept connections."""
    return lambda trial, server, seconds: generator(
        "openloop", server.port, "plain", rate, seconds, trial.first_number()
    )[0]


def loaded(loader: Loader) -> Measure:
    """Return a measure of the rate, the times to an answer, and the processor time per event, under a load."""

    def measure(trial: Trial) -> Figures:
        with trial.server() as server:
            if trial.lengths.warm_s:
                trial.took(loader(trial, server, trial.lengths.warm_s))
                settle(server)
            before = server.usage()
            load = trial.took(loader(trial, server, trial.lengths.load_s))
            return _figures(load, server.usage().cpu_s - before.cpu_s)

    return measure


def settle(server: Server) -> None:
    """Wait until the server has finished the work of the last load. Else the next load would include that work."""
    until = time.monotonic() + _SETTLE_PATIENCE_S
    before, now = -1.0, server.usage().cpu_s
    while now > before and time.monotonic() < until:
        time.sleep(_SETTLED_S)
        before, now = now, server.usage().cpu_s


def _figures(load: Load, cpu_s: float) -> Figures:
    """Return the figures of a load during which the server used `cpu_s` seconds of processor time."""
    figures: Figures = {
        "events_s": load.acked / load.seconds,
        "p50_ms": load.p50_ms,
        "p99_ms": load.p99_ms,
        "max_ms": load.max_ms,
        "cpu_us": cpu_s / max(load.acked, 1) * 1e6,
        "busy": cpu_s / load.seconds * 100,
        "refused": load.refused,
        "failed": load.failed,
    }
    return figures | {"late_ms": load.late_ms} if load.late_ms else figures


def morning(trial: Trial) -> Figures:
    """Measure a morning: all workstations send logons, then inventories. Each event has its own connection."""
    lengths = trial.lengths
    with trial.server() as server:
        before = server.usage()
        load = trial.took(
            generator(
                "openloop", server.port, "morning", lengths.workstations, lengths.morning_s, trial.first_number()
            )[0]
        )
        return {"workstations": lengths.workstations} | _figures(load, server.usage().cpu_s - before.cpu_s)


def with_reader(loader: Loader) -> Measure:
    """Return a measure like `loaded`, while another process on the load's core lists the history all the time."""

    def measure(trial: Trial) -> Figures:
        with trial.server() as server:
            trial.took(loader(trial, server, trial.lengths.warm_s or 0.1))
            settle(server)
            command = [sys.executable, "-m", "bench.load.reader", str(trial.database)]
            with cores.pinned_to(cores.LOAD):
                reader = subprocess.Popen(command, cwd=REPOSITORY)
            try:
                before = server.usage()
                load = trial.took(loader(trial, server, trial.lengths.load_s))
                figures = _figures(load, server.usage().cpu_s - before.cpu_s)
                if reader.poll() is not None:
                    raise RuntimeError(f"the reader ended with status {reader.returncode}")
                return figures
            finally:
                reader.terminate()
                reader.wait()

    return measure


def start_up(trial: Trial) -> Figures:
    """Measure the time from the start of the process to the first 200, and then the time of a bare import."""
    with trial.server() as server:
        started_s = server.started_s
    with cores.pinned_to(cores.SERVER):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", NEEDED_MODULES], check=True)
        import_s = time.perf_counter() - begun
    return {"start_ms": started_s * 1e3, "import_ms": import_s * 1e3, "of_import": started_s / import_s}


def idle_memory(trial: Trial) -> Figures:
    """Measure the memory of a server that has answered only /health, and the memory of a bare import."""
    with trial.server() as server:
        time.sleep(0.5)  # the server may finish its start after it listens
        held = server.resident_mib()
    code = f"{NEEDED_MODULES}; print(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"
    with cores.pinned_to(cores.SERVER):
        said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    import_mib = json.loads(said) / 1024
    return {"rss_mib": held, "import_mib": import_mib, "of_import": held / import_mib}


def memory_after_many(trial: Trial) -> Figures:
    """Measure the memory of a server after very many events, a second after the last one."""
    load = keep_alive(64)
    with trial.server() as server:
        while trial.acked < trial.lengths.many_events:
            took = trial.took(load(trial, server, 5.0))
            if not took.acked:
                raise RuntimeError("nothing was answered for 5 s")
        time.sleep(1)
        return {"rss_mib": server.resident_mib(), "events": trial.acked}


def idle_cpu(trial: Trial) -> Figures:
    """Measure the context switches and the processor time of a server while nobody is connected."""
    seconds = trial.lengths.idle_s
    with trial.server() as server:
        time.sleep(1)  # the server may finish its start after it listens
        before = server.usage()
        time.sleep(seconds)
        after = server.usage()
    return {
        "switches_s": (after.switches - before.switches) / seconds,
        "cpu_ms_min": (after.cpu_s - before.cpu_s) / seconds * 60e3,
    }
