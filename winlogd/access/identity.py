"""Find who asks: by the token in Authorization, the cookie of a login, an open network, or as this machine itself.

Each request is decided by itself. Nothing is kept with a head, which many requests share. This file must not know what
is asked for, or how a refusal looks to a person.
"""

import time
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from winlogd.access import cookie
from winlogd.access.addresses import TrustedProxies, client_address
from winlogd.access.failures import Failures
from winlogd.access.local import LocalReads
from winlogd.access.origin import is_private, is_secure
from winlogd.access.readers import OPEN_NETWORK, THIS_MACHINE, Reader, Readers, bearer_token
from winlogd.access.refusals import CLOSED, NEEDS_TOKEN, NO_TOKEN, NOT_PRIVATE, outside, too_many
from winlogd.access.register import Register
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head, Response

Cure = Literal["none", "login", "other reader"]
"""What a person can do against a refusal: nothing here, log in, or log in as another reader."""

Refused = Callable[[Response, Cure], None]
"""Gets the refusal of a request, and the cure."""


class Asked(NamedTuple):
    """One request.

    Attributes:
        exchange: the request.
        head: its head.
        scopes: those that may do what it asks for.
        found: called with the reader who asks.
        refused: called if nobody asks who may.
    """

    exchange: Exchange
    head: Head
    scopes: frozenset[str]
    found: Callable[[Reader], None]
    refused: Refused


class Identity:
    """Finds who asks. Everything here runs on the event loop's thread.

    Args:
        local: knows this machine, the open networks and this server's names.
        proxies: the proxies whose forwarding fields count.
        allows_plain: True if tokens and cookies of other machines may come over plain HTTP.
        register: the readers.
        failures: counts wrong tokens.
    """

    def __init__(
        self, local: LocalReads, proxies: TrustedProxies, allows_plain: bool, register: Register, failures: Failures
    ) -> None:
        self.local: Final = local
        self._proxies = proxies
        self._allows_plain = allows_plain
        self._register = register
        self._failures = failures

    def find(self, asked: Asked) -> None:
        """Call `asked.found` or `asked.refused`, perhaps before this call returns."""
        head, exchange = asked.head, asked.exchange
        token, secret = bearer_token(head), self.secret_in(exchange, head)
        refusal = self.local.refusal_of_head(head)
        if refusal is not None:
            asked.refused(refusal, "none")
        elif token is not None:
            if self.is_private(exchange, head):
                self._register.look_up(lambda readers: self._with_token(asked, token, readers))
            else:
                asked.refused(NOT_PRIVATE, "none")
        elif secret is not None and self.is_private(exchange, head):
            self._register.look_up(lambda readers: self._with_cookie(asked, secret, readers))
        else:
            self._without(asked)

    def address_of(self, exchange: Exchange, head: Head) -> str:
        """Return the client's address."""
        return client_address(head, exchange.sender.peer, self._proxies)

    def is_private(self, exchange: Exchange, head: Head) -> bool:
        """Return True if a token or a cookie may come this way."""
        return self._allows_plain or is_private(head, exchange.sender, self._proxies)

    def is_secure(self, exchange: Exchange, head: Head) -> bool:
        """Return True if the client has asked over HTTPS."""
        return is_secure(head, exchange.sender, self._proxies)

    def secret_in(self, exchange: Exchange, head: Head) -> str | None:
        """Return the secret in the cookie of a request; None if there is none."""
        return cookie.secret_in(head, self.is_secure(exchange, head))

    def _with_token(self, asked: Asked, token: str, readers: Readers | None) -> None:
        if readers is None:
            asked.refused(CLOSED, "none")
            return
        reader = readers.holder_of(token, time.time_ns() // 1000)
        if reader is not None:
            self._decide(asked, reader)
            return
        # An old token is no guess. The program that has it is told so, and locks nobody out.
        wait_s = 0.0
        if not readers.was_token(token):
            wait_s = self._failures.add(self.address_of(asked.exchange, asked.head), time.monotonic())
        asked.refused(too_many(wait_s) if wait_s else NO_TOKEN, "login")

    def _with_cookie(self, asked: Asked, secret: str, readers: Readers | None) -> None:
        """Find the reader of a login. A cookie whose login has ended is none: browsers keep it."""
        if readers is None:
            asked.refused(CLOSED, "none")
            return
        reader = readers.holder_of_login(secret, time.time_ns() // 1000)
        if reader is None:
            self._without(asked)
        else:
            self._decide(asked, reader)

    def _without(self, asked: Asked) -> None:
        head, peer = asked.head, asked.exchange.sender.peer
        is_open = OPEN_NETWORK.scope in asked.scopes
        if is_open and self.local.is_open_to(head, peer):
            asked.found(OPEN_NETWORK)
        elif self.local.is_local(head, peer):
            self._register.look_up(lambda readers: self._as_this_machine(asked, readers))
        else:
            asked.refused(self.local.refusal(head, peer, is_open), "login")

    def _as_this_machine(self, asked: Asked, readers: Readers | None) -> None:
        if readers is None:
            asked.refused(CLOSED, "none")
        elif not readers.is_empty:
            asked.refused(NEEDS_TOKEN, "login")
        else:
            self._decide(asked, THIS_MACHINE)

    def _decide(self, asked: Asked, reader: Reader) -> None:
        if reader.scope in asked.scopes:
            self._register.note_use(reader, time.time_ns() // 1000)
            asked.found(reader)
        else:
            asked.refused(outside(reader.scope), "other reader")
