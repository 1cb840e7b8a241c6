"""Log what happens to requests.

This file knows what a refusal is, and which parts of it the log may show. It must not know why a request is refused.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from winlogd.access.addresses import TrustedProxies, source_address
from winlogd.api.routes import READY
from winlogd.config.sections import Config
from winlogd.daemon.refusals import About, Refusals
from winlogd.events.event import Event
from winlogd.http.wire.message import REASONS, Head, Response
from winlogd.log.form import masked
from winlogd.log.log import Log
from winlogd.scheduled.clock import Schedule, zone_of

if TYPE_CHECKING:  # loaded with the first refused request
    from winlogd.daemon.refused_today import RefusedToday

_FULL_EVERY_S: Final = 60.0
"""Log once in this time that clients have to wait. A slow disk makes clients wait many times a second."""

_NOT_READY: Final = 503
"""The status of `READY` while events cannot be stored."""

_SENT_BYTES: Final = 1024
"""Decode this much of a refused body for a log at level `debug`, which shows its first 200 characters."""

_PATH_BYTES: Final = 200
"""The log shows this much of a refused request's path."""


class RequestObserver:
    """The observer of an HTTP server. Used on the event loop's thread only.

    Args:
        loop: the event loop, for its clock.
        config: says whether the log may show names.
        log: gets the lines, and knows the tokens that no line may show.

    Attributes:
        refused_totals: see `Refusals.totals`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, config: Config, log: Log) -> None:
        self._clock: Final = loop.time
        self._config = config
        self._log = log
        self._proxies = TrustedProxies(config.security.trusted_proxies)
        self._refusals = Refusals(log)
        self.refused_totals: Final = self._refusals.totals
        self._began_s: Final = time.time()
        self._today: RefusedToday | None = None
        self._full_at_s = -_FULL_EVERY_S

    def refused(self, peer: str, response: Response) -> None:
        """Log a refused request with the address that an event in it would be stored with."""
        head = response.head
        address = peer if head is None else source_address(head, peer, self._proxies)
        reason = response.reason or REASONS[response.status]
        host = None

        def about() -> About:
            nonlocal host
            found = self._about(response)
            host = found.host
            return found

        self._refusals.refused(self._clock(), address, response.status, reason, about)
        if head is None or head.path != READY or response.status != _NOT_READY:  # who asks that loses no event
            self.today.count(time.time(), address, response.status, reason, host)

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
        self._refusals.close()

    def _about(self, response: Response) -> About:
        """Return what the log may show of the request that `response` refuses."""
        path, names = None, self._config.logging.names
        if response.head is not None:
            shown = response.head.path
            if response.head.path_parameters and not names:  # the last part is the name of a user or a machine
                shown = f"{shown.rpartition('/')[0]}/…"
            path = self._masked(shown.encode())[:_PATH_BYTES].decode("utf-8", "replace")
        match response.sent:
            case Event() as event:
                return About(path, event.hostname, event.username if names else None)
            case bytes(body) if body and not _is_form(response.head):
                from winlogd.daemon.told import sender_of  # loaded with the first refused request

                body = self._masked(body)
                host, user = sender_of(body)
                return (
                    About(path, host, user, body[:_SENT_BYTES].decode("utf-8", "replace"))
                    if names
                    else About(path, host)
                )
        return About(path)

    def _masked(self, sent: bytes) -> bytes:
        """Return `sent` without tokens. The log masks whole tokens only, and this file cuts texts later."""
        secrets = self._log.secrets
        return masked(masked(sent, secrets), (secret.replace(b"/", rb"\/") for secret in secrets))  # JSON writes / so


def _is_form(head: Head | None) -> bool:
    """Return True if a browser has sent a form. It may hold a token that the log does not know. No client sends one."""
    from winlogd.api.login_form import FORM  # loaded with the first refused request

    return head is not None and (head.get("content-type") or "").lower().startswith(FORM)
