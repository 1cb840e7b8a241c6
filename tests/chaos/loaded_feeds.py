"""Live feeds through nginx while events come: ``python -m tests.chaos.loaded_feeds --feeds 200 --seconds 60``.

nginx runs with the recipe of docs/configure.md. One of the feeds is never read. Prints the clients' waits without feeds
and beside them. Ends with status 1 if an event was not acknowledged or is not there exactly once, if the feed that is
never read was not dropped, or if another one has ended. Times have no limit here.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.beside_feeds import list_of_machines
from bench.load.result import Load
from tests.chaos.loaded_rotation import Loads
from tests.docs.proxies import PROXY_ADDRESS, foreground, free_port, nginx
from tests.support.paths import ROOT
from tests.support.readers import add_reader, bearer
from tests.support.running import Winlogd
from tests.support.scraping import scrape

_SETTINGS: Final = '[security]\nplain_login = true\n[rooms]\nrooms_file = "rooms.csv"\n'
_OF_ONE: Final = 10
"""A reader may have so many feeds."""
_BROKEN: Final = "upstream prematurely closed"
"""What nginx says of a feed that winlogd has dropped."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run.

    Attributes:
        without: the load without feeds.
        beside: the load beside them.
        feeds: how many there were.
        left: how many were open after the load.
        ended: how many of those that were read have ended.
        changes: how many changes came to all of them.
        stored: how many events are in the database.
        before_mib, after_mib: the server's memory.
    """

    without: Load
    beside: Load
    feeds: int
    left: int
    ended: int
    changes: int
    stored: int
    before_mib: float
    after_mib: float

    @property
    def is_clean(self) -> bool:
        """Return True if each event was acknowledged and is there, and only the feed that nobody reads was dropped."""
        loads = self.without, self.beside
        sent = sum(load.acked + load.refused + load.failed for load in loads)
        acked = sum(load.acked for load in loads)
        return 0 < sent == acked == self.stored and self.left == self.feeds - 1 and not self.ended

    def __str__(self) -> str:
        p99_ms, p99_without_ms = self.beside.p99_ms, self.without.p99_ms
        return (
            f"P99 beside {self.feeds} feeds {p99_ms:.1f} ms, without {p99_without_ms:.1f} ms"
            f" ({p99_ms / p99_without_ms:.2f} times); {self.changes} changes at a tenth of them;"
            f" feeds left {self.left}, ended {self.ended};"
            f" events acknowledged {self.without.acked + self.beside.acked}, stored {self.stored};"
            f" memory {self.before_mib:.0f} to {self.after_mib:.0f} MiB"
        )


async def run(folder: Path, feeds: int, rate: int, load_s: float) -> Outcome:
    """Send `rate` events a second for `load_s` seconds without feeds, and then beside `feeds` of them."""
    (folder / "rooms.csv").write_text(list_of_machines())
    server, port = Winlogd(folder, _SETTINGS).start(), free_port()
    try:
        server.wait_until_open()
        tokens = [add_reader(folder, f"reader {number}", "--scope", "all") for number in range(-(-feeds // _OF_ONE))]
        metrics = bearer(add_reader(folder, "prometheus", "--scope", "metrics"))

        def open_feeds() -> float:
            return scrape(server, metrics).samples["winlogd_feeds"]

        loads = Loads(server.port, rate, load_s)
        without, before_mib = await loads.next(), _memory_mib(server)
        with foreground(nginx(folder, server.port, port), folder, port, tolerated=_BROKEN):
            arguments = (str(port), str(feeds), PROXY_ADDRESS, *tokens)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.load.feeds", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
            )
            try:
                assert process.stdout is not None
                await process.stdout.readline()  # all are open
                beside, after_mib = await loads.next(), _memory_mib(server)
                left = int(open_feeds())
            finally:
                process.terminate()
                output, _ = await process.communicate()
        [row] = server.rows("SELECT count(*) AS stored FROM events_today WHERE origin = 'client'")
    finally:
        server.stop()
    came = json.loads(output)
    return Outcome(
        without, beside, feeds, left, came["ended"], came["events"], int(row["stored"]), before_mib, after_mib
    )


def _memory_mib(server: Winlogd) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> int:
    """Run once. Return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.chaos.loaded_feeds", description=__doc__)
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--rate", type=int, default=1_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each load")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(run(Path(folder), options.feeds, options.rate, options.seconds))
    print(outcome)
    return not outcome.is_clean


if __name__ == "__main__":
    sys.exit(main())
