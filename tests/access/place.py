"""A server with a reader of each scope, and a request for each of its paths."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.readers import add_reader, token, with_tls
from tests.support.running import Winlogd, a_steady_port, an_event, running
from winlogd.access.scopes import SCOPES

ENDPOINTS: Final = {
    "/health": "/health",
    "/ready": "/ready",
    "/metrics": "/metrics",
    "/api/v1/sessions/current": "/api/v1/sessions/current",
    "/api/v1/sessions": "/api/v1/sessions?user=alice",
    "/api/v1/events": "/api/v1/events",
    "/api/v1/machines": "/api/v1/machines",
    "/api/v1/machines/{hostname}": "/api/v1/machines/A102-07",
    "/api/v1/users/{username}": "/api/v1/users/alice",
    "/api/v1/rooms": "/api/v1/rooms",
    "/api/v1/stats": "/api/v1/stats",
    "/api/v1/occupancy": "/api/v1/occupancy?day=today",
    "/api/v1/search": "/api/v1/search?q=al",
    "/api/v1/hardware": "/api/v1/hardware?q=i5",
    "/api/v1/moment": "/api/v1/moment?at=2026-01-13T10:00",
    "/api/v1/snapshot": "/api/v1/snapshot",
    "/api/v1/openapi.yaml": "/api/v1/openapi.yaml",
    "/api/v1/me": "/api/v1/me",
    "/api/v1/readers/log": "/api/v1/readers/log",
}
"""A request for each path of the server."""

OPEN_NETWORK: Final = {"X-Forwarded-For": "198.51.100.9"}
ELSEWHERE: Final = {"X-Forwarded-For": "192.0.2.7"}
"""The fields by which the trusted proxy of this machine says where a request comes from."""


class Place(NamedTuple):
    """A server with a reader of each scope, and their tokens; further ones that are not valid, by what they are."""

    server: Winlogd
    tls_port: int
    tokens: dict[str, str]


@contextmanager
def a_place(folder: Path) -> Iterator[Place]:
    """Run a server with readers, on whose site Alice is on, and Albert was."""
    port = a_steady_port()
    settings = with_tls(port) + '[security]\nread_networks = ["198.51.100.0/24"]\n[rooms]\nfrom_hostname = "{room}-*"\n'
    with running(folder, settings) as server:
        server.wait_until_it_obeys()
        server.post(an_event())
        server.post(an_event(username="albert", hostname="B201-01"))
        server.post(an_event(username="albert", hostname="B201-01", action="D", timestamp="2026-01-13T09:30:00Z"))
        tokens = {scope: add_reader(folder, scope, "--scope", scope) for scope in SCOPES}
        tokens["revoked"] = add_reader(folder, "revoked", "--scope", "all")
        token(folder, "revoke", "revoked")
        tokens["expired"] = add_reader(folder, "expired", "--scope", "all")
        tokens["unknown"] = "0" * 32
        with_expired(server)
        yield Place(server, port, tokens)


def with_expired(server: Winlogd) -> None:
    """Let the token of the reader ``expired`` be of yesterday: stop the server, change the row, start it again."""
    assert server.stop() == 0
    with closing(sqlite3.connect(server.database.with_name("winlog.access"))) as connection, connection:
        connection.execute("UPDATE readers SET expires_us = created_us + 1 WHERE name = 'expired'")
    server.restart()
    server.wait_until_it_obeys()
