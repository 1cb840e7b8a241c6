"""Make the parts of a server and join them as the configuration says.

This file knows every room's entrance, and which part gets which option. It must not know how a process starts, runs
and stops.
"""

import asyncio
import os
import resource
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.access.addresses import TrustedProxies
from winlogd.api.events import UNAVAILABLE, answer
from winlogd.config.sections import Config, Retention
from winlogd.daemon.entrance import Entrance, per_address
from winlogd.daemon.looking import Looking
from winlogd.daemon.observer import RequestObserver
from winlogd.daemon.settings import settings_of
from winlogd.http.exchange import Exchange
from winlogd.http.server import Server
from winlogd.log.log import Log
from winlogd.scheduled.clock import Day, Schedule, zone_of
from winlogd.scheduled.past import Past
from winlogd.scheduled.rotation import Rotator
from winlogd.store.file.marks import KEPT_DAYS, TAKEN_OVER, retained_s
from winlogd.store.read.readers import Readers
from winlogd.store.store import Owner, Store

if TYPE_CHECKING:  # loaded after the first rotation, or types only
    from winlogd.daemon.forgetting import Forgetting
    from winlogd.daemon.keeping import Keeping
    from winlogd.http.router import Endpoint

_RESERVED_DESCRIPTORS: Final = 192
"""Open files that are not counted as connections: the database's files, the listeners, connections over the limit."""


_LOOK_EVERY_S: Final = 3600.0
"""Look at the clock at least this often for a new day."""


class Parts(NamedTuple):
    """The parts of a server, joined and not started, and the configuration that they were made with."""

    store: Store[Exchange]
    readers: Readers
    looking: Looking
    server: Server
    rotator: Rotator
    past: Past
    entrance: Entrance
    keeping: "LateKeeping"
    days: "Days"
    begun_with: Config
    forgetting: "LateForgetting"


class LateKeeping:
    """Makes the part that deletes old events when it is needed: after a rotation, or if the default does not hold.

    Args:
        config: the configuration.
        make: makes it.
    """

    def __init__(self, config: Config, make: "Callable[[Config, Mapping[str, str]], Keeping]") -> None:
        self._config = config
        self._make = make
        self._marks: Mapping[str, str] = {}
        self._made: Keeping | None = None

    def made(self) -> "Keeping":
        """Return the part."""
        if self._made is None:
            self._made = self._make(self._config, self._marks)
        return self._made

    def deleted_s(self) -> float | None:
        """Return when the last daily deletion has ended, in seconds since 1970; None before the first."""
        return retained_s(self._marks) if self._made is None else self._made.retention.ended_s

    def opened(self, marks: Mapping[str, str]) -> None:
        """Take note that the database is open and has these marks."""
        self._marks = marks
        if self._config.retention.history_days != Retention().history_days or {TAKEN_OVER, KEPT_DAYS} & marks.keys():
            self.made().tell()

    def change(self, config: Config) -> None:
        """Take another configuration."""
        has_changed, self._config = config.retention != self._config.retention, config
        if self._made is not None or has_changed:
            self.made().change(config)


class Days:
    """Has each day of the site summed up when it has ended.

    A timer does not notice that the machine sleeps, or that somebody sets the clock. So the clock is looked at once an
    hour, too.

    Args:
        loop: the event loop.
        calendar: the moments at which days begin.
        sum_up: called with each day that has ended, and with the refused requests of that day.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, calendar: Schedule, sum_up: Callable[[Day, int], None]) -> None:
        self._loop = loop
        self._calendar = calendar
        self._sum_up = sum_up
        self._began_s = 0.0
        self._refused: Callable[[float], int]
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, refused: Callable[[float], int]) -> None:
        """Begin to look at the clock.

        Args:
            refused: returns how many requests were refused on the day before that of a time in seconds since 1970.
        """
        self._refused = refused
        self._began_s = self._calendar.midnight_s(time.time())
        self._look()

    def change(self, calendar: Schedule) -> None:
        """Let days begin at other moments."""
        self.stop()
        self._calendar = calendar
        self._began_s = calendar.midnight_s(time.time())
        self._look()

    def stop(self) -> None:
        """Look at the clock no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now_s = time.time()
        before_s, self._began_s = self._began_s, self._calendar.midnight_s(now_s)
        if self._began_s > before_s:
            self._sum_up(Day(before_s, self._calendar.following(before_s).at_s), self._refused(now_s))
        wait_s = min(self._calendar.following(now_s).at_s - now_s, _LOOK_EVERY_S)
        self._timer = self._loop.call_later(max(wait_s, 0.0) + 0.001, self._look)


class LateForgetting:
    """Makes the part that forgets people when it is needed: for an order, or if the readers' file may know of some.

    Args:
        database: the database's real path.
        make: makes it.
    """

    def __init__(self, database: str, make: "Callable[[], Forgetting]") -> None:
        self._database = database
        self._make = make
        self._made: Forgetting | None = None

    def made(self) -> "Forgetting":
        """Return the part."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def opened(self, marks: Mapping[str, str]) -> None:
        """Take note that the database is open and has these marks. Without a readers' file nobody was forgotten."""
        names = self._database, os.path.splitext(self._database)[0]  # `tables.access_path` adds the ending to one
        if any(os.path.lexists(f"{name}.access") for name in names):
            self.made().begin(marks)


class Times(NamedTuple):
    """When rotations are due.

    Attributes:
        rotation: the moments of the daily rotation; None if there is none.
        calendar: the moments at which days begin.
    """

    rotation: Schedule | None
    calendar: Schedule


def assemble(
    loop: asyncio.AbstractEventLoop,
    config: Config,
    log: Log,
    database_path: str,
    owner: Owner,
    observer: RequestObserver,
) -> Parts:
    """Make all parts. Return them joined and not started.

    Args:
        loop: the event loop that they run on.
        config: the configuration.
        log: gets the lines of all parts.
        database_path: the database's real path.
        owner: the store notifies it when the store is open, full or ended.
        observer: the server notifies it of refused and failed requests.
    """
    server, limits = config.server, config.limits
    settings = settings_of(config, database_path)
    store = Store(
        loop,
        settings,
        log,
        server.event_timeout,
        limits.queued_events,
        config.logging.names,
        answer,
        owner,
    )
    readers = Readers(loop, settings)
    looking = Looking(loop, database_path, log)

    def monitoring() -> "Mapping[str, Endpoint]":
        from winlogd.daemon.monitoring import endpoints

        return endpoints(
            loop, database_path, store, readers, entrance, http_server, observer, rotator, keeping.deleted_s
        )

    entrance = Entrance(loop, config, store, readers, looking, monitoring)
    router = entrance.router(config)
    past = Past(loop, store, log)

    def make_keeping(config: Config, marks: Mapping[str, str]) -> "Keeping":
        from winlogd.daemon.keeping import Keeping

        return Keeping(store, log, database_path, config, marks, past.look, looking.prune)

    def make_forgetting() -> "Forgetting":
        from winlogd.daemon.forgetting import Forgetting

        return Forgetting(loop, store, log, looking, past.look)

    keeping, forgetting = LateKeeping(config, make_keeping), LateForgetting(database_path, make_forgetting)

    def rotated() -> None:
        past.look()
        keeping.made().rotated()

    def sum_up(day: Day, refused: int) -> None:
        from winlogd.daemon.summary import sum_up

        sum_up(day, refused, entrance.site, database_path, readers.questions, log)

    times = times_of(config)
    rotator = Rotator(loop, store, log, *times, config.rotation.keep_open_hours, rotated)
    proxies = TrustedProxies(config.security.trusted_proxies)
    http_server = Server(
        loop,
        router,
        entrance.limits(config),
        _most_connections(server.max_connections, log),
        UNAVAILABLE,
        observer,
        per_address(config, proxies),
        proxies.trusts,
    )
    days = Days(loop, times.calendar, sum_up)
    return Parts(store, readers, looking, http_server, rotator, past, entrance, keeping, days, config, forgetting)


def prepare_sqlite() -> None:
    """Load SQLite and configure it for the whole process. The store calls this on the writer's thread."""
    from winlogd.store.file.database import configure_sqlite  # slow to load, while the server listens already

    configure_sqlite()


def times_of(config: Config) -> Times:
    """Return when rotations are due."""
    calendar = zone_of(config.server.timezone)
    at = config.rotation.at
    return Times(Schedule(at, calendar) if at else None, Schedule("00:00", calendar))


def _most_connections(wanted: int, log: Log) -> int:
    """Return how many connections are possible: `wanted`, or fewer if the limit on open files is too low.

    First raise that limit as far as the system allows. Log a warning if it is still too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _RESERVED_DESCRIPTORS
    if soft < needed:
        soft = min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    possible = max(soft - _RESERVED_DESCRIPTORS, 1)
    if possible < wanted:
        log.warn(
            "server", "fewer connections than configured: the limit on open files is too low",
            max_connections=wanted, possible=possible, open_files=soft,
        )  # fmt: skip
    return min(wanted, possible)
