"""The answers that the router gives by itself, and how an answer is encoded."""

import pytest

from tests.http.routing import Recorder, answer, head_of, parts_of
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.router import Endpoint, Refusal, Router
from winlogd.http.wire.message import Head, Response, encode, is_known


class Health:
    """An endpoint that counts its calls."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, head: Head) -> Handler:
        self.asked += 1
        return lambda exchange, body: exchange.respond_ok(b'{"status":"healthy"}')


def events(head: Head) -> Handler:
    if head.get("content-type") != "application/json":
        return Refusal(Response(415, b'{"error":"Not JSON"}'))
    return lambda exchange, body: exchange.respond_ok(body)


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def router(health: Health) -> Router:
    routes: dict[tuple[str, str], Endpoint] = {("GET", "/health"): health, ("POST", "/events"): events}
    return Router(routes, {"/events": b'{"error":"Method not allowed","expected":"POST"}'})


def test_a_request_goes_to_the_endpoint_of_its_method_and_path(router: Router) -> None:
    status, fields, body = answer(router, head_of("GET", "/health"))
    assert (status, body) == (200, b'{"status":"healthy"}')
    assert fields == {"Content-Type": "application/json", "Content-Length": "20"}


def test_the_query_does_not_choose_the_endpoint(router: Router) -> None:
    assert answer(router, head_of("GET", "/health?verbose=1"))[0] == 200


def test_an_absolute_uri_reaches_the_same_endpoint(router: Router) -> None:
    assert answer(router, head_of("GET", "http://log.example/health"))[0] == 200


def test_the_endpoint_gets_the_body(router: Router) -> None:
    head = head_of("POST", "/events", "Content-Type: application/json")
    assert answer(router, head, b"[1]")[2] == b"[1]"


def test_head_is_served_wherever_get_is_with_the_same_fields_and_no_body(router: Router) -> None:
    _, fields, _ = answer(router, head_of("GET", "/health"))
    assert answer(router, head_of("HEAD", "/health")) == (200, fields, b"")


@pytest.mark.parametrize("path", ["/", "/Health", "/health/", "//health", "/%68ealth", "/health/../events"])
def test_a_path_that_is_not_there_is_404(router: Router, path: str) -> None:
    status, fields, body = answer(router, head_of("GET", path))
    assert (status, body) == (404, b'{"error":"Not found"}')
    assert "Allow" not in fields


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "TRACE"])
def test_a_path_that_is_not_there_is_404_for_every_known_method(router: Router, method: str) -> None:
    assert answer(router, head_of(method, "/"))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"])
def test_a_method_that_a_path_does_not_serve_is_405_with_allow(router: Router, method: str) -> None:
    status, fields, body = answer(router, head_of(method, "/health"))
    assert (status, fields["Allow"]) == (405, "GET, HEAD")
    assert body == b'{"error":"Method not allowed"}'


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_path_may_have_a_405_of_its_own(router: Router, method: str) -> None:
    status, fields, body = answer(router, head_of(method, "/events"))
    assert (status, fields["Allow"]) == (405, "POST")
    assert body == b'{"error":"Method not allowed","expected":"POST"}'


def test_head_is_not_served_where_get_is_not(router: Router) -> None:
    status, fields, body = answer(router, head_of("HEAD", "/events"))
    assert (status, fields["Allow"], body) == (405, "POST", b"")
    assert fields["Content-Length"] == "48"


@pytest.mark.parametrize("method", ["BREW", "get", "GETS", "PROPFIND", "PRI"])
@pytest.mark.parametrize("path", ["/health", "/nowhere"])
def test_a_method_that_the_server_does_not_know_is_501(router: Router, method: str, path: str) -> None:
    status, fields, body = answer(router, head_of(method, path))
    assert (status, body) == (501, b'{"error":"Method not implemented"}')
    assert "Allow" not in fields


@pytest.mark.parametrize(
    ("target", "allow"),
    [
        ("/health", "GET, HEAD"),
        ("/events", "POST"),
        ("*", "GET, HEAD, OPTIONS, POST"),
        ("http://a", "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_options_tells_what_is_allowed_in_an_answer_without_a_body(router: Router, target: str, allow: str) -> None:
    assert answer(router, head_of("OPTIONS", target)) == (204, {"Allow": allow}, b"")


def test_an_endpoint_is_asked_once_for_a_head(router: Router, health: Health) -> None:
    head = head_of("GET", "/health")
    assert router.handler_for(head) is router.handler_for(head)
    assert health.asked == 1


def test_an_endpoint_is_asked_anew_for_another_head(router: Router, health: Health) -> None:
    router.handler_for(head_of("GET", "/health"))
    router.handler_for(head_of("GET", "/health", "X: y"))
    assert health.asked == 2


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/nowhere"), ("GET", "/events"), ("BREW", "/health"), ("POST", "/events")]
)
def test_what_the_head_alone_decides_is_known_before_the_body(router: Router, method: str, target: str) -> None:
    assert isinstance(router.handler_for(head_of(method, target)), Refusal)


def test_what_needs_the_body_is_no_refusal(router: Router) -> None:
    head = head_of("POST", "/events", "Content-Type: application/json")
    assert not isinstance(router.handler_for(head), Refusal)


def test_a_refusal_is_reported_before_it_is_sent(router: Router) -> None:
    recorder, head = Recorder(), head_of("GET", "/nowhere")
    router.handler_for(head)(Exchange(recorder, head), b"")
    assert [response.status for response in recorder.refusals] == [404]


def test_an_answer_says_its_type_and_length() -> None:
    octets = encode(Response(200, "ä".encode(), content_type="text/plain"), head_of("GET", "/"), closes=False)
    assert octets == b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n\xc3\xa4"


def test_an_answer_carries_its_further_fields() -> None:
    response = Response(503, b"{}", (("Retry-After", "1"), ("X", "y")))
    assert parts_of(encode(response, head_of("GET", "/"), closes=False))[1] == {
        "Content-Type": "application/json",
        "Content-Length": "2",
        "Retry-After": "1",
        "X": "y",
    }


def test_an_answer_to_head_keeps_the_length_and_drops_the_body() -> None:
    _, fields, body = parts_of(encode(Response(200, b"hello"), head_of("HEAD", "/"), closes=False))
    assert (fields["Content-Length"], body) == ("5", b"")


def test_an_answer_of_no_content_has_neither_length_nor_type() -> None:
    octets = encode(Response(204, b""), head_of("OPTIONS", "/"), closes=False)
    assert octets == b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize(
    ("version", "closes", "connection"),
    [("1.1", False, None), ("1.1", True, "close"), ("1.0", False, "keep-alive"), ("1.0", True, "close")],
)
def test_an_answer_says_what_becomes_of_the_connection(version: str, closes: bool, connection: str | None) -> None:
    head = head_of("GET", "/", version=version)
    assert parts_of(encode(Response(200, b""), head, closes))[1].get("Connection") == connection


def test_an_answer_to_what_could_not_be_read_has_a_body() -> None:
    status, fields, body = parts_of(encode(Response(400, b"{}"), None, closes=True))
    assert (status, fields["Connection"], body) == (400, "close", b"{}")


@pytest.mark.parametrize(
    "head",
    [
        head_of("GET", "/"),
        head_of("HEAD", "/"),
        head_of("GET", "/", "Connection: close"),
        head_of("GET", "/", version="1.0"),
        head_of("GET", "/", "Connection: keep-alive", version="1.0"),
    ],
    ids=["plain", "HEAD", "close", "HTTP/1.0", "HTTP/1.0 keep-alive"],
)
def test_the_short_way_to_200_writes_the_same_octets(head: Head) -> None:
    recorder = Recorder()
    Exchange(recorder, head).respond_ok(b'{"a":1}')
    assert recorder.answers == [encode(Response(200, b'{"a":1}'), head, closes=not head.keep_alive)]


def test_a_second_answer_is_dropped() -> None:
    recorder = Recorder()
    exchange = Exchange(recorder, head_of("GET", "/"))
    exchange.respond(Response(404, b"{}"))
    exchange.respond(Response(500, b"{}"))
    exchange.respond_ok(b"{}")
    assert [parts_of(octets)[0] for octets in recorder.answers] == [404]
    assert len(recorder.refusals) == 1


def test_the_known_methods_are_those_of_the_standards() -> None:
    known = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
    assert all(map(is_known, known))
    assert not any(map(is_known, ["", "get", "*", "PROPFIND"]))
