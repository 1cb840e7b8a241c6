"""How one figure is taken: a server is started, loaded or left alone, and asked what it used.

Every measure takes a Trial, which holds the peer and the lengths of this run, and returns figures by name; the names
carry their units. Whatever a load has acknowledged is added to the Trial, and counted in the database afterwards.
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
"""What winlogd cannot do without: the floor of its start-up time and memory."""

_NUMBERS_APART: Final = 2_000_000
"""Between the first numbers of two loads on one database: no load is that long. Numbers have nine digits."""

_SETTLED_S: Final = 0.1
_SETTLE_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long a run takes its time.

    Attributes:
        load_s: of a measured load; `warm_s` of the load before it, which is not measured.
        idle_s: how long a server is watched doing nothing.
        morning_s: within which all workstations log on.
        workstations: how many log on in a morning.
        many_events: after how many events the memory is looked at.
    """

    load_s: float = 3.0
    warm_s: float = 0.5
    idle_s: float = 30.0
    morning_s: float = 3.0
    workstations: int = 2_000
    many_events: int = 1_000_000


@dataclass(slots=True)
class Trial:
    """One peer, one variant, one round."""

    peer: Peer
    setup: Setup
    database: Path
    lengths: Lengths
    acked: int = 0
    loads: int = 0

    @contextmanager
    def server(self) -> Iterator[Server]:
        """The peer, running."""
        with running(self.peer, self.setup, self.database) as server:
            yield server

    def first_number(self) -> int:
        """Where the next load's events begin."""
        self.loads += 1
        return (self.loads - 1) * _NUMBERS_APART

    def took(self, load: Load) -> Load:
        """Remembers what was acknowledged."""
        self.acked += load.acked
        return load


Measure = Callable[[Trial], Figures]
Loader = Callable[[Trial, Server, float], Load]


def _generator(module: str, *arguments: object) -> Load:
    """Runs one of our own generators on the load's core."""
    command = [sys.executable, "-m", f"bench.load.{module}", *map(str, arguments)]
    with cores.pinned_to(cores.LOAD):
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    return Load.from_json(done.stdout)


def keep_alive(connections: int) -> Loader:
    """wrk with so many kept connections, each of which sends its next event when the last is answered."""

    def load(trial: Trial, server: Server, seconds: float) -> Load:
        with cores.pinned_to(cores.LOAD):
            return wrk.run(server.port, connections, seconds, trial.first_number())

    return load


def connection_an_event(concurrency: int) -> Loader:
    """So many clients at once, each of which connects, sends one event, and closes after the answer."""
    return lambda trial, server, seconds: _generator("oneshot", server.port, concurrency, seconds, trial.first_number())


def planned(rate: int) -> Loader:
    """Open loop: `rate` events a second on kept connections."""
    return lambda trial, server, seconds: _generator(
        "openloop", server.port, "plain", rate, seconds, trial.first_number()
    )


def loaded(loader: Loader) -> Measure:
    """The rate, the times to an answer, and the processor time an event, under one kind of load."""

    def measure(trial: Trial) -> Figures:
        with trial.server() as server:
            if trial.lengths.warm_s:
                trial.took(loader(trial, server, trial.lengths.warm_s))
                _settle(server)
            before = server.usage()
            load = trial.took(loader(trial, server, trial.lengths.load_s))
            return _figures(load, server.usage().cpu_s - before.cpu_s)

    return measure


def _settle(server: Server) -> None:
    """Waits until the server has ended what the load before left under way, so that the next is not charged for it."""
    until = time.monotonic() + _SETTLE_PATIENCE_S
    before, now = -1.0, server.usage().cpu_s
    while now > before and time.monotonic() < until:
        time.sleep(_SETTLED_S)
        before, now = now, server.usage().cpu_s


def _figures(load: Load, cpu_s: float) -> Figures:
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
    """All workstations log on within a few seconds, then send their inventory; a connection each."""
    lengths = trial.lengths
    with trial.server() as server:
        before = server.usage()
        load = trial.took(
            _generator(
                "openloop", server.port, "morning", lengths.workstations, lengths.morning_s, trial.first_number()
            )
        )
        return {"workstations": lengths.workstations} | _figures(load, server.usage().cpu_s - before.cpu_s)


def with_reader(loader: Loader) -> Measure:
    """Like `loaded`, while another process lists the history all the time, on the load's core."""

    def measure(trial: Trial) -> Figures:
        with trial.server() as server:
            trial.took(loader(trial, server, trial.lengths.warm_s or 0.1))
            _settle(server)
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
    """From the start of the process to the first 200, and the bare import of the same interpreter just after it."""
    with trial.server() as server:
        started_s = server.started_s
    with cores.pinned_to(cores.SERVER):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", NEEDED_MODULES], check=True)
        import_s = time.perf_counter() - begun
    return {"start_ms": started_s * 1e3, "import_ms": import_s * 1e3, "of_import": started_s / import_s}


def idle_memory(trial: Trial) -> Figures:
    """What a server holds that has answered nothing but /health, and what the bare import holds."""
    with trial.server() as server:
        time.sleep(0.5)  # what it does after it began to listen
        held = server.resident_mib()
    code = f"{NEEDED_MODULES}; print(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"
    with cores.pinned_to(cores.SERVER):
        said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    import_mib = json.loads(said) / 1024
    return {"rss_mib": held, "import_mib": import_mib, "of_import": held / import_mib}


def memory_after_many(trial: Trial) -> Figures:
    """What a server holds after very many events, a second after the last."""
    load = keep_alive(64)
    with trial.server() as server:
        while trial.acked < trial.lengths.many_events:
            took = trial.took(load(trial, server, 5.0))
            if not took.acked:
                raise RuntimeError("nothing was answered for 5 s")
        time.sleep(1)
        return {"rss_mib": server.resident_mib(), "events": trial.acked}


def idle_cpu(trial: Trial) -> Figures:
    """What a server does while nobody is connected."""
    seconds = trial.lengths.idle_s
    with trial.server() as server:
        time.sleep(1)  # what it does after it began to listen
        before = server.usage()
        time.sleep(seconds)
        after = server.usage()
    return {
        "switches_s": (after.switches - before.switches) / seconds,
        "cpu_ms_min": (after.cpu_s - before.cpu_s) / seconds * 60e3,
    }
