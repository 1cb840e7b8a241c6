"""The address to which rights and limits apply, when proxies stand between the client and the server."""

import pytest

from winlogd.access.addresses import UNKNOWN, TrustedProxies, client_address, forwarded_address
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head
from winlogd.http.wire.parser import HeadCache, RequestParser

PROXY = "10.0.0.1"
PROXIES = TrustedProxies(("10.0.0.0/24", "::1/128"))


def head_with(*fields: str) -> Head:
    parser = RequestParser(Limits(), HeadCache())
    parser.receive("\r\n".join(["GET / HTTP/1.1", "Host: a", *fields, "", ""]).encode())
    request = parser.next_request()
    assert request is not None
    return request.head


@pytest.mark.parametrize(
    ("fields", "peer", "address"),
    [
        ((), PROXY, PROXY),
        (("X-Forwarded-For: 192.0.2.7",), PROXY, "192.0.2.7"),
        (("X-Forwarded-For: 203.0.113.9, 192.0.2.7",), PROXY, "192.0.2.7"),
        (("X-Forwarded-For: 192.0.2.7, 10.0.0.2, ::1",), PROXY, "192.0.2.7"),
        (("X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 192.0.2.7"), PROXY, "192.0.2.7"),
        (("X-Forwarded-For: 10.0.0.3, 10.0.0.2",), PROXY, PROXY),
        (("X-Forwarded-For: 192.0.2.7, me",), PROXY, "unknown"),
        (("X-Forwarded-For: 203.0.113.9, 192.0.2.7:51234",), PROXY, "192.0.2.7"),
        (("X-Forwarded-For: [2001:db8::7]:443",), PROXY, "2001:db8::7"),
        (("X-Forwarded-For: 192.0.2.7:51234, 10.0.0.2:80, [::1]:443",), PROXY, "192.0.2.7"),
        (("CF-Connecting-IP: 203.0.113.9",), PROXY, PROXY),
        (("X-Forwarded-For: 203.0.113.9",), "192.0.2.7", "192.0.2.7"),
    ],
)
def test_it_is_the_nearest_one_that_is_no_trusted_proxy(fields: tuple[str, ...], peer: str, address: str) -> None:
    assert client_address(head_with(*fields), peer, PROXIES) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7:1", "192.0.2.7"),
        ("192.0.2.7:0", "192.0.2.7"),
        ("192.0.2.7:00080", "192.0.2.7"),
        ("192.0.2.7:65535", "192.0.2.7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("[2001:db8::7]:65535", "2001:db8::7"),
        ("[::ffff:192.0.2.7]:443", "192.0.2.7"),
        ("2001:db8::7:443", "2001:db8::7:443"),
    ],
)
def test_an_address_may_carry_a_port_which_is_dropped(text: str, address: str) -> None:
    head = head_with(f"X-Forwarded-For: {text}")

    assert client_address(head, PROXY, PROXIES) == address
    assert forwarded_address(head) == address
    assert forwarded_address(head_with(f"CF-Connecting-IP: {text}")) == address


@pytest.mark.parametrize(
    "text",
    [
        *(
            "192.0.2.7:",
            "192.0.2.7:x",
            "192.0.2.7:-1",
            "192.0.2.7:+1",
            "192.0.2.7:8_0",
            "192.0.2.7: 80",
            "192.0.2.7:65536",
        ),
        *("192.0.2.7:000080", "192.0.2.7:80:80", ":80", "192.0.2:80", "example.org:80", "2001:db8::1:2:3:4:5:6:443"),
        *(
            "[2001:db8::7]:",
            "[2001:db8::7]:65536",
            "[2001:db8::7]:x",
            "[2001:db8::7]443",
            "[2001:db8::7",
            "2001:db8::7]",
        ),
        *("[192.0.2.7]:80", "[192.0.2.7]", "[]:80", "[", "[[::1]]:80", "[fe80::1%eth0]:80", "[2001:db8::7:80"),
    ],
)
def test_a_wrong_port_or_bracket_makes_it_no_address(text: str) -> None:
    head = head_with(f"X-Forwarded-For: {text}")

    assert client_address(head, PROXY, PROXIES) == UNKNOWN
    assert forwarded_address(head) is None
    assert forwarded_address(head_with(f"CF-Connecting-IP: {text}")) is None
