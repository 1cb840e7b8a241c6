"""Which page a form comes from, and if a person has opened an address."""

import pytest

from tests.http.routing import head_of
from winlogd.access.origin import is_navigation, is_same_origin
from winlogd.http.wire.message import Head


@pytest.mark.parametrize(
    ("fields", "is_ours"),
    [
        (("Sec-Fetch-Site: same-origin",), True),
        (("Sec-Fetch-Site: same-origin", "Origin: null"), True),
        (("Sec-Fetch-Site: same-site", "Origin: http://a"), False),
        (("Sec-Fetch-Site: cross-site",), False),
        (("Sec-Fetch-Site: none",), False),
        (("Sec-Fetch-Site:",), False),
        (("Origin: http://a",), True),
        (("Origin: https://A",), True),
        (("Origin: http://a:3000",), False),
        (("Origin: http://b",), False),
        (("Origin: http://a.b",), False),
        (("Origin: http://",), False),
        (("Origin: null",), False),
        (("Origin: a",), False),
        (("Origin: file://a",), False),
        (("Referer: http://a/",), False),
        ((), False),
    ],
)
def test_a_form_is_ours_if_the_browser_says_so(fields: tuple[str, ...], is_ours: bool) -> None:
    """The Host of these requests is ``a``."""
    assert is_same_origin(head_of("POST", "/", *fields)) is is_ours


def test_a_request_without_host_comes_from_nowhere() -> None:
    fields = (("origin", "http://"),)
    assert not is_same_origin(Head("POST", "/", "", 0, fields, 0, keep_alive=False, expects_continue=False))


@pytest.mark.parametrize(
    ("fields", "is_person"),
    [
        (("Sec-Fetch-Mode: navigate",), True),
        (("Sec-Fetch-Mode: cors", "Accept: text/html"), False),
        (("Accept: text/html,application/xhtml+xml",), True),
        (("Accept: application/json",), False),
        (("Accept: */*",), False),
        ((), False),
    ],
)
def test_a_person_can_read_a_page(fields: tuple[str, ...], is_person: bool) -> None:
    assert is_navigation(head_of("GET", "/", *fields)) is is_person
