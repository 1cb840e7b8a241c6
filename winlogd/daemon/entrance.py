"""Make what decides about requests: the routes with their rules, and the limits. A reload makes all of it anew.

What outlives a reload is made once: the endpoints that have requests waiting, and the pace that holds events. This file
must not know the store's inside, nor when a reload happens.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from winlogd.access.addresses import TrustedProxies
from winlogd.access.gate import Gate
from winlogd.api.events import Events
from winlogd.api.routes import Route, make_router
from winlogd.config.sections import Config
from winlogd.daemon.known_site import KnownSite
from winlogd.daemon.looking import Looking
from winlogd.events.decode import EventDecoder
from winlogd.http.budget import Allowance
from winlogd.http.exchange import Exchange
from winlogd.http.router import Router
from winlogd.http.wire.limits import Limits
from winlogd.store.read.readers import Readers
from winlogd.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winlogd.access.ingest_token import Token
    from winlogd.access.rate import Pace
    from winlogd.daemon.late import LateEndpoints
    from winlogd.http.admission import ConnectionsPerAddress
    from winlogd.http.router import Endpoint
    from winlogd.store.trial import Trial

_ANSWER_MARGIN_S: Final = 2.0
"""The server waits this much longer than the store for an event. It matters only if one call to the disk hangs."""


class Entrance:
    """The way of requests into the server.

    Args:
        loop: the event loop.
        config: the configuration, for what is known of the site.
        store: stores events, and knows the open sessions.
        readers: answer questions.
        looking: knows who may ask them.
        monitoring: loads the endpoints for monitoring, and returns them by their paths.

    Attributes:
        site: what is known of the site.
        pace: holds the events of addresses that send too fast; None if no address ever had a rate.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        config: Config,
        store: Store[Exchange],
        readers: Readers,
        looking: Looking,
        monitoring: "Callable[[], Mapping[str, Endpoint]]",
    ) -> None:
        self._loop = loop
        self._monitoring = monitoring
        self._store = store
        self._readers = readers
        self._looking = looking
        self.site: Final = KnownSite(config)
        self._late: LateEndpoints | None = None
        self._trial: Trial | None = None
        self._longest_delay_s = 0.0
        self._paced: tuple[object, ...] = ()
        self.pace: Pace | None = None

    def router(self, config: Config) -> Router:
        """Return the route table with its endpoints, and the rules for those who use them."""
        security = config.security
        proxies = TrustedProxies(security.trusted_proxies)
        events = Events(
            self._store,
            EventDecoder(security.valid_actions),
            security.expected_user_agent,
            proxies,
            self._pace(config, proxies),
            _token(security.ingest_token),
        )
        self._looking.change(config)

        def others() -> "Mapping[Route, Endpoint]":
            return self._late_endpoints().by_route(config, proxies)

        return make_router(events, config.server.event_paths, Gate(security.ingest_networks, proxies), others)

    @property
    def trial(self) -> "Trial":
        """Return what finds out if events can be stored now."""
        if self._trial is None:
            from winlogd.store.trial import Trial  # loaded for the first who asks

            self._trial = Trial(self._loop, self._store)
        return self._trial

    @property
    def feeds(self) -> int:
        """Return how many feeds of changes are open."""
        return 0 if self._late is None else self._late.feeds

    def limits(self, config: Config) -> Limits:
        """Return the limits of the HTTP server. Call this after `router`, which may add a delay."""
        limits = config.limits
        return Limits(
            request_line=limits.request_line,
            headers=limits.headers,
            header_fields=limits.header_fields,
            body=limits.body,
            headers_timeout=limits.headers_timeout,
            body_timeout=limits.body_timeout,
            idle_timeout=limits.idle_timeout,
            answer_timeout=max(config.server.event_timeout, self._longest_delay_s) + _ANSWER_MARGIN_S,
        )

    def stop(self) -> None:
        """Hand on the events that are held. Call this before the server stops."""
        if self.pace is not None:
            self.pace.stop()

    def _late_endpoints(self) -> "LateEndpoints":
        if self._late is None:
            from winlogd.daemon.late import LateEndpoints  # loaded with the first request that is no event

            self._late = LateEndpoints(
                self._loop, self._store, self._readers, self._looking, self.site.site, self._monitoring
            )
        return self._late

    def _pace(self, config: Config, proxies: TrustedProxies) -> "Pace | None":
        """Return the part that keeps each address at its rate. Load nothing for it and return None if there is no rate.

        With the options of the last time it is unchanged: no address gets a burst more.
        """
        limits = config.limits
        if not limits.events_per_second:
            self._paced = ()
            return None
        options = (
            limits.events_per_second,
            limits.events_burst,
            limits.rate_delay,
            limits.body,
            config.security.trusted_proxies,
        )
        if options == self._paced:
            return self.pace
        from winlogd.access.buckets import Buckets
        from winlogd.access.rate import Pace

        delay_s = limits.rate_delay
        burst = limits.events_burst or max(round(limits.events_per_second), 1)
        buckets = Buckets(limits.events_per_second, burst, delay_s)
        if self.pace is None:
            self.pace = Pace(self._loop, buckets, delay_s, proxies, Allowance(limits.body))
        else:
            self.pace.change(buckets, delay_s, proxies, limits.body)
        self._paced = options
        self._longest_delay_s = max(self._longest_delay_s, delay_s)  # an event may be held since before a reload
        return self.pace


def _token(text: str) -> "Token | None":
    """Return the token that an event needs. Load nothing for it and return None if it needs none."""
    if not text:
        return None
    from winlogd.access.ingest_token import Token

    return Token(text)


def per_address(config: Config, proxies: TrustedProxies) -> "ConnectionsPerAddress | None":
    """Return a counter of connections, which counts none yet; None if their number has no bound."""
    limit = config.limits.connections_per_address
    if not limit:
        return None
    from winlogd.http.admission import ConnectionsPerAddress

    return ConnectionsPerAddress(limit, proxies.trusts)
