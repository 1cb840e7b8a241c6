"""Make the parts of a server and join them as the configuration says.

This file knows every room's entrance, and which part gets which option. It must not know how a process starts, runs
and stops.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.access.addresses import TrustedProxies
from winlogd.api.events import UNAVAILABLE, answer
from winlogd.config.sections import Config, Retention
from winlogd.daemon.days import Days
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
from winlogd.store.file.marks import FORGETTING_IS_DUE, KEPT_DAYS, TAKEN_OVER, retained_s
from winlogd.store.read.readers import Readers
from winlogd.store.store import Store

if TYPE_CHECKING:  # loaded after the first rotation, or types only
    from winlogd.daemon.forgetting import Forgetting
    from winlogd.daemon.keeping import Keeping
    from winlogd.http.router import Endpoint
    from winlogd.store.owner import Owner

_RESERVED_DESCRIPTORS: Final = 192
"""Open files that are not counted as connections: the database's files, the listeners, connections over the limit."""


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
    days: Days
    begun_with: Config
    forgetting: "LateForgetting"


class LateKeeping:
    """Makes the part that deletes old events when it is needed: after a rotation, or if the default does not hold.

    Args:
        config: the configuration.
        make: makes it.
    """

    def __init__(self, config: Config, make: "Callable[[Config, Mapping[str, str] | None], Keeping]") -> None:
        self._config = config
        self._make = make
        self._marks: Mapping[str, str] | None = None
        self._made: Keeping | None = None

    def made(self) -> "Keeping":
        """Return the part."""
        if self._made is None:
            self._made = self._make(self._config, self._marks)
        return self._made

    def deleted_s(self) -> float | None:
        """Return when the last daily deletion has ended, in seconds since 1970; None before the first."""
        return retained_s(self._marks or {}) if self._made is None else self._made.retention.ended_s

    def opened(self, marks: Mapping[str, str]) -> None:
        """Take note that the database is open and has these marks. An order may have needed the part before that."""
        self._marks = marks
        if self._made is not None:
            self._made.opened(marks)
        elif self._config.retention.history_days != Retention().history_days or {TAKEN_OVER, KEPT_DAYS} & marks.keys():
            self.made().tell()

    def change(self, config: Config) -> None:
        """Take another configuration."""
        has_changed, self._config = config.retention != self._config.retention, config
        if self._made is not None or has_changed:
            self.made().change(config)


class LateForgetting:
    """Makes the part that forgets people when it is needed: for an order, or if the database may lack tombstones.

    Args:
        make: makes it.
    """

    def __init__(self, make: "Callable[[], Forgetting]") -> None:
        self._make = make
        self._made: Forgetting | None = None

    def made(self) -> "Forgetting":
        """Return the part."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def opened(self, marks: Mapping[str, str]) -> None:
        """Take note that the database is open and has these marks."""
        if FORGETTING_IS_DUE in marks:
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
    owner: "Owner",
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

    def make_keeping(config: Config, marks: Mapping[str, str] | None) -> "Keeping":
        from winlogd.daemon.keeping import Keeping

        return Keeping(store, log, database_path, config, marks, past.look, looking.prune)

    def make_forgetting() -> "Forgetting":
        from winlogd.daemon.forgetting import Forgetting

        return Forgetting(loop, store, log, looking, past.look)

    keeping, forgetting = LateKeeping(config, make_keeping), LateForgetting(make_forgetting)

    def rotated() -> None:
        past.look()
        keeping.made().rotated()

    def sum_up(day: Day, refused: int) -> None:
        from winlogd.daemon.summary import sum_up

        sum_up(day, refused, entrance.site, database_path, readers.questions, log)

    def waits() -> None:
        keeping.made().rotated()  # a deletion needs no space, and makes some

    times = times_of(config)
    rotator = Rotator(loop, store, log, *times, config.rotation.keep_open_hours, rotated, waits)
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
    needed = wanted + _RESERVED_DESCRIPTORS
    soft = os.sysconf("SC_OPEN_MAX")  # sysconf(3): the limit RLIMIT_NOFILE
    if soft < needed:
        soft = _raised(needed)
    possible = max(soft - _RESERVED_DESCRIPTORS, 1)
    if possible < wanted:
        log.warn(
            "server", "fewer connections than configured: the limit on open files is too low",
            max_connections=wanted, possible=possible, open_files=soft,
        )  # fmt: skip
    return min(wanted, possible)


def _raised(wanted: int) -> int:
    """Raise the limit on open files to `wanted`, or as far as the system allows. Return the limit."""
    import resource  # a service's limit is high enough

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
