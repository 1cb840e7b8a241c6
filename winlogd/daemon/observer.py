"""What happens to requests, as lines in the log.

Knows what a refusal is, and what of it may be shown; not why there was one.
"""

import asyncio
from typing import Any, Final

from winlogd.access.addresses import TrustedProxies, source_address
from winlogd.config.sections import Config
from winlogd.daemon.refusals import About, Refusals
from winlogd.events.event import Event
from winlogd.http.wire.message import REASONS, Response
from winlogd.log.log import MASK, Log

_FULL_EVERY_S: Final = 60.0
"""Under a load that is too high for the disk, connections are held many times a second. One line a minute says so."""

_SENT_BYTES: Final = 1024
"""How much of a refused body is decoded for a log at level `debug`, which shows less."""

_PATH_CHARACTERS: Final = 200


class RequestObserver:
    """The observer of an HTTP server, on the event loop's thread.

    Args:
        loop: its clock.
        config: what may be shown, and the token that must not.
        log: where the lines go.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, config: Config, log: Log) -> None:
        self._clock: Final = loop.time
        self._config = config
        self._log = log
        self._proxies = TrustedProxies(config.security.trusted_proxies)
        self._refusals = Refusals(log)
        self._full_at_s = -_FULL_EVERY_S

    def refused(self, peer: str, response: Response) -> None:
        """Log a refused request, under the address that would be stored with it."""
        head = response.head
        address = peer if head is None else source_address(head, peer, self._proxies)
        reason = response.reason or REASONS[response.status]
        self._refusals.refused(self._clock(), address, response.status, reason, lambda: self._about(response))

    def failed(self, error: Exception) -> None:
        """Log an exception that a handler let through."""
        self._log.exception("server", "a request failed for a fault in winlogd itself", error)

    def loop_failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an exception that a callback of the event loop let through."""
        error = context.get("exception") or RuntimeError("unknown fault")
        self._log.exception("server", context["message"], error)

    def swept(self, now: float) -> None:
        """About a second has passed."""
        self._refusals.sweep(now)

    def full(self) -> None:
        """Log that clients have to wait, because more events come than the database takes."""
        now_s = self._clock()
        if now_s - self._full_at_s >= _FULL_EVERY_S:
            self._full_at_s = now_s
            self._log.warn(
                "server", "more events come than the database takes; clients that send them have to wait",
                queued_events=self._config.limits.queued_events,
            )  # fmt: skip

    def close(self) -> None:
        """Log what is counted and not logged yet, before a stop."""
        self._refusals.close()

    def _about(self, response: Response) -> About:
        path = None
        if response.head is not None:
            path = self._masked(response.head.path.encode())[:_PATH_CHARACTERS].decode("utf-8", "replace")
        names = self._config.logging.names
        match response.sent:
            case Event() as event:
                return About(path, event.hostname, event.username if names else None)
            case bytes(body) if body:
                from winlogd.daemon.told import sender_of  # not loaded before a request is refused

                body = self._masked(body)
                host, user = sender_of(body)
                return (
                    About(path, host, user, body[:_SENT_BYTES].decode("utf-8", "replace"))
                    if names
                    else About(path, host)
                )
        return About(path)

    def _masked(self, sent: bytes) -> bytes:
        """Return `sent` without the token, of which the log, where lines are cut, could show the beginning."""
        token = self._config.security.ingest_token.encode("ascii")
        for written in (token, token.replace(b"/", rb"\/")) if token else ():  # the second as JSON may write it
            sent = sent.replace(written, MASK)
        return sent
