"""The long form of the fault tests: ``python -m tests.chaos --minutes 10``.

Prints a ledger for each round of twenty kills, for each of the power cuts that follow it, and for a siege by hostile
clients; ends with status 1 as soon as a promise was broken. A time is no promise: a busy machine makes all wait.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import hostile, power_cut, process_death
from tests.chaos.ledger import Account
from tests.chaos.recorded_run import Plan
from tests.running import Winlogd, a_steady_port, running


def main() -> int:
    """Runs rounds until the time is up; returns the exit status."""
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
            server = Winlogd(Path(folder), '[rotation]\nat = ""\n', port=a_steady_port())
            account = asyncio.run(_round(server, process_death.Plan(chosen.kills, seed=seed)))
        print(f"process death, {chosen.kills} kills, seed {seed}: {account}", flush=True)
        if not (account.is_clean and _cut_the_power(seed)):
            return 1
        siege = _siege(chosen.siege_seconds)
        bar = "under" if siege.p99_s * 1000 < hostile.P99_BAR_MS else "NOT under"
        print(f"hostile clients, {chosen.siege_seconds} s, P99 {bar} {hostile.P99_BAR_MS} ms: {siege}", flush=True)
        if not siege.account.is_clean or siege.refused:
            return 1
        seed += 1
        if time.monotonic() >= until_s:
            return 0


def _cut_the_power(seed: int) -> bool:
    """Cuts it at every write of a run in each mode; whether every promise was kept."""
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


async def _round(server: Winlogd, plan: process_death.Plan) -> Account:
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


if __name__ == "__main__":
    sys.exit(main())
