"""Workstations that log on and off, and repeat unanswered events, as the real clients do.

Each sends one event a connection, and reads only the status. After a reset, a time-out or any status but 2xx it sends
the same octets again, up to three times, with a pause between. Knows HTTP and time; the ledger checks the events.
"""

import asyncio
import json
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from tests.chaos.ledger import Ledger, Sent

RETRIES: Final = 3
_TIMEOUT_S: Final = 10.0
_READ_BYTES: Final = 65536


class Workstation:
    """One workstation at which one user comes and goes.

    Args:
        number: makes the names.
        port: of the server.
        ledger: gets a note of every event and answer.
        pause_s: between two tries; the real clients wait a second.
    """

    def __init__(self, number: int, port: int, ledger: Ledger, pause_s: float) -> None:
        self._name = f"user{number:03d}"
        self._host = f"PC-{number:03d}"
        self._port = port
        self._ledger = ledger
        self._pause_s = pause_s
        self._chance = random.Random(number)

    async def live(self, until_s: float) -> None:
        """Log on and off until `until_s` on the monotonic clock."""
        while time.monotonic() < until_s:
            for action in ("C", "M", "D") if self._chance.random() < 0.2 else ("C", "D"):
                await self._send(action)
                await asyncio.sleep(self._chance.random() * 0.02)

    async def _send(self, action: str) -> None:
        timestamp = datetime.now(UTC).isoformat(timespec="microseconds")
        sent = Sent(self._name, self._host, action, timestamp)
        self._ledger.sends(sent)
        for attempt in range(1 + RETRIES):
            if attempt:
                self._ledger.retried += 1
                await asyncio.sleep(self._pause_s)
            answer = None
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                async with asyncio.timeout(_TIMEOUT_S):
                    answer = await self._exchange(sent)
            if answer is not None:
                self._ledger.acknowledges(sent, answer["session_uuid"])
                return
        self._ledger.gives_up(sent)

    async def _exchange(self, sent: Sent) -> dict[str, Any] | None:
        """Return the JSON of a 200; None for any other answer, or an incomplete one."""
        event = {
            "username": sent.username,
            "action": sent.action,
            "timestamp": sent.timestamp,
            "hostname": sent.hostname,
            "os_info": {"os_name": "Windows", "os_version": "11", "kernel_version": "26100"},
            "hardware_info": {"cpu_count": 8} if sent.action == "M" else None,
        }
        body = json.dumps(event).encode()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionRefusedError:
            self._ledger.refused += 1
            raise
        try:
            writer.write(
                b"POST /api/v1/events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                b"User-Agent: Winlog/0.1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answer = await reader.readexactly(length)
            return json.loads(answer) if head.startswith(b"HTTP/1.1 200 ") else None
        finally:
            writer.transport.abort()
