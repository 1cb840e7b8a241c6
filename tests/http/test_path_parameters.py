"""Paths with parameters: which route a path takes, and which parameters the endpoint gets."""

import json

import pytest

from tests.http.routing import answer, head_of
from winlogd.http.exchange import Handler
from winlogd.http.router import Refusal, Router
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import Head
from winlogd.http.wire.parser import HeadCache, RequestParser

MACHINE = "/api/v1/machines/{hostname}"


def told(head: Head) -> Handler:
    """Answer with the path's parameters."""
    body = json.dumps(dict(head.path_parameters)).encode()
    return lambda exchange, _: exchange.respond_ok(body)


def literal(head: Head) -> Handler:
    return lambda exchange, _: exchange.respond_ok(b'"literal"')


@pytest.fixture
def router() -> Router:
    return Router(
        {
            ("GET", MACHINE): told,
            ("POST", MACHINE): told,
            ("GET", "/api/v1/machines/all"): literal,
            ("GET", "/api/v1/machines/{hostname}/days/{day}"): told,
            ("GET", "/api/v1/machines/{hostname}/days/today"): literal,
            ("GET", "/api/v1/machines/PC-1/days/{day}"): told,
        }
    )


def parameters(router: Router, target: str, method: str = "GET") -> object:
    status, _, body = answer(router, head_of(method, target))
    assert status == 200
    return json.loads(body)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PC-05", "PC-05"),
        ("pc-05.school.local", "pc-05.school.local"),
        ("salle%20A102", "salle A102"),
        ("%C3%89tage", "Étage"),
        ("a+b", "a+b"),
        ("a%2Bb%2fc", "a+b/c"),
        ("%F0%9F%98%80", "😀"),
        ("%257B", "%7B"),
        ("..", ".."),
        ("{hostname}".replace("{", "%7B").replace("}", "%7D"), "{hostname}"),
    ],
)
def test_the_endpoint_gets_the_text_that_was_percent_encoded(written: str, meant: str, router: Router) -> None:
    assert parameters(router, f"/api/v1/machines/{written}") == {"hostname": meant}


def test_a_path_may_have_several(router: Router) -> None:
    assert parameters(router, "/api/v1/machines/PC-5/days/2026-01-13") == {"hostname": "PC-5", "day": "2026-01-13"}


def test_each_method_has_its_endpoint(router: Router) -> None:
    assert parameters(router, "/api/v1/machines/PC-5", "POST") == {"hostname": "PC-5"}


def test_the_query_is_no_part_of_it(router: Router) -> None:
    assert parameters(router, "/api/v1/machines/PC-5?hostname=PC-6") == {"hostname": "PC-5"}


def test_a_literal_path_goes_before_one_with_parameters(router: Router) -> None:
    assert parameters(router, "/api/v1/machines/all") == "literal"
    assert parameters(router, "/api/v1/machines/All") == {"hostname": "All"}


def test_what_is_literal_further_to_the_left_goes_first(router: Router) -> None:
    assert parameters(router, "/api/v1/machines/PC-1/days/today") == {"day": "today"}
    assert parameters(router, "/api/v1/machines/PC-2/days/today") == "literal"


def test_a_method_that_the_literal_path_does_not_serve_is_not_looked_for_elsewhere(router: Router) -> None:
    status, fields, _ = answer(router, head_of("POST", "/api/v1/machines/all"))
    assert (status, fields["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path", ["/api/v1/machines/", "/api/v1/machines", "/api/v1/machines/a/", "/api/v1/machines//a"]
)
def test_a_parameter_is_never_empty_and_never_two_segments(path: str, router: Router) -> None:
    assert answer(router, head_of("GET", path))[0] == 404


@pytest.mark.parametrize("octets", ["%FF", "%C3", "a%C3%28", "%ED%A0%80", "%C0%AF"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_what_is_no_utf_8_is_400_and_names_the_parameter(method: str, octets: str, router: Router) -> None:
    head = head_of(method, f"/api/v1/machines/{octets}")
    status, _, body = answer(router, head)
    assert status == 400
    if method != "HEAD":
        assert json.loads(body) == {
            "error": "Invalid path parameter",
            "details": {"hostname": "must be percent-encoded UTF-8"},
        }
    assert isinstance(router.handler_for(head), Refusal)


def test_of_two_the_one_at_fault_is_named(router: Router) -> None:
    _, _, body = answer(router, head_of("GET", "/api/v1/machines/PC-5/days/%FF"))
    assert list(json.loads(body)["details"]) == ["day"]


@pytest.mark.parametrize("hostname", ["PC-5", "%FF"])
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_a_method_that_is_not_served_is_405_with_allow(method: str, hostname: str, router: Router) -> None:
    status, fields, _ = answer(router, head_of(method, f"/api/v1/machines/{hostname}"))
    assert (status, fields["Allow"]) == (405, "GET, HEAD, POST")


def test_options_tells_the_methods(router: Router) -> None:
    assert answer(router, head_of("OPTIONS", "/api/v1/machines/PC-5")) == (204, {"Allow": "GET, HEAD, POST"}, b"")
    assert answer(router, head_of("OPTIONS", "*"))[1] == {"Allow": "GET, HEAD, OPTIONS, POST"}


def test_head_is_answered_as_get_without_the_body(router: Router) -> None:
    get = answer(router, head_of("GET", "/api/v1/machines/PC-5"))
    assert answer(router, head_of("HEAD", "/api/v1/machines/PC-5")) == (*get[:2], b"")


def test_a_method_that_the_server_does_not_know_is_501(router: Router) -> None:
    assert answer(router, head_of("BREW", "/api/v1/machines/PC-5"))[0] == 501


def test_a_path_may_have_a_405_of_its_own() -> None:
    router = Router({("GET", MACHINE): told}, {MACHINE: b'{"error":"Read only"}'})
    assert answer(router, head_of("DELETE", "/api/v1/machines/PC-5"))[2] == b'{"error":"Read only"}'


def test_a_path_without_parameters_has_none() -> None:
    router = Router({("GET", "/health"): told, ("GET", MACHINE): told})
    assert parameters(router, "/health") == {}


@pytest.mark.parametrize("other", ["/api/v1/machines/{name}", "/api/v1/{x}/{x}", "/api/{}", "/api/{"])
def test_paths_that_nobody_could_tell_apart_are_a_fault_of_the_table(other: str) -> None:
    with pytest.raises(ValueError, match=r"machines|twice"):
        Router({("GET", MACHINE): told, ("POST", other): told})


@pytest.mark.parametrize("path", ["/api/v1/machines/PC-%d", "/api/v1/machines/PC-1/days/%d", "/unknown/%d"])
def test_many_names_do_not_push_the_heads_of_other_paths_out(path: str) -> None:
    """There are more paths than the parser keeps heads."""
    router = Router({("GET", "/health"): literal, ("GET", MACHINE): told, ("GET", f"{MACHINE}/days/{{day}}"): told})
    parser = RequestParser(Limits(), HeadCache(router.is_literal))

    def read(target: str) -> Head:
        parser.receive(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        request = parser.next_request()
        assert request is not None
        return request.head

    before = read("/health")
    heads = [read(path % number) for number in range(1100)]
    assert read("/health") is before
    assert read(path % 0) is not heads[0]
