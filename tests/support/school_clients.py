"""The clients of a simulated school, and the network between them and the server.

A client sends each event once, and up to three times more while the server is down. What the server receives is in
`Clients.sent`. This file must not know lessons.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from tests.support.school_building import Machine
from winlogd.sessions.session import US

LONGEST_DELAY_US: Final = 3 * US
"""The longest time between the sending of an event and its receipt."""
_RETRIES: Final = 3
_RETRY_AFTER_US: Final = 1 * US
LONGEST_WAY_US: Final = _RETRIES * _RETRY_AFTER_US + LONGEST_DELAY_US
"""The longest time between an event and its first receipt: all retries, and the longest delay."""
_OTHER_SPELLINGS: Final = 0.03
"""How often a name is sent in another letter case."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """A span of time, in microseconds since 1970."""

    begins_us: int
    ends_us: int

    def has(self, moment_us: int) -> bool:
        """Return True if the span holds an instant."""
        return self.begins_us <= moment_us < self.ends_us


class Sent(NamedTuple):
    """An event as the server receives it.

    Attributes:
        received_us: the true instant of receipt, in microseconds since 1970.
        username: the user, in any letter case.
        action: C, D or M.
        timestamp: the machine's clock, RFC 3339 with nine digits.
        hostname: the machine, in any letter case.
        source_ip: the machine's address.
        os_name: the operating system.
        os_version: its version.
        kernel_version: the version of its kernel.
        hardware_info: the inventory with an M; otherwise None.
        is_repeated: True if the client has sent this very event before.
    """

    received_us: int
    username: str
    action: str
    timestamp: str
    hostname: str
    source_ip: str
    os_name: str
    os_version: str
    kernel_version: str
    hardware_info: dict[str, Any] | None
    is_repeated: bool

    @property
    def body(self) -> bytes:
        """Return the body of the client's request."""
        system = {"os_name": self.os_name, "os_version": self.os_version, "kernel_version": self.kernel_version}
        return orjson.dumps(
            {
                "username": self.username,
                "action": self.action,
                "timestamp": self.timestamp,
                "hostname": self.hostname,
                "os_info": {"username": self.username, "hostname": self.hostname, **system},
                "hardware_info": self.hardware_info,
            }
        )


class Clients:
    """All clients of the school.

    Args:
        rng: draws delays, duplicates and spellings.
        outages: the spans in which the server is down.
        duplicates: the share of events that a client sends again although the server has received them.

    Attributes:
        sent: what the server receives, in no order.
    """

    def __init__(self, rng: Random, outages: list[Span], duplicates: float) -> None:
        self._rng = rng
        self._outages = outages
        self._duplicates = duplicates
        self.sent: list[Sent] = []

    def send(self, machine: Machine, username: str, action: str, moment_us: int) -> tuple[Sent, int | None]:
        """Send an event at a true instant.

        Returns:
            The event, and when it was received; None if it is lost.
        """
        rng = self._rng
        machine_us = moment_us + machine.clock_us
        timestamp = f"{timestamp_text(machine_us)}{rng.randrange(1000):03d}+00:00"
        hardware = _hardware(rng, machine) if action == "M" else None
        names = self._spelled(username), action, timestamp, self._spelled(machine.hostname)
        event = Sent(0, *names, machine.address, *machine.system, hardware, False)
        for attempt in range(_RETRIES + 1):
            received_us = moment_us + attempt * _RETRY_AFTER_US + int(rng.random() ** 4 * LONGEST_DELAY_US)
            if self._arrives(event._replace(received_us=received_us)):
                if rng.random() < self._duplicates:
                    again_us = received_us + rng.randrange(US, 3 * US)
                    self._arrives(event._replace(received_us=again_us, is_repeated=True))
                return event, received_us
        return event, None

    def _arrives(self, event: Sent) -> bool:
        if any(outage.has(event.received_us) for outage in self._outages):
            return False
        self.sent.append(event)
        return True

    def _spelled(self, name: str) -> str:
        if self._rng.random() >= _OTHER_SPELLINGS:
            return name
        return self._rng.choice((name.upper(), name.lower(), name.title()))


def timestamp_text(moment_us: int) -> str:
    """Return ``YYYY-MM-DDTHH:MM:SS.ffffff`` in UTC."""
    return (_EPOCH + timedelta(microseconds=moment_us)).isoformat(timespec="microseconds")[:26]


def _hardware(rng: Random, machine: Machine) -> dict[str, Any]:
    memory = 16 << 30
    return {
        "cpu_count": 8,
        "cpu_brand": f"Intel(R) Core(TM) i5 of {machine.room or 'the cellar'}",
        "cpu_frequency": 2900,
        "memory_total": memory,
        "memory_used": rng.randrange(memory // 8, memory),
    }
