"""A connection with a real server at its other end: order, interim answers, back-pressure, the orderly end."""

import os
import select
from pathlib import Path
from typing import Final

import pytest

from tests.support.running import Winlogd, an_event, running, wait_for
from tests.support.wire import CLIENT_FIELDS, EVENTS, Wire, event_of, health, request

EXPECT: Final = "Expect: 100-continue"
REQUESTS: Final = 1000
MANY: Final = 200_000


def chunked(*chunks: bytes, fields: tuple[str, ...] = ()) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return request("POST", EVENTS, *CLIENT_FIELDS, "Transfer-Encoding: chunked", *fields, body=body)


def head_and_body(octets: bytes) -> tuple[bytes, bytes]:
    head, _, body = octets.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", body


# ── many requests on one connection ───────────────────────────────────────────────────────────────────


def test_a_connection_serves_one_request_after_the_other(wire: Wire) -> None:
    for number in range(5):
        wire.send(event_of(an_event(username="keep-alive", action="M", timestamp=f"2026-01-13T08:0{number}:00Z")))
        answer = wire.answer()
        assert answer.status == 200
        assert "connection" not in answer.headers


def test_a_thousand_pipelined_requests_are_answered_in_order(wire: Wire) -> None:
    """Every third request asks for the health, which needs no database; the others wait for it."""
    names = ["" if number % 3 == 0 else f"pipelined{number}" for number in range(REQUESTS)]
    wire.send(b"".join(event_of(an_event(username=name, action="M")) if name else health() for name in names))
    assert [wire.answer().json.get("username", "") for _ in names] == names


def test_requests_are_read_however_they_are_cut(wire: Wire) -> None:
    octets = event_of(an_event(username="byte by byte")) + chunked(b'{"username":"in chunks",', b'"action":"X"}')
    wire.send(*[octets[i : i + 1] for i in range(len(octets))])
    assert wire.answer().json["username"] == "byte by byte"
    assert wire.answer().status == 400


def test_a_body_may_come_in_chunks(wire: Wire) -> None:
    _, body = head_and_body(event_of(an_event(username="in chunks")))
    wire.send(chunked(body[:10], body[10:50], body[50:]))
    assert wire.answer().json["username"] == "in chunks"


def test_the_largest_body_is_taken_and_one_octet_more_is_not(wire: Wire) -> None:
    body = b'{"padding":"' + b"x" * (1_048_576 - 14) + b'"}'
    wire.send(event_of(body))
    assert wire.answer().json["error"] == "Invalid JSON structure: missing required fields"
    wire.send(event_of(body + b" "))
    assert wire.answer().status == 413
    assert wire.rest() == b""


# ── how long a connection lives ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("octets", "connection"),
    [
        (health("Connection: close"), "close"),
        (health("connection: Keep-Alive, Close"), "close"),
        (health(version="1.0"), "close"),
        (event_of(an_event(username="1.0"), version="1.0"), "close"),
    ],
)
def test_the_last_answer_says_so_and_is_followed_by_fin(octets: bytes, connection: str, wire: Wire) -> None:
    wire.send(octets + health())
    answer = wire.answer()
    assert (answer.status, answer.headers["connection"]) == (200, connection)
    assert wire.rest() == b""


def test_http_1_0_stays_when_asked_to(wire: Wire) -> None:
    for _ in range(2):
        wire.send(health("Connection: keep-alive", version="1.0"))
        answer = wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "keep-alive")


def test_what_was_asked_before_a_half_close_is_answered(wire: Wire) -> None:
    wire.send(event_of(an_event(username="half-closed")), health())
    wire.half_close()
    assert wire.answer().json["username"] == "half-closed"
    assert wire.answer().json["status"] == "ok"
    assert wire.rest() == b""


def test_a_thousand_requests_before_a_half_close_are_answered(wire: Wire) -> None:
    wire.send(event_of(an_event(username="first of many")) + health() * REQUESTS)
    wire.half_close()
    assert wire.answer().json["username"] == "first of many"
    for _ in range(REQUESTS):
        assert wire.answer().json["status"] == "ok"
    assert wire.rest() == b""


@pytest.mark.parametrize("octets", [b"", b"GET /hea", event_of(an_event())[:-1]])
def test_a_half_close_in_the_middle_of_a_request_ends_the_connection(octets: bytes, wire: Wire) -> None:
    wire.send(octets)
    wire.half_close()
    assert wire.rest() == b""


@pytest.mark.parametrize("octets", [b"", b"GET /hea", event_of(an_event())[:-1], health() * 100])
def test_a_client_that_vanishes_costs_only_its_own_connection(octets: bytes, shared_server: Winlogd) -> None:
    lost = Wire(shared_server.port)
    lost.send(octets)
    lost.vanish()
    assert shared_server.request("GET", "/health").status == 200


def test_an_event_is_stored_though_its_sender_vanished(shared_server: Winlogd) -> None:
    lost = Wire(shared_server.port)
    lost.send(event_of(an_event(username="vanished")))
    wait_for(lambda: shared_server.rows("SELECT id FROM events_today WHERE username = 'vanished'"), "the event")
    lost.vanish()
    assert shared_server.request("GET", "/health").status == 200


def test_a_client_that_sends_on_after_its_last_request_still_gets_the_answer(wire: Wire) -> None:
    """If the connection were closed with unread octets, the system would send a reset, which can destroy answers."""
    wire.send(request("POST", EVENTS, *CLIENT_FIELDS, f"Content-Length: {8 << 20}"), *[b"x" * 65536] * 64)
    assert wire.answer().status == 413
    assert wire.rest() == b""


@pytest.mark.parametrize("extension", [b";", b";=x", b';a="x', b";a b", b";a=", b';a="x"y', b" ;a"])
def test_nothing_is_read_after_a_chunk_extension_that_is_none(extension: bytes, wire: Wire) -> None:
    body = b"2%b\r\n{}\r\n0\r\n\r\n" % extension
    wire.send(request("POST", EVENTS, *CLIENT_FIELDS, "Transfer-Encoding: chunked", body=body) + health())
    answer = wire.answer()
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert wire.rest() == b""


# ── Expect: 100-continue ──────────────────────────────────────────────────────────────────────────────


def test_who_expects_a_100_gets_it_and_then_the_answer(wire: Wire) -> None:
    for number in range(2):
        head, body = head_and_body(
            event_of(an_event(username="polite", timestamp=f"202{number}-01-01T08:00:00Z"), EXPECT)
        )
        wire.send(head)
        assert wire.answer() == (100, {}, b"")
        wire.send(body)
        assert wire.answer().json["username"] == "polite"


def test_a_chunked_body_may_be_expected_too(wire: Wire) -> None:
    head, body = head_and_body(chunked(b"{}", fields=(EXPECT,)))
    wire.send(head)
    assert wire.answer().status == 100
    wire.send(body)
    assert wire.answer().status == 400


def test_a_100_comes_after_the_answers_before_it(wire: Wire) -> None:
    head, body = head_and_body(event_of(an_event(username="second"), EXPECT))
    wire.send(event_of(an_event(username="first")) + head)
    assert wire.answer().json["username"] == "first"
    assert wire.answer().status == 100
    wire.send(body)
    assert wire.answer().json["username"] == "second"


def test_who_does_not_wait_for_the_100_needs_none(wire: Wire) -> None:
    wire.send(event_of(an_event(username="hasty"), EXPECT))
    assert wire.answer().json["username"] == "hasty"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request("POST", EVENTS, *CLIENT_FIELDS, "Content-Length: 1048577", EXPECT), 413),
        (request("POST", EVENTS, "User-Agent: curl/8", "Content-Length: 9", EXPECT), 403),
        (request("POST", EVENTS, CLIENT_FIELDS[0], "Content-Length: 9", EXPECT), 415),
        (request("PUT", EVENTS, "Content-Length: 9", EXPECT), 405),
        (request("POST", "/nowhere", "Content-Length: 9", EXPECT), 404),
        (request("POST", EVENTS, "Content-Length: 9", "Expect: 200-ok"), 417),
    ],
)
def test_what_the_head_alone_forbids_is_refused_instead_of_the_100(head: bytes, status: int, wire: Wire) -> None:
    wire.send(head)
    answer = wire.answer()
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    wire.send(b"123456789")
    assert wire.rest() == b""


# ── back-pressure ─────────────────────────────────────────────────────────────────────────────────────


def resident_bytes(server: Winlogd) -> int:
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.long
def test_who_does_not_read_answers_is_not_read_either_and_gets_all_of_them_later(shared_server: Winlogd) -> None:
    before = resident_bytes(shared_server)
    octets = memoryview(health() * MANY)
    with Wire(shared_server.port, receive_buffer=4096) as greedy:
        greedy.socket.setblocking(False)
        sent = 0
        while select.select([], [greedy.socket], [], 0.3)[1]:
            sent += greedy.socket.send(octets[sent : sent + 65536])
            assert sent < len(octets), "the server reads without end"
        assert shared_server.request("GET", "/health").status == 200
        assert resident_bytes(shared_server) - before < 32 << 20
        greedy.socket.settimeout(30)
        greedy.half_close()
        for _ in range(sent // len(health())):
            assert greedy.answer().status == 200


# ── what the server itself answers ────────────────────────────────────────────────────────────────────


def test_head_is_answered_as_get_without_the_body(wire: Wire) -> None:
    wire.send(health())
    get = wire.answer()
    wire.send(request("HEAD", "/health") + health())
    assert wire.answer("HEAD") == (200, get.headers, b"")
    assert wire.answer() == get


@pytest.mark.parametrize(
    ("path", "allow"), [("/health", "GET, HEAD, OPTIONS"), (EVENTS, "OPTIONS, POST"), ("*", "GET, HEAD, OPTIONS, POST")]
)
def test_options_tells_the_methods(path: str, allow: str, wire: Wire) -> None:
    wire.send(request("OPTIONS", path))
    answer = wire.answer()
    assert (answer.status, set(answer.headers), answer.body) == (204, {"allow"}, b"")
    assert set(allow.split(", ")) - {"OPTIONS"} <= set(answer.headers["allow"].split(", "))
    wire.send(health())
    assert wire.answer().status == 200


@pytest.mark.parametrize(
    ("octets", "status", "error"),
    [
        (request("GET", "/nothing"), 404, "Not found"),
        (request("GET", "/health/"), 404, "Not found"),
        (request("GET", "/HEALTH"), 404, "Not found"),
        (request("OPTIONS", "/nowhere"), 404, "Not found"),
        (request("DELETE", "/health"), 405, "Method not allowed"),
        (request("BREW", "/health"), 501, "Method not implemented"),
        (request("get", "/health"), 501, "Method not implemented"),
    ],
)
def test_what_nobody_serves_is_told_and_the_connection_stays(
    octets: bytes, status: int, error: str, wire: Wire
) -> None:
    wire.send(octets + health())
    answer = wire.answer()
    assert (answer.status, answer.json["error"]) == (status, error)
    assert ("allow" in answer.headers) == (status == 405)
    assert wire.answer().status == 200


@pytest.mark.parametrize("target", ["/health?deep=1", "http://winlogd/health", "http://other:81/health?x"])
def test_every_form_of_a_target_is_understood(target: str, wire: Wire) -> None:
    wire.send(request("GET", target))
    assert wire.answer().status == 200


def test_the_paths_of_events_can_be_added_to(tmp_path: Path) -> None:
    with (
        running(tmp_path, '[server]\nevent_paths = ["/api/v1/events", "/index.php"]\n') as server,
        Wire(server.port) as wire,
    ):
        for path in (EVENTS, "/index.php?x=1"):
            wire.send(event_of(an_event(timestamp="2026-01-13T08:00:00Z")).replace(EVENTS.encode(), path.encode(), 1))
            assert wire.answer().status == 200
