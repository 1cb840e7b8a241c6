"""The long form of the fault tests: ``python -m tests.chaos --minutes 10``.

Each round has twenty kills, power cuts and a siege by hostile clients. It has days played against a naive model, a
rotation under load, and a short soak. Each of these prints its ledger. The tests of faults and of request smuggling
follow. The run ends with status 1 as soon as a promise was broken. Times are no promise: a busy machine makes all
clients wait.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import hostile, loaded_rotation, played_days, power_cut, process_death, soak
from tests.chaos.recorded_run import Plan
from tests.support.paths import ROOT
from tests.support.running import Winlogd, a_steady_port, running


def main() -> int:
    """Run rounds until the time is up. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos", description="Breaks winlogd on purpose, and counts.")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to go on, default 1")
    parser.add_argument("--kills", type=int, default=20, help="in each round, default 20")
    parser.add_argument("--siege-seconds", type=float, default=20, help="of hostile clients in each round, default 20")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first round's instants")
    chosen = parser.parse_args()
    until_s = time.monotonic() + chosen.minutes * 60
    seed = chosen.seed
    while True:
        with tempfile.TemporaryDirectory(prefix="winlogd-chaos-") as folder:
            server = Winlogd(Path(folder), process_death.SETTINGS, port=a_steady_port())
            death = asyncio.run(_round(server, process_death.Plan(chosen.kills, seed=seed)))
        print(f"process death, {chosen.kills} kills, seed {seed}: {death}", flush=True)
        if not (death.is_clean and _cut_the_power(seed)):
            return 1
        siege = _siege(chosen.siege_seconds)
        bar = "under" if siege.p99_s * 1000 < hostile.P99_BAR_MS else "NOT under"
        print(f"hostile clients, {chosen.siege_seconds} s, P99 {bar} {hostile.P99_BAR_MS} ms: {siege}", flush=True)
        if not (
            siege.is_clean
            and played_days.play_and_tell(seed)
            and _rotate_under_load()
            and _soak()
            and _faults_and_smuggling()
        ):
            return 1
        seed += 1
        if time.monotonic() >= until_s:
            return 0


def _cut_the_power(seed: int) -> bool:
    """Cut the power at every write of a run, in each mode. Return True if every promise was kept."""
    for plan in power_cut.long_plans(seed):
        with tempfile.TemporaryDirectory(prefix="winlogd-chaos-") as folder:
            account = power_cut.cut_in(Path(folder), plan)
        failing = f", {len(plan.failing_syncs)} syncs fail" if plan.failing_syncs else ""
        print(f"power cut, {plan.journal_mode} {plan.synchronous}{failing}, seed {seed}: {account}", flush=True)
        if not account.keeps_what_is_promised(plan):
            return False
    for journal_mode in ("WAL", "DELETE", "TRUNCATE", "PERSIST"):
        with tempfile.TemporaryDirectory(prefix="winlogd-chaos-") as folder:
            account = power_cut.kill_in(Path(folder), Plan(journal_mode, events=9, seed=seed))
        print(f"kill and power cut, {journal_mode} FULL, seed {seed}: {account}", flush=True)
        if not account.is_clean:
            return False
    return True


async def _round(server: Winlogd, plan: process_death.Plan) -> process_death.Outcome:
    server.start()
    try:
        return await process_death.run(server, plan)
    finally:
        if server.process.poll() is None:
            server.kill()


def _siege(seconds: float) -> hostile.Siege:
    settings = f"[server]\nmax_connections = {hostile.MAX_CONNECTIONS}\n"
    with tempfile.TemporaryDirectory(prefix="winlogd-chaos-") as folder, running(Path(folder), settings) as server:
        return asyncio.run(hostile.run(server, hostile.Plan("long", seconds)))


def _rotate_under_load() -> bool:
    """Return True if each row and each event is there exactly once."""
    with tempfile.TemporaryDirectory(prefix="winlogd-chaos-") as folder:
        outcome = asyncio.run(loaded_rotation.run(Path(folder), rows=20_000, rate=500, load_s=2))
    print(f"rotation under load: {outcome}", flush=True)
    return outcome.is_clean


def _soak() -> bool:
    """Return True if each event is there exactly once. Only a soak of an hour shows what grows."""
    with tempfile.TemporaryDirectory(prefix="winlogd-chaos-") as folder:
        outcome = asyncio.run(soak.run(Path(folder), seconds=15, rate=1000, rotates_every_s=3))
    print(f"{outcome} (growth is judged in an hour of it, not here)", flush=True)
    return outcome.is_whole


def _faults_and_smuggling() -> bool:
    tests = [str(Path(__file__).with_name(name)) for name in ("test_faults.py", "test_smuggling.py")]
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-m", "long or not long", *tests]
    environ = {**os.environ, "HYPOTHESIS_PROFILE": "random"}
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
