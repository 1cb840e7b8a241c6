"""Who may read what with a configuration: the table that ``winlogd check-config`` prints.

It has the rows of the table in docs/access.md. A test holds both to the rules in `access.scopes`. This file must not
know the server, or how a request is decided.
"""

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from winlogd.access.local import machine_names
from winlogd.config.messages import escaped
from winlogd.config.sections import Config, Security

TITLES: Final = ("WHO", "READS")

_FIXED: Final = {
    "scope wall": "/api/v1/rooms, /api/v1/snapshot and /api/v1/live: no names; the page /wall",
    "scope metrics": "/metrics: figures for monitoring, no names",
    "scope now": "as wall, and who is on now: /api/v1/sessions/current; /api/v1/machines, /api/v1/machines/{hostname}"
    " and /api/v1/users/{username} without their past; /api/v1/search among these; the pages /,"
    " /machine/{hostname}, /user/{username} and /ghosts",
    "scope all": "as now and metrics, and the past: /api/v1/sessions, /api/v1/events, /api/v1/stats,"
    " /api/v1/occupancy, /api/v1/moment, /api/v1/hardware; the pages /timeline, /hardware and /trends",
    "scope audit": "the rows of all in the readers' log",
    "every scope": "/api/v1/openapi.yaml, /api/v1/me: who asks, and its own rows of the readers' log:"
    " /api/v1/readers/log; the pages /account and /readers-log",
}
"""What a token reads. No option changes this."""
_NOTHING: Final = "nothing more"
_WIDTHS: Final = (40, 78)
_GAP: Final = "  "


def who_reads(config: Config) -> Iterator[tuple[str, str]]:
    """Yield who reads, and what they read, with a configuration."""
    security = config.security
    yield "everybody", "/health and /ready; and /login, /logout and /web/{name}, which tell nothing of anybody"
    yield _networks(security)
    yield from _FIXED.items()
    yield (
        "this machine, without a token",
        "as scope all, until the first reader is added"
        if security.local_reads
        else f"{_NOTHING}: security.local_reads is false",
    )
    yield "a token over plain HTTP, from elsewhere", _plain(config)
    yield f"who asks for another Host than an IP address, {_names(security)}", _NOTHING


def table_of(config: Config) -> str:
    """Return the table as lines. A long cell takes some lines."""
    lines = []
    for row in (TITLES, *who_reads(config)):
        left, right = (wrap(escaped(row[side]), _WIDTHS[side], break_on_hyphens=False) for side in (0, 1))
        for number in range(max(len(left), len(right))):
            parts = [part[number] if number < len(part) else "" for part in (left, right)]
            lines.append(_GAP.join((parts[0].ljust(_WIDTHS[0]), parts[1])).rstrip())
    return "".join(f"{line}\n" for line in lines)


def _networks(security: Security) -> tuple[str, str]:
    if not security.read_networks:
        return "security.read_networks, without a token", f"{_NOTHING}: it is empty"
    listed = ", ".join(security.read_networks)
    return f"security.read_networks, without a token: {listed}", "/api/v1/sessions/current, and nothing else"


def _plain(config: Config) -> str:
    if config.security.plain_login:
        return "as over HTTPS: security.plain_login is true. Who can listen on the network learns the token"
    if config.server.tls_port:
        return f"{_NOTHING}: HTTPS is at server.tls_port = {config.server.tls_port}"
    return f"{_NOTHING}: set server.tls_port, or let one of security.trusted_proxies speak HTTPS"


def _names(security: Security) -> str:
    return ", ".join(("localhost", *(security.names or sorted(machine_names()))))
