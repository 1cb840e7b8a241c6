"""Send events of honest clients among hostile ones: balance the events, measure their waits and the server's memory."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.chaos.attackers import ATTACKS, HOSTILE_USER, Attack, idle
from tests.chaos.ledger import Account, Ledger, Sent
from tests.support.paths import ROOT
from tests.support.running import PATIENCE_S, Winlogd, wait_for

MAX_CONNECTIONS: Final = 12_000
"""The limit of the long form: more than the attackers hold, because a full server refuses further clients."""
P99_BAR_MS: Final = 50
"""99 of 100 events of an honest client should take at most this long, on an otherwise idle machine."""
MEMORY_BOUND_BYTES: Final = 256 << 20
"""The server's memory may be at most this in a siege whose events are all of one user."""
_MANY: Final = 100
"""The attackers have this many connections before the honest client's waits are measured."""
_PAUSE_S: Final = 0.005
_NEAR: Final = 8
"""The number of open files of the server that may vary by itself."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A siege.

    Attributes:
        scale: the number of attackers, a key of `tests.chaos.attackers.SCALES`.
        seconds: the least time that it lasts. It goes on until the attackers have made many connections.
        events: the honest client sends at least this many events, however long that takes.
    """

    scale: str
    seconds: float
    events: int = 100


@dataclass(frozen=True, slots=True)
class Siege:
    """The result of a siege.

    Attributes:
        account: of the honest client's events.
        refused: the number of its events that were not answered 200 at once.
        connections: the number that the attackers have made, by kind.
        waits_s: from before the connection to the whole answer, for each event.
        memory_bytes: of the server, resident: before, the most, and after.
        open_files: of the server: before and after.
    """

    account: Account
    refused: int
    connections: dict[str, int]
    waits_s: list[float]
    memory_bytes: tuple[int, int, int]
    open_files: tuple[int, int]

    @property
    def is_clean(self) -> bool:
        """Return True if every event was stored once and answered at once, and memory stayed within its bound.

        The result is False if there was no siege: attackers of some kind were missing.
        """
        _, most, _ = self.memory_bytes
        attacks: tuple[Attack, ...] = (idle, *ATTACKS)
        attacked = all(self.connections.get(attack.__name__) for attack in attacks)
        return self.account.is_clean and not self.refused and most < MEMORY_BOUND_BYTES and attacked

    @property
    def p99_s(self) -> float:
        """The longest wait of the fastest 99 of 100 events."""
        return statistics.quantiles(self.waits_s, n=100)[98]

    def __str__(self) -> str:
        before, most, after = (octets / (1 << 20) for octets in self.memory_bytes)
        return (
            f"{self.account}, refused {self.refused}, attackers' connections {sum(self.connections.values())}, idle "
            f"{self.connections.get('idle', 0)}, "
            f"P99 {self.p99_s * 1000:.1f} ms, longest {max(self.waits_s) * 1000:.1f} ms, "
            f"memory {before:.0f} MiB before, {most:.0f} MiB at most, {after:.0f} MiB after"
        )


async def run(server: Winlogd, plan: Plan) -> Siege:
    """Play `plan` on a running server with an empty database. Stop the server at the end."""
    ledger = Ledger()
    honest = _Honest(server.port, ledger)
    await honest.send()  # so that the costs of a first event are paid before
    honest.waits_s.clear()
    memory, open_files = _memory_bytes(server, "VmRSS"), _open_files(server)
    until_s = time.monotonic() + plan.seconds
    with _attackers(server.port, plan.scale) as attackers:
        await asyncio.to_thread(wait_for, lambda: _open_files(server) > open_files + _MANY, "attackers")
        assert attackers.stdout is not None
        many = asyncio.create_task(asyncio.to_thread(attackers.stdout.readline))
        while time.monotonic() < until_s or len(honest.waits_s) < plan.events or not many.done():
            await honest.send()
            await asyncio.sleep(_PAUSE_S)
        assert await many == "many\n", "the attackers have ended by themselves"
        output, _ = await asyncio.to_thread(attackers.communicate)
    await asyncio.to_thread(wait_for, lambda: _open_files(server) <= open_files + _NEAR, "the attackers' end")
    await honest.send()
    after = _memory_bytes(server, "VmRSS"), _open_files(server)
    most = _memory_bytes(server, "VmHWM")
    assert await asyncio.to_thread(server.stop) == 0
    server.execute("DELETE FROM events_today WHERE username = ?", HOSTILE_USER)  # the ledger knows only honest clients
    return Siege(
        account=ledger.balance(server.database),
        refused=honest.refused,
        connections=json.loads(output),
        waits_s=honest.waits_s,
        memory_bytes=(memory, most, after[0]),
        open_files=(open_files, after[1]),
    )


class _Honest:
    """Send one event after the other, each once and on a connection of its own, as a workstation does."""

    def __init__(self, port: int, ledger: Ledger) -> None:
        self.waits_s: list[float] = []
        self.refused = 0
        self._port = port
        self._ledger = ledger

    async def send(self) -> None:
        """Send an event and read the answer."""
        sent = Sent("honest", "A102-07", "M", datetime.now(UTC).isoformat(timespec="microseconds"))
        self._ledger.sends(sent)
        body = json.dumps(sent._asdict()).encode()
        head = (
            "POST /api/v1/events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            f"User-Agent: Winlog/0.1.0\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        began_s = time.perf_counter()
        answer = b""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                with _closing(writer):
                    writer.write(head.encode() + body)
                    answer = await reader.read(-1)
        self.waits_s.append(time.perf_counter() - began_s)
        if answer.startswith(b"HTTP/1.1 200 "):
            self._ledger.acknowledges(sent, json.loads(answer.partition(b"\r\n\r\n")[2])["session_uuid"])
        else:
            self.refused += 1
            self._ledger.gives_up(sent)


@contextmanager
def _closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    finally:
        writer.transport.abort()


@contextmanager
def _attackers(port: int, scale: str) -> Iterator[subprocess.Popen[str]]:
    """Start the attackers' process, which ends with its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.attackers", str(port), scale],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _memory_bytes(server: Winlogd, which: str) -> int:
    """Return VmRSS or VmHWM (the highest VmRSS so far) of proc(5), in octets."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith(which + ":")]
    return int(line.split()[1]) * 1024


def _open_files(server: Winlogd) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))
