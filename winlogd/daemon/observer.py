"""Log what happens to requests.

What refused requests need is loaded with the first one. This file must not know why a request is refused, nor what the
log may show of it.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from winlogd.access.addresses import TrustedProxies, source_address
from winlogd.api.routes import READY
from winlogd.config.sections import Config
from winlogd.http.wire.message import REASONS, Response
from winlogd.log.log import Log
from winlogd.scheduled.clock import Schedule, zone_of

if TYPE_CHECKING:  # loaded with the first refused request
    from collections.abc import Mapping

    from winlogd.daemon.refusals import About, Refusals
    from winlogd.daemon.refused_today import RefusedToday

_FULL_EVERY_S: Final = 60.0
"""Log once in this time that clients have to wait. A slow disk makes clients wait many times a second."""

_NOT_READY: Final = 503
"""The status of `READY` while events cannot be stored."""


class RequestObserver:
    """The observer of an HTTP server. Used on the event loop's thread only.

    Args:
        loop: the event loop, for its clock.
        config: says whether the log may show names.
        log: gets the lines, and knows the tokens that no line may show.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, config: Config, log: Log) -> None:
        self._clock: Final = loop.time
        self._config = config
        self._log = log
        self._proxies = TrustedProxies(config.security.trusted_proxies)
        self._refusals: Refusals | None = None
        self._began_s: Final = time.time()
        self._today: RefusedToday | None = None
        self._full_at_s = -_FULL_EVERY_S

    def refused(self, peer: str, response: Response) -> None:
        """Log a refused request with the address that an event in it would be stored with.

        Nothing is raised: the answer is sent after this. What this loads may have been replaced by an upgrade.
        """
        try:
            self._count(peer, response)
        except Exception as error:
            self.failed(error)

    def _count(self, peer: str, response: Response) -> None:
        head = response.head
        address = peer if head is None else source_address(head, peer, self._proxies)
        reason = response.reason or REASONS[response.status]
        host = None

        def about() -> "About":
            from winlogd.daemon.shown import about_of

            nonlocal host
            found = about_of(response, self._log.secrets, shows_names=self._config.logging.names)
            host = found.host
            return found

        self._made_refusals().refused(self._clock(), address, response.status, reason, about)
        if head is None or head.path != READY or response.status != _NOT_READY:  # who asks that loses no event
            self.today.count(time.time(), address, response.status, reason, host)

    @property
    def refused_totals(self) -> "Mapping[tuple[int, str], int]":
        """Return how many requests were refused since the start (`Refusals.totals`)."""
        return self._made_refusals().totals

    @property
    def today(self) -> "RefusedToday":
        """Return the counts of the requests that were refused today."""
        if self._today is None:
            from winlogd.daemon.refused_today import RefusedToday

            self._today = RefusedToday(self._began_s, self._calendar())
        return self._today

    def refused_yesterday(self, now_s: float) -> int:
        """Return how many requests were refused on the day before that of `now_s`, in seconds since 1970."""
        return self.today.yesterday(now_s)

    def _calendar(self) -> Schedule:
        return Schedule("00:00", zone_of(self._config.server.timezone))

    def failed(self, error: Exception) -> None:
        """Log an exception that the handler of a request raised."""
        self._log.exception("server", "a request failed for a fault in winlogd itself", error)

    def loop_failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an exception that a callback of the event loop raised."""
        error = context.get("exception") or RuntimeError("unknown fault")
        self._log.exception("server", context["message"], error)

    def swept(self, now: float) -> None:
        """Log the counts of the minutes that are over at `now`. The server calls this about once a second."""
        if self._refusals is not None:
            self._refusals.sweep(now)

    def full(self) -> None:
        """Log that clients have to wait, because more events come than the database takes. Once a minute at most."""
        now_s = self._clock()
        if now_s - self._full_at_s >= _FULL_EVERY_S:
            self._full_at_s = now_s
            self._log.warn(
                "server", "more events come than the database takes; clients that send them have to wait",
                queued_events=self._config.limits.queued_events,
            )  # fmt: skip

    def change(self, config: Config) -> None:
        """Take another configuration. The counts of refused requests go on."""
        self._config = config
        self._proxies = TrustedProxies(config.security.trusted_proxies)
        if self._today is not None:
            self._today.change(self._calendar())

    def close(self) -> None:
        """Log the counts of refused requests that are not logged yet. Call this before a stop."""
        if self._refusals is not None:
            self._refusals.close()

    def _made_refusals(self) -> "Refusals":
        if self._refusals is None:
            from winlogd.daemon.refusals import Refusals

            self._refusals = Refusals(self._log)
        return self._refusals
