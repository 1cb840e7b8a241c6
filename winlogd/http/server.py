"""Listening sockets, the set of connections, and the sweep that enforces time limits.

Knows connections and their number, not requests. The sweep runs once a second while a peer is connected, and not at
all otherwise: an idle server does not wake the processor up. A late sweep shows that the whole process stood still.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from winlogd.http import responses
from winlogd.http.budget import Budget
from winlogd.http.congestion import Congestion
from winlogd.http.connection import Connection
from winlogd.http.router import Router
from winlogd.http.turns import Turns
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Response
from winlogd.http.wire.parser import HeadCache

if TYPE_CHECKING:
    import ssl

    from winlogd.http.admission import ConnectionsPerAddress
    from winlogd.http.protocols import Listener, Observer
    from winlogd.http.tls import TlsListener

_BACKLOG: Final = 4096
_ACCEPTED_AT_ONCE: Final = 8
"""The number of connections that each round of the event loop accepts.

libuv accepts one for each of its handles, so there are as many handles on one socket. With one handle, a client that
comes after 64 others of a flood waits 64 rounds. P99 of an honest client under siege was 190 to 400 ms then, instead
of 67 to 91. An event on a connection of its own costs the same with both, 58 to 68 µs."""
_SWEEP_S: Final = 1.0
_LATE_S: Final = 1.0
"""A sweep that is later than this shows that the whole process (SIGSTOP, a paused virtual machine) or the event loop
stood still. Octets that peers have sent meanwhile are unread in the system's buffers."""
_SWEPT_AT_ONCE: Final = 100
"""The number of connections that a sweep checks in one round of the event loop.

When ten thousand connections were idle for too long, closing 500 in one round took 11 to 13 ms."""
_MAX_OVERFLOW: Final = 64
"""This many connections beyond the limit are answered 503. Further connections are closed without an answer."""

_MAX_KEPT_BYTES: Final = 64 << 20
"""The memory for requests of all connections that are incomplete, or wait behind others of their connection."""
_MAX_UNREAD_BYTES: Final = 64 << 20
"""The memory for answers that peers leave unread, on all connections together."""


def _is_one(address: str) -> bool:
    """Return False: without proxies, no address stands for many clients."""
    return False


def _most_kept(limits: Limits) -> int:
    """Return the memory for incomplete requests. A few bodies of the greatest length always fit."""
    return max(_MAX_KEPT_BYTES, 4 * limits.body)


class Server:
    """Accepts connections and gives their requests to a router.

    Args:
        loop: the event loop that everything here runs on.
        router: finds the handlers of requests.
        limits: sizes and times for each connection.
        max_connections: the number of connections that may be open. The next one gets 503.
        unanswered: the answer to a request whose handler has not answered within `limits.answer_timeout`.
        observer: gets the reports of refusals, failures and sweeps.
        per_address: counts and bounds the connections of each address; None for no bound.
        is_many: returns True if an address stands for many clients (a proxy). When memory has to be freed, each of its
            connections counts singly.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        router: Router,
        limits: Limits,
        max_connections: int,
        unanswered: Response,
        observer: "Observer",
        per_address: "ConnectionsPerAddress | None" = None,
        is_many: Callable[[str], bool] = _is_one,
    ) -> None:
        self.limits = limits
        self.unanswered = unanswered
        self.heads = HeadCache(router.is_literal)
        self.stopping = False
        self.now = loop.time()
        self.clock = loop.time
        self.soon = loop.call_soon
        self.in_turn = Turns(loop).ask
        self._kept = Budget(_most_kept(limits), is_many)
        self._unread = Budget(_MAX_UNREAD_BYTES, is_many)
        self.congestion = Congestion(loop, limits.body)
        self.congest, self.relieve = self.congestion.begin, self.congestion.end
        self.keeps = self._kept.hold
        self.owes = self._unread.hold
        self.handler_for = router.handler_for
        self.refused = observer.refused
        self.failed = observer.failed
        self._observer = observer
        self._loop = loop
        self.max_connections = max_connections
        self._per_address = per_address
        self._connections: set[Connection] = set()
        self._reserved: dict[Connection, Callable[[], object]] = {}
        """The connections whose handshake is not complete, each with the function that ends the handshake."""
        self._turned_away: set[Connection] = set()
        """The connections beyond the limit that were answered 503, until they have gone."""
        self._listeners: list[Listener] = []
        self._tls_listeners: list[TlsListener] = []
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None

    async def listen(self, sockets: list[socket.socket]) -> None:
        """Accept connections on bound `sockets`, from now on."""
        for sock in sockets:
            for listening in (sock, *(sock.dup() for _ in range(_ACCEPTED_AT_ONCE - 1))):
                server = await self._loop.create_server(lambda: Connection(self), sock=listening, backlog=_BACKLOG)
                self._listeners.append(server)

    def listen_with_tls(self, sockets: list[socket.socket], context: "ssl.SSLContext") -> None:
        """Accept TLS connections on bound `sockets`, from now on, with the certificate of `context`."""
        from winlogd.http.tls import TlsListener  # loaded only if TLS is configured

        for sock in sockets:
            sock.listen(_BACKLOG)
            listener = TlsListener(self._loop, sock, context, self)
            self._listeners.append(listener)
            self._tls_listeners.append(listener)

    def change(
        self,
        router: Router,
        limits: Limits,
        per_address: "ConnectionsPerAddress | None",
        is_many: Callable[[str], bool],
    ) -> None:
        """Take other values of the same names as in `Server`. All connections stay open.

        They count for each request that is complete from now on, on connections old and new. A request that waits for
        its answer keeps the handler that it has.

        Args:
            router: finds the handlers.
            limits: sizes and times.
            per_address: new, without any connection; the open ones are counted here.
            is_many: of an address.
        """
        self.limits = limits
        self.handler_for = router.handler_for
        self.heads.renew(router.is_literal)
        self._kept.change(_most_kept(limits), is_many)
        self._unread.change(_MAX_UNREAD_BYTES, is_many)
        self.congestion.change(limits.body)
        self._per_address = per_address
        for connection in (*self._connections, *self._reserved):
            connection.renew()
            if per_address is not None and connection not in self._turned_away:
                per_address.opened(connection.peer)

    def change_certificate(self, context: "ssl.SSLContext") -> None:
        """Use the certificate of `context` for TLS connections that begin from now on. The others stay open."""
        for listener in self._tls_listeners:
            listener.change(context)

    def reserve(self, peer: str, give_up: Callable[[], object]) -> Connection | None:
        """Return a new connection of `peer` whose handshake begins. It counts from now on.

        Args:
            peer: its address.
            give_up: called when the handshake takes longer than `limits.headers_timeout`.

        Returns:
            None if there are too many connections already.
        """
        refusal = self._admit(peer)
        if refusal is not None:  # before the handshake the peer can get no answer
            self.refused(peer, refusal)
            return None
        self._keep_time()
        connection = Connection(self, peer)
        connection.restart_time_limits(self._loop.time())
        self._reserved[connection] = give_up
        return connection

    def release(self, connection: Connection) -> None:
        """End the reservation of `connection` if its handshake has failed. Do nothing if it has been opened."""
        if self._reserved.pop(connection, None) is not None and self._per_address is not None:
            self._per_address.closed(connection.peer)

    async def stop(self) -> None:
        """Accept no more connections, let each end after the answers that are due, and wait until all have ended."""
        self.stopping = True
        for listener in self._listeners:
            listener.close()
        self._empty = asyncio.Event()
        for connection in list(self._connections):
            connection.stop()
        if self._connections:
            await self._empty.wait()

    def abort(self) -> None:
        """End every connection at once."""
        for connection in list(self._connections):
            connection.abort()

    def opened(self, connection: Connection) -> Response | None:
        """Register `connection`. Return the answer that refuses it if there are too many already, otherwise None."""
        self._keep_time()
        is_reserved = self._reserved.pop(connection, None) is not None
        refusal = None if is_reserved else self._admit(connection.peer)
        self._connections.add(connection)
        connection.renew()  # `change` may have come after the connection was made, and its parser fills the cache
        if refusal is None:
            return None
        self._turned_away.add(connection)
        if len(self._turned_away) > _MAX_OVERFLOW:
            connection.abort()
            return None
        return refusal

    def closed(self, connection: Connection) -> None:
        """Forget `connection`, which has ended."""
        self._connections.discard(connection)
        if connection in self._turned_away:
            self._turned_away.discard(connection)
        elif self._per_address is not None:
            self._per_address.closed(connection.peer)
        self.keeps(connection, 0)
        self.owes(connection, 0, b"")
        if self._empty is not None and not self._connections:
            self._empty.set()

    @property
    def open_connections(self) -> int:
        """Return how many connections are open, without those that were answered 503 because there are too many."""
        return len(self._connections) - len(self._turned_away) + len(self._reserved)

    def _admit(self, peer: str) -> Response | None:
        """Count one more connection of `peer`. If there are too many, return the answer that refuses it."""
        if self.open_connections >= self.max_connections:
            return responses.TOO_MANY
        if self._per_address is not None and self._per_address.opened(peer) > 0:
            self._per_address.closed(peer)
            return responses.TOO_MANY_OF_ADDRESS
        return None

    def _keep_time(self) -> None:
        """Start the clock and the sweep if they stand still: a peer connects."""
        if self._sweep_timer is None:
            self.now = self._loop.time()
            self._sweep_timer = self._loop.call_later(_SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        due = self.now + _SWEEP_S
        self.now = now = self._loop.time()
        self._observer.swept(now)
        is_needed = self._connections or self._reserved
        self._sweep_timer = self._loop.call_later(_SWEEP_S, self._sweep) if is_needed else None
        if now - due > _LATE_S:  # no peer is to blame: restart all time limits, read first
            for connection in (*self._connections, *self._reserved):
                connection.restart_time_limits(now)
            return
        for connection, give_up in list(self._reserved.items()):
            if connection.waited_s(now) > self.limits.headers_timeout:
                give_up()
        self._check_some(list(self._connections))

    def _check_some(self, connections: list[Connection]) -> None:
        for connection in connections[-_SWEPT_AT_ONCE:]:
            if connection in self._connections:  # it may have ended meanwhile
                connection.check_time(self.now)
        del connections[-_SWEPT_AT_ONCE:]
        if connections:
            self._loop.call_soon(self._check_some, connections)
