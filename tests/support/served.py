"""A running server with a past of its own making, at a time of its own: for questions over HTTP."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tests.support.questions import at, sent, stay
from tests.support.running import Answer, Winlogd
from tests.support.school_clients import Sent
from tests.support.school_rows import store
from tests.support.standing import stand_still

NOW_US: Final = at(1, 10.25)
"""A Tuesday in January 2026, 10:15 UTC."""
SETTINGS: Final = """[server]
timezone = "UTC"
[rooms]
from_hostname = "{room}-*"
rooms_file = "rooms.csv"
[rooms.aliases]
"Old wing" = "B1"
[sessions]
multi_user = ["TS-*"]
[periods]
M2 = "09:00-10:00"
"""
ROOMS: Final = """hostname,room,state
A102-07,A102,
A102-08,A102,
A102-09,A102,
A102-10,A102,
A102-11,A102,out_of_order
B1-01,B1,
"""
_CLOCKED: Final = """
import sys, time
real, ahead_s = time.time, float(sys.argv.pop(1))
time.time = lambda: real() + ahead_s
from winlogd.cli import main
sys.exit(main())
"""
"""winlogd, with a clock that is ahead of the real one."""


def two_days() -> list[Sent]:
    """Return what the workstations of a small site sent on Monday, and on Tuesday until `NOW_US`."""
    before, after = {"cpu": "x", "disks": [{"size": 1}]}, {"cpu": "y", "disks": [{"size": 1}]}
    events = [
        sent(at(0, 7), "SYSTEM", "M", hardware=before),
        *stay(at(0, 8), at(0, 9.5), "alice"),
        sent(at(0, 8.5), "DOM\\bob", "C", "B1-01", ip="10.2.0.1"),  # open, and doubtful from 22:30 on
        sent(at(0, 11), "carol", "C", "A102-08", ip="10.1.0.8"),  # ends as `auto`
        *stay(at(0, 14), at(0, 15), "Carol", "a102-08."),
        sent(at(0, 16), "dave", "D", "A102-09"),  # an orphan
        sent(at(1, 7), "SYSTEM", "M", hardware=after),
        sent(at(1, 9), "alice", "C", by_clock_us=at(1, 8.5)),  # a clock that is half an hour behind
        sent(at(1, 10), "Éva", "C", "A102-08", ip="2001:db8::8"),
    ]
    return sorted(events, key=lambda each: each.received_us)


def get(server: Winlogd, path: str, *fields: str, **query: object) -> Answer:
    """Ask a question, with further header fields. A parameter that is a word of Python's ends with `_`: ``from_``."""
    text = urlencode({name.removesuffix("_"): value for name, value in query.items()})
    headers = dict(field.split(": ", 1) for field in fields)
    return server.request("GET", f"/api/v1/{path}{'?' if text else ''}{text}", headers=headers)


def found(server: Winlogd, path: str, **query: object) -> Any:  # noqa: ANN401
    """Ask a question, and return the JSON of the answer, which has to be 200."""
    answer = get(server, path, **query)
    assert answer.status == 200, answer.body
    return answer.json


def details(server: Winlogd, path: str, **query: object) -> dict[str, str]:
    """Ask a question that is wrong, and return what the answer says of each parameter."""
    answer = get(server, path, **query)
    assert (answer.status, answer.json["error"]) == (400, "Invalid parameters"), answer.body
    said: dict[str, str] = answer.json["details"]
    return said


@contextmanager
def served(
    folder: Path, events: Sequence[Sent], now_us: int = NOW_US, settings: str = SETTINGS, rooms: str = ROOMS
) -> Iterator[Winlogd]:
    """Run a server at a time of its own, which has received some events before, and has rotated each night at 01:00."""
    _make_site(folder, events, now_us, rooms)
    with clocked(folder, now_us, settings) as server:
        yield server


@contextmanager
def served_at(
    folder: Path, events: Sequence[Sent], now_us: int = NOW_US, settings: str = SETTINGS, rooms: str = ROOMS
) -> Iterator[Winlogd]:
    """Run such a server, whose clock stands still until `standing.go_on`."""
    _make_site(folder, events, now_us, rooms)
    server = Winlogd(folder, settings)
    stand_still(server, now_us)
    with _until_killed(server):
        yield server


@contextmanager
def clocked(folder: Path, now_us: int, settings: str = SETTINGS) -> Iterator[Winlogd]:
    """Run a server whose clock is at `now_us` when it starts."""
    server = Winlogd(folder, settings)
    server.command = (sys.executable, "-c", _CLOCKED, str(now_us / 1e6 - time.time()), "--config", "config.toml")
    with _until_killed(server):
        yield server


def _make_site(folder: Path, events: Sequence[Sent], now_us: int, rooms: str) -> None:
    (folder / "data").mkdir()
    store(folder / "data" / "winlog.db", events, until_us=now_us)
    (folder / "rooms.csv").write_text(rooms)


@contextmanager
def _until_killed(server: Winlogd) -> Iterator[None]:
    """Start a server and wait until its database is open. Kill it at the end of the block, if it still runs."""
    try:
        server.start()
        server.wait_until_open()
        yield
    finally:
        if server.process.poll() is None:
            server.kill()
