"""Questions to real files: a site, events by hand, and a reader that needs no thread."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final

import apsw

from tests.support.school_building import DAY_US
from tests.support.school_clients import Sent, timestamp_text
from tests.support.school_rows import ClockedServer
from tests.support.school_truth import HOUR_US
from winlogd.events.patterns import Pattern
from winlogd.sessions.doubts import Rules
from winlogd.sessions.host_template import HostTemplate
from winlogd.sessions.places import Place
from winlogd.sessions.rooms import Rooms
from winlogd.store.file.settings import Settings
from winlogd.store.read.access import Access
from winlogd.store.read.filters import Site
from winlogd.store.read.limits import Limits

MONDAY_US: Final = int(datetime(2026, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000
"""Midnight at the begin of a Monday, UTC."""
RULES: Final = Rules(14 * HOUR_US, 24 * HOUR_US, (Pattern("TS-*"),))


def at(day: int, hour: float) -> int:
    """Return a time of a day after that Monday, in microseconds since 1970."""
    return MONDAY_US + day * DAY_US + round(hour * HOUR_US)


def a_site(places: Sequence[Place] = (), zone: tzinfo = UTC, **rooms: Any) -> Site:  # noqa: ANN401  # of Rooms
    """Return a site whose machines' names begin with their room."""
    return Site(Rooms({}, HostTemplate("{room}-*"), places, **rooms), RULES, zone)


def sent(
    received_us: int,
    username: str,
    action: str,
    hostname: str = "A102-07",
    *,
    by_clock_us: int | None = None,
    ip: str = "10.1.0.7",
    hardware: dict[str, Any] | None = None,
) -> Sent:
    """Return an event. By the workstation's clock it is of the same moment, unless a test says otherwise."""
    timestamp = f"{timestamp_text(received_us if by_clock_us is None else by_clock_us)}000+00:00"
    return Sent(received_us, username, action, timestamp, hostname, ip, "Windows", "11", "26100", hardware, False)


def stay(begin_us: int, end_us: int, username: str, hostname: str = "A102-07") -> list[Sent]:
    """Return a logon and its logoff."""
    return [sent(begin_us, username, "C", hostname), sent(end_us, username, "D", hostname)]


def receive(server: ClockedServer, *events: Sent) -> None:
    """Let a server receive events in the order of their receipt, each in a transaction of its own."""
    for event in sorted(events, key=lambda each: each.received_us):
        server.receive([event])


@contextmanager
def reading(path: Path, is_hasty: bool = False) -> Iterator[Access]:
    """Open a database for reading.

    Args:
        path: the database.
        is_hasty: take a new snapshot whenever a question can.
    """
    access = Access(Settings(str(path), "WAL", "OFF", 30_000, 10_000), Limits(), lambda: False)
    access.begin_question()
    if is_hasty:
        access.is_piece_over = lambda: True  # type: ignore[method-assign]
    try:
        yield access
    finally:
        access.close()


def rows(path: Path, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
    """Return the rows of a query, by a connection of its own."""
    connection = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


@contextmanager
def interrupted(access: Access, between: Callable[[], None]) -> Iterator[None]:
    """Take a new snapshot whenever a question can, and do something before each but the first."""
    snapshot, count = access.snapshot, 0

    @contextmanager
    def disturbed() -> Iterator[apsw.Connection]:
        nonlocal count
        count += 1
        if count > 1:
            between()
        with snapshot() as connection:
            yield connection

    access.snapshot = disturbed  # type: ignore[method-assign]
    access.is_piece_over = lambda: True  # type: ignore[method-assign]
    try:
        yield
    finally:
        del access.snapshot, access.is_piece_over
