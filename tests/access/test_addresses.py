"""The address that is stored with an event: the peer's own, or the one that a trusted proxy reports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running import Winlogd, an_event, running
from tests.support.wire import Wire, event_of

STRANGER = "127.0.0.2"
"""An address of this machine that is no trusted proxy by default."""


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """Run a server that listens on all addresses, IPv4 and IPv6."""
    with running(tmp_path_factory.mktemp("everywhere"), '[server]\nhost = "::"\n') as server:
        yield server


def source_ip(server: Winlogd, *fields: str, host: str = "127.0.0.1", source: str | None = None) -> str | None:
    """Send an event with these header fields, and return the address that is stored with it."""
    with Wire(server.port, host, source) as wire:
        wire.send(event_of(an_event(action="M"), *fields))
        answer = wire.answer()
    (row,) = server.rows("SELECT source_ip FROM events_today WHERE id = ?", answer.json["event_id"])
    server.execute("DELETE FROM events_today")
    found: str | None = row["source_ip"]
    return found


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ((), "127.0.0.1"),
        (("CF-Connecting-IP: 203.0.113.1",), "203.0.113.1"),
        (("X-Forwarded-For: 203.0.113.7",), "203.0.113.7"),
        (("X-Forwarded-For: 203.0.113.7, 10.0.0.1",), "203.0.113.7"),
        (("X-Forwarded-For:203.0.113.7 ,10.0.0.1",), "203.0.113.7"),
        (("X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 10.0.0.1"), "203.0.113.7"),
        (("X-Forwarded-For: 203.0.113.7", "CF-Connecting-IP: 203.0.113.1"), "203.0.113.1"),
        (("CF-Connecting-IP: unknown", "X-Forwarded-For: 203.0.113.7"), "203.0.113.7"),
        (("CF-Connecting-IP: 2001:DB8:0:0::1",), "2001:db8::1"),
        (("CF-Connecting-IP: ::ffff:203.0.113.1",), "203.0.113.1"),
        (("X-Forwarded-For: unknown, 203.0.113.7",), "127.0.0.1"),
        (("X-Forwarded-For: 203.0.113.7:4711",), "203.0.113.7"),
        (("X-Forwarded-For: 203.0.113.7:4711, 10.0.0.1:80",), "203.0.113.7"),
        (("X-Forwarded-For: [2001:db8::7]:443",), "2001:db8::7"),
        (("X-Forwarded-For: [::ffff:203.0.113.7]:443",), "203.0.113.7"),
        (("CF-Connecting-IP: 203.0.113.1:51234",), "203.0.113.1"),
        (("CF-Connecting-IP: [2001:db8::7]:443",), "2001:db8::7"),
        (("X-Forwarded-For: 203.0.113.256",), "127.0.0.1"),
        (("X-Forwarded-For: [2001:db8::1]",), "2001:db8::1"),
        (("X-Forwarded-For: fe80::1%eth0",), "127.0.0.1"),
        (("X-Forwarded-For: ",), "127.0.0.1"),
        (("X-Forwarded-For: , 203.0.113.7",), "127.0.0.1"),
        (("X-Real-IP: 203.0.113.7", "Forwarded: for=203.0.113.7"), "127.0.0.1"),
    ],
)
def test_a_trusted_proxy_tells_the_address(fields: tuple[str, ...], address: str, shared_server: Winlogd) -> None:
    assert source_ip(shared_server, *fields) == address


@pytest.mark.parametrize("fields", [("CF-Connecting-IP: 203.0.113.1",), ("X-Forwarded-For: 203.0.113.7",)])
def test_nobody_else_does(fields: tuple[str, ...], shared_server: Winlogd) -> None:
    assert source_ip(shared_server, *fields, source=STRANGER) == STRANGER


def test_the_same_head_from_two_peers_is_judged_for_each(shared_server: Winlogd) -> None:
    """The server caches its work on a head for the next head with the same bytes. Trust belongs to the peer."""
    field = "X-Forwarded-For: 203.0.113.7"
    for _ in range(2):
        assert source_ip(shared_server, field) == "203.0.113.7"
        assert source_ip(shared_server, field, source=STRANGER) == STRANGER


@pytest.mark.parametrize(
    ("trusted", "address"),
    [([], "127.0.0.1"), (["0.0.0.0/0", "::/0"], "203.0.113.7"), (["127.0.0.0/8"], "203.0.113.7")],
)
def test_the_administrator_says_who_is_trusted(trusted: list[str], address: str, tmp_path: Path) -> None:
    with running(tmp_path, f"[security]\ntrusted_proxies = {trusted}\n") as server:
        assert source_ip(server, "X-Forwarded-For: 203.0.113.7") == address


def test_a_peer_that_came_by_ipv6_is_known_by_its_address(everywhere: Winlogd) -> None:
    assert source_ip(everywhere, host="::1") == "::1"
    assert source_ip(everywhere, "X-Forwarded-For: 2001:db8::7", host="::1") == "2001:db8::7"


def test_an_ipv4_peer_of_an_ipv6_socket_is_written_as_ipv4(everywhere: Winlogd) -> None:
    assert source_ip(everywhere) == "127.0.0.1"
    assert source_ip(everywhere, source=STRANGER) == STRANGER
    assert source_ip(everywhere, "X-Forwarded-For: 203.0.113.7") == "203.0.113.7"
    assert source_ip(everywhere, "X-Forwarded-For: 203.0.113.7", source=STRANGER) == STRANGER


def test_an_automatic_logoff_has_the_address_of_the_logon_that_caused_it(server: Winlogd) -> None:
    server.post(an_event(timestamp="2026-01-13T08:00:00Z"), {"X-Forwarded-For": "203.0.113.1"})
    server.post(an_event(timestamp="2026-01-13T09:00:00Z"), {"X-Forwarded-For": "203.0.113.2"})
    assert [(row["action"], row["source_ip"]) for row in server.rows()] == [
        ("C", "203.0.113.1"),
        ("D", "203.0.113.2"),
        ("C", "203.0.113.2"),
    ]
