"""Make the parts of a server and join them as the configuration says.

This file knows every room's entrance, and which part gets which option. It must not know how a process starts, runs
and stops.
"""

import asyncio
import resource
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.access.addresses import TrustedProxies
from winlogd.access.gate import Gate, Token
from winlogd.api.current_sessions import CurrentSessions
from winlogd.api.events import UNAVAILABLE, Events, answer
from winlogd.api.routes import make_router
from winlogd.config.sections import Config
from winlogd.daemon.settings import settings_of
from winlogd.events.decode import EventDecoder
from winlogd.http.admission import ConnectionsPerAddress
from winlogd.http.budget import Allowance
from winlogd.http.exchange import Exchange
from winlogd.http.router import Router
from winlogd.http.server import Observer, Server
from winlogd.http.wire.limits import Limits
from winlogd.log.log import Log
from winlogd.scheduled.clock import Schedule, zone_of
from winlogd.scheduled.rotation import Rotator
from winlogd.store.store import Owner, Store

if TYPE_CHECKING:
    from winlogd.access.rate import Pace

_ANSWER_MARGIN_S: Final = 2.0
"""The server waits this much longer than the store for an event. It matters only if one call to the disk hangs."""

_RESERVED_DESCRIPTORS: Final = 192
"""Open files that are not counted as connections: the database's files, the listeners, connections over the limit."""


class Parts(NamedTuple):
    """The parts of a server, joined and not started."""

    store: Store[Exchange]
    server: Server
    rotator: Rotator
    pace: "Pace | None"
    """None if no address has a rate."""


def assemble(
    loop: asyncio.AbstractEventLoop, config: Config, log: Log, database_path: str, owner: Owner, observer: Observer
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
    store = Store(
        loop,
        settings_of(config, database_path),
        log,
        server.event_timeout,
        limits.queued_events,
        config.logging.names,
        answer,
        owner,
    )
    proxies = TrustedProxies(config.security.trusted_proxies)
    pace = _pace(loop, config, proxies)
    router = _router(loop, config, store, proxies, pace)
    http_limits = _http_limits(config, limits.rate_delay if pace is not None else 0.0)
    per_address = limits.connections_per_address
    counts = ConnectionsPerAddress(per_address, proxies.trusts) if per_address else None
    calendar = zone_of(server.timezone)
    rotator = Rotator(
        loop,
        store,
        log,
        Schedule(config.rotation.at, calendar) if config.rotation.at else None,
        Schedule("00:00", calendar),
        config.rotation.keep_open_hours,
    )
    most = _most_connections(server.max_connections, log)
    http_server = Server(loop, router, http_limits, most, UNAVAILABLE, observer, counts, proxies.trusts)
    return Parts(store, http_server, rotator, pace)


def prepare_sqlite() -> None:
    """Load SQLite and configure it for the whole process. The store calls this on the writer's thread."""
    from winlogd.store.file.database import configure_sqlite  # slow to load, while the server listens already

    configure_sqlite()


def _router(
    loop: asyncio.AbstractEventLoop,
    config: Config,
    store: Store[Exchange],
    proxies: TrustedProxies,
    pace: "Pace | None",
) -> Router:
    """Return the route table with its endpoints and the networks that may use them."""
    security = config.security
    events = Events(
        store,
        EventDecoder(security.valid_actions),
        security.expected_user_agent,
        proxies,
        pace,
        Token(security.ingest_token) if security.ingest_token else None,
    )
    return make_router(
        events,
        config.server.event_paths,
        CurrentSessions(loop, store),
        senders=Gate(security.ingest_networks, proxies),
        readers=Gate(security.read_networks, proxies),
    )


def _http_limits(config: Config, longest_delay_s: float) -> Limits:
    """Return the limits of the HTTP server. A request may be delayed for `longest_delay_s` before the store gets it."""
    limits = config.limits
    return Limits(
        request_line=limits.request_line,
        headers=limits.headers,
        header_fields=limits.header_fields,
        body=limits.body,
        headers_timeout=limits.headers_timeout,
        body_timeout=limits.body_timeout,
        idle_timeout=limits.idle_timeout,
        answer_timeout=max(config.server.event_timeout, longest_delay_s) + _ANSWER_MARGIN_S,
    )


def _pace(loop: asyncio.AbstractEventLoop, config: Config, proxies: TrustedProxies) -> "Pace | None":
    """Return the part that keeps each address at its rate. Load nothing for it and return None if there is no rate."""
    limits = config.limits
    if not limits.events_per_second:
        return None
    from winlogd.access.buckets import Buckets
    from winlogd.access.rate import Pace

    burst = limits.events_burst or max(round(limits.events_per_second), 1)
    buckets = Buckets(limits.events_per_second, burst, limits.rate_delay)
    return Pace(loop, buckets, limits.rate_delay, proxies, Allowance(limits.body))


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
