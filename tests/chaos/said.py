"""Read the events of workstations as SPEC §2.2 does: names folded, instants exact, timestamps as they are stored.

Written from the specification alone. It uses none of winlogd's own code, so that the two can disagree.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from functools import cache
from typing import Final

HARDWARE: Final = {"cpu_count": 8, "memory_total": 17_179_869_184}
_STAMP: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d:\d\d)(?P<fraction>\.\d+)?(?P<zone>[Zz]|[+-]\d\d:\d\d)?"
)


@dataclass(frozen=True, slots=True)
class Said:
    """An event as it is sent; `address` goes into ``X-Forwarded-For``, which loopback is trusted with."""

    username: str
    action: str
    timestamp: str
    hostname: str | None
    address: str = "192.0.2.1"
    os_version: str = "11"

    @property
    def body(self) -> bytes:
        """Return the request's body."""
        said = {"username": self.username, "action": self.action, "timestamp": self.timestamp}
        os_info = {"os_name": "Windows", "os_version": self.os_version, "kernel_version": None}
        hardware = HARDWARE if self.action == "M" else None
        return json.dumps(said | {"hostname": self.hostname, "os_info": os_info, "hardware_info": hardware}).encode()

    @property
    def columns(self) -> dict[str, object]:
        """Return the values of its row, without those that the server adds."""
        return {
            "username": self.username,
            "action": self.action,
            "timestamp": stored_stamp(self.timestamp),
            "hostname": self.hostname or None,
            "source_ip": self.address,
            "os_name": "Windows",
            "os_version": self.os_version,
            "kernel_version": None,
            "hardware_info": json.dumps(HARDWARE, separators=(",", ":")) if self.action == "M" else None,
            "origin": "client",
        }


@cache
def fold(name: str) -> str:
    """Fold a name: Unicode NFC, then casefold."""
    return unicodedata.normalize("NFC", name).casefold()


def fold_host(hostname: str | None) -> str:
    """Fold a host's name: its trailing dot does not count, and no name is ``unknown``."""
    return fold((hostname or "unknown").removesuffix("."))


def stored_stamp(timestamp: str) -> str:
    """Return the text that is stored: as it came, or rewritten to ``+00:00`` with all its fraction digits."""
    parts = _STAMP.fullmatch(timestamp)
    assert parts, timestamp
    if parts["zone"] in ("Z", "+00:00") and timestamp[10] == "T":
        return timestamp
    whole = datetime.fromisoformat(f"{parts['day']}T{parts['time']}").replace(tzinfo=_zone(parts["zone"]))
    return whole.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + (parts["fraction"] or "") + "+00:00"


@cache
def instant(stamp: object, zone: str | None = None) -> Fraction | None:
    """Return the seconds since 1970, exactly; None of what is no RFC 3339. `zone` is that of a stamp without one."""
    parts = _STAMP.fullmatch(stamp) if isinstance(stamp, str) else None
    if parts is None or (parts["zone"] or zone) is None:
        return None
    try:
        whole = datetime.fromisoformat(f"{parts['day']}T{parts['time']}")
    except ValueError:
        return None
    seconds = (whole.replace(tzinfo=_zone(parts["zone"] or zone)) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return Fraction(int(seconds)) + Fraction("0" + (parts["fraction"] or ".0"))


def received(server_timestamp: object) -> Fraction | None:
    """Return a row's instant of receipt; what SQLite's CURRENT_TIMESTAMP wrote has no zone and is UTC."""
    return instant(server_timestamp, "Z")


def _zone(zone: str | None) -> timezone:
    if zone is None or zone in "Zz":
        return UTC
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))
