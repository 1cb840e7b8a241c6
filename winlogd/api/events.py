"""Handle the POST of an event: check it, give it to the store, answer it.

`Events.handler_for` makes the checks that need the header section alone, once for all requests with the same head.
This file must not know how events are stored, nor how sessions follow from them.
"""

from typing import TYPE_CHECKING, Final

import orjson

from winlogd.access.addresses import TrustedProxies, forwarded_address
from winlogd.events.decode import EventDecoder, InvalidEventError
from winlogd.events.event import Event
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.router import Refusal
from winlogd.http.wire.message import JSON, Head, Response
from winlogd.sessions.pair import Decision
from winlogd.store.store import Store
from winlogd.store.submission import Fault

if TYPE_CHECKING:
    from winlogd.access.ingest_token import Token
    from winlogd.access.rate import Pace

METHOD_NOT_ALLOWED: Final = b'{"error":"Method not allowed","expected":"POST"}'
"""The body of a 405 on a path that takes events."""

_INVALID_AGENT: Final = Response(403, b'{"error":"Invalid User-Agent"}', reason="Invalid User-Agent")
_INVALID_TOKEN: Final = Response(403, b'{"error":"Invalid token"}', reason="Invalid token")
_INVALID_TYPE: Final = Response(
    415, b'{"error":"Invalid Content-Type","expected":"application/json"}', reason="Invalid Content-Type"
)
_DATABASE_ERROR: Final = b'{"error":"Database error"}'
UNAVAILABLE: Final = Response(503, _DATABASE_ERROR, (("Retry-After", "1"),), reason="Database busy or full")
"""The answer if the event may be stored when the client sends it again."""

_FAILED: Final = Response(500, _DATABASE_ERROR, reason="Database error")
"""The answer if the event cannot be stored."""


class Events:
    """The endpoint that takes events.

    Args:
        store: stores the events.
        decoder: turns bodies into events.
        expected_user_agent: the text that User-Agent must begin with.
        proxies: the peers whose forwarding fields count.
        pace: delays the requests of an address that sends too many; None for no limit.
        token: the token that the head must carry; None if it needs none.
    """

    def __init__(
        self,
        store: Store[Exchange],
        decoder: EventDecoder,
        expected_user_agent: str,
        proxies: TrustedProxies,
        pace: "Pace | None" = None,
        token: "Token | None" = None,
    ) -> None:
        self._store = store
        self._decode = decoder.decode
        self._expected_user_agent = expected_user_agent
        self._proxies = proxies
        self._pace = pace
        self._token = token

    def handler_for(self, head: Head) -> Handler:
        """Return the handler of requests with `head`: one that stores events, or a `Refusal`."""
        if not (head.get("user-agent") or "").startswith(self._expected_user_agent):
            return Refusal(_INVALID_AGENT)
        if self._token is not None and not self._token.is_in(head):
            return Refusal(_INVALID_TOKEN)
        if (head.get("content-type") or "").partition(";")[0].strip(" \t").lower() != JSON:
            return Refusal(_INVALID_TYPE)
        forwarded, head_octets = forwarded_address(head), head.octets
        decode, submit, proxies = self._decode, self._store.submit, self._proxies

        def take(exchange: Exchange, body: bytes) -> None:
            try:
                event = decode(body)
            except InvalidEventError as error:
                exchange.respond(Response(400, orjson.dumps(error.answer), reason=error.reason, sent=body))
                return
            source_ip = exchange.sender.peer
            if forwarded is not None and proxies.trusts(source_ip):
                source_ip = forwarded
            submit(event, source_ip, exchange, head_octets + len(body))

        return take if self._pace is None else self._pace.handler_for(head, take)


def answer(exchange: Exchange, event: Event, outcome: Decision | Fault) -> None:
    """Answer the request of `event`, after the event has been committed or has failed.

    Args:
        exchange: the request.
        event: the event that it sent.
        outcome: the identifiers of the stored event, or the fault that kept it from being stored.
    """
    if isinstance(outcome, Fault):
        exchange.respond((UNAVAILABLE if outcome is Fault.UNAVAILABLE else _FAILED)._replace(sent=event))
        return
    stored = {
        "status": "success",
        "message": "Data stored in database",
        "event_id": outcome.event_id,
        "session_uuid": outcome.session_uuid,
        "action": event.action,
        "username": event.username,
    }
    exchange.respond_ok(orjson.dumps(stored))
