"""The guard before each endpoint that reads: who asks, may they read this, and is it in the readers' log.

Each request is decided by itself. Nothing is kept with a head, which many requests share: a token that is revoked, or a
configuration that changes, counts from the next request on. Loaded with the first read.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from winlogd.access.addresses import TrustedProxies, client_address, has_forwarding_field, is_loopback
from winlogd.access.audit import Audit
from winlogd.access.local import LocalReads
from winlogd.access.readers import OPEN_NETWORK, THIS_MACHINE, ReadEndpoint, Reader, Readers, bearer_token
from winlogd.access.register import Register
from winlogd.access.scopes import RULES, may_read
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.responses import FAILED
from winlogd.http.router import Endpoint
from winlogd.http.wire.message import Head, Response

_FORWARDED_SCHEME: Final = "x-forwarded-proto"
_RETRY: Final = (("Retry-After", "10"),)

_NOT_PRIVATE: Final = Response(
    403,
    b'{"error":"Token over plain HTTP","details":"use HTTPS; or set security.plain_login = true. The token was sent'
    b' unencrypted: revoke it if others could read it"}',
    reason="Token over plain HTTP",
)
_NO_TOKEN: Final = Response(
    403,
    b'{"error":"Invalid token","details":"it is unknown, expired or revoked; winlogd token list shows the readers"}',
    reason="Invalid token of a reader",
)
_NEEDS_TOKEN: Final = Response(
    403,
    b'{"error":"Not allowed","details":"send Authorization: Bearer with a token of winlogd token add. Since the first'
    b' one was added, this machine needs one, too"}',
    reason="Not allowed to read",
)
_CLOSED: Final = Response(
    503,
    b'{"error":"Reading is closed","details":"the readers\' file winlog.access cannot be used; winlogd\'s log says'
    b' why. Events are stored all the same"}',
    _RETRY,
    reason="The readers' file cannot be used",
)
_NOT_WRITTEN: Final = Response(
    503,
    b'{"error":"The readers\' log cannot be written","details":"nobody sees the past without a row in it; winlogd\'s'
    b' log says why. Events are stored all the same"}',
    _RETRY,
    reason="The readers' log cannot be written",
)


class _Asked(NamedTuple):
    """One request.

    Attributes:
        exchange: the request.
        head: its head.
        peer: the address of its peer.
        path: the path of its route.
        answer: answers it for a reader.
    """

    exchange: Exchange
    head: Head
    peer: str
    path: str
    answer: Callable[[Reader], None]


class ReadGuard:
    """The guard. Everything here runs on the event loop's thread.

    Args:
        local: knows this machine and the open networks.
        proxies: the proxies whose forwarding fields count.
        allows_plain: True if tokens of other machines may come over plain HTTP.
        register: the readers.
        audit: the readers' log.
    """

    def __init__(
        self, local: LocalReads, proxies: TrustedProxies, allows_plain: bool, register: Register, audit: Audit
    ) -> None:
        self._local = local
        self._proxies = proxies
        self._allows_plain = allows_plain
        self._register = register
        self._audit = audit

    def before(self, path: str, endpoint: ReadEndpoint) -> Endpoint:
        """Return `endpoint` behind the guard.

        Args:
            path: the path of the route, which has a rule (`scopes.RULES`).
            endpoint: the endpoint.

        Raises:
            KeyError: there is no rule.
        """
        rule = RULES[path]

        def handler_for(head: Head) -> Handler:
            handler = endpoint(head)

            def guarded(exchange: Exchange, body: bytes) -> None:
                peer = exchange.sender.peer
                asked = _Asked(exchange, head, peer, path, lambda reader: handler(exchange, body, reader))
                self._admit(asked, is_open=OPEN_NETWORK.scope in rule.scopes)

            return guarded

        return handler_for

    def _admit(self, asked: _Asked, is_open: bool) -> None:
        """Decide what does not need the readers, then ask for them."""
        head, peer, local = asked.head, asked.peer, self._local
        token = bearer_token(head)
        refusal = local.refusal_of_head(head)
        if refusal is not None:
            asked.exchange.respond(refusal)
        elif token is not None:
            if self._allows_plain or self._is_private(asked):
                self._register.look_up(lambda readers: self._with_token(asked, token, readers))
            else:
                asked.exchange.respond(_NOT_PRIVATE)
        elif is_open and local.is_open_to(head, peer):
            self._look(asked, OPEN_NETWORK)
        elif local.is_local(head, peer):
            self._register.look_up(lambda readers: self._without_token(asked, readers))
        else:
            asked.exchange.respond(local.refusal(head, peer, is_open))

    def _is_private(self, asked: _Asked) -> bool:
        """Return True if nobody on the network can read a request: TLS, or a client on this machine.

        A trusted proxy says how the client reached it. All proxies on the way must say https.
        """
        head, peer = asked.head, asked.peer
        schemes = ",".join(head.get_all(_FORWARDED_SCHEME)) if self._proxies.trusts(peer) else ""
        if schemes:
            return all(scheme.strip(" \t").lower() == "https" for scheme in schemes.split(","))
        if has_forwarding_field(head):
            return False
        return is_loopback(peer) or asked.exchange.sender.is_encrypted

    def _with_token(self, asked: _Asked, token: str, readers: Readers | None) -> None:
        now_us = time.time_ns() // 1000
        if readers is None:
            asked.exchange.respond(_CLOSED)
            return
        reader = readers.holder_of(token, now_us)
        if reader is None:
            asked.exchange.respond(_NO_TOKEN)
        elif not may_read(reader.scope, asked.path):
            asked.exchange.respond(_outside(reader.scope))
        else:
            self._register.note_use(reader, now_us)
            self._look(asked, reader)

    def _without_token(self, asked: _Asked, readers: Readers | None) -> None:
        if readers is None:
            asked.exchange.respond(_CLOSED)
        elif readers.is_empty:
            self._look(asked, THIS_MACHINE)
        else:
            asked.exchange.respond(_NEEDS_TOKEN)

    def _look(self, asked: _Asked, reader: Reader) -> None:
        """Answer a request, after its row is in the readers' log if it makes one."""
        row = self._audit.row_of(reader, asked.path, asked.head, client_address(asked.head, asked.peer, self._proxies))
        if row is None:
            _answer(asked, reader)
            return
        needs_row = reader.sees_past and RULES[asked.path].shows_past

        def written(is_written: bool) -> None:
            if is_written or not needs_row:
                _answer(asked, reader)
            else:
                asked.exchange.respond(_NOT_WRITTEN)

        self._audit.write(row, written)


def _answer(asked: _Asked, reader: Reader) -> None:
    """Answer a request whose peer still waits. If that fails, it gets 500 at once, and the log gets the exception."""
    if not asked.exchange.is_open:
        return
    try:
        asked.answer(reader)
    except Exception:
        asked.exchange.fail(FAILED)
        raise


def _outside(scope: str) -> Response:
    """Return the 403 for a token whose scope does not have a path."""
    body = b'{"error":"Not allowed","details":"the scope %b does not read this"}' % scope.encode()
    return Response(403, body, reason=f"The scope {scope} does not read this")
