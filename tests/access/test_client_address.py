"""Which address limits go by, when proxies stand between."""

import pytest

from winlogd.access.addresses import TrustedProxies, client_address
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
        (("CF-Connecting-IP: 203.0.113.9",), PROXY, PROXY),
        (("X-Forwarded-For: 203.0.113.9",), "192.0.2.7", "192.0.2.7"),
    ],
)
def test_it_is_the_nearest_one_that_is_no_trusted_proxy(fields: tuple[str, ...], peer: str, address: str) -> None:
    assert client_address(head_with(*fields), peer, PROXIES) == address
