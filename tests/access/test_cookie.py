"""The cookie: its attributes, and what counts as one."""

import pytest

from tests.http.routing import head_of
from winlogd.access import cookie

SECRET = "0123456789abcdef" * 4


def test_over_https_the_name_binds_it_to_this_host() -> None:
    assert cookie.setting(SECRET, 60, True) == (
        "Set-Cookie",
        f"__Host-winlogd={SECRET}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
    )
    assert cookie.clearing(True) == (
        "Set-Cookie",
        "__Host-winlogd=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure",
    )


def test_over_plain_http_it_has_the_same_attributes_without_secure() -> None:
    assert cookie.setting(SECRET, 60, False)[1] == f"winlogd={SECRET}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
    assert cookie.clearing(False)[1] == "winlogd=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    ("fields", "plain", "secure"),
    [
        ((f"Cookie: winlogd={SECRET}",), SECRET, None),
        ((f"Cookie: __Host-winlogd={SECRET}",), None, SECRET),
        ((f"Cookie: a=b; winlogd={SECRET};c=d",), SECRET, None),
        (("Cookie: a=b", f"Cookie: winlogd={SECRET}"), SECRET, None),
        ((f"Cookie: winlogd={SECRET.upper()}",), SECRET.upper(), None),
        ((f"Cookie: xwinlogd={SECRET}; winlogd2={SECRET}",), None, None),
        ((f"Cookie: winlogd={SECRET}0",), None, None),
        ((f"Cookie: winlogd={SECRET[:-1]}g",), None, None),
        (("Cookie: winlogd=", "Cookie: winlogd"), None, None),
        ((f"X-Cookie: winlogd={SECRET}",), None, None),
        ((), None, None),
    ],
)
def test_each_way_has_its_own_cookie(fields: tuple[str, ...], plain: str | None, secure: str | None) -> None:
    head = head_of("GET", "/", *fields)
    assert (cookie.secret_in(head, False), cookie.secret_in(head, True)) == (plain, secure)


def test_secrets_are_256_random_bits() -> None:
    secrets = {cookie.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {64}
