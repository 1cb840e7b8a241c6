"""A wrong request gets the answer of the first failed check, and does not cost the connection."""

import json
import uuid
from typing import Any, Final

import pytest

from tests.support.running import Answer, Winlogd, an_event
from tests.support.wire import CLIENT_FIELDS, EVENTS, Wire, event_of, request

AGENT, TYPE = CLIENT_FIELDS
GOOD: Final = json.dumps(an_event(username="good")).encode()
MISSING: Final = "Invalid JSON structure: missing required fields"


def post(*fields: str, body: bytes = GOOD) -> bytes:
    return request("POST", EVENTS, f"Content-Length: {len(body)}", *fields, body=body)


def answer_is(answer: Answer, status: int, body: bytes, **more_headers: str) -> None:
    assert (answer.status, answer.body) == (status, body)
    headers = {"content-type": "application/json", "content-length": str(len(body))} | more_headers
    assert answer.headers == headers


def is_still_served(wire: Wire) -> None:
    """Assert that the server answers the next request on the same connection as usual."""
    wire.send(event_of(an_event(username="after a refusal")))
    answer = wire.answer()
    assert (answer.status, answer.json["username"]) == (200, "after a refusal")


# ── by the header section ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_method_other_than_post_is_told_which_is_expected(method: str, wire: Wire) -> None:
    wire.send(request(method, EVENTS, *CLIENT_FIELDS))
    answer_is(wire.answer(), 405, b'{"error":"Method not allowed","expected":"POST"}', allow="GET, HEAD, POST")
    is_still_served(wire)


@pytest.mark.parametrize(
    "agent", [(), ("User-Agent: curl/8.5",), ("User-Agent: winlog/0.1.0",), ("User-Agent: my Winlog/0.1.0",)]
)
def test_another_user_agent_is_refused(agent: tuple[str, ...], wire: Wire) -> None:
    wire.send(post(*agent, TYPE))
    answer_is(wire.answer(), 403, b'{"error":"Invalid User-Agent"}')
    is_still_served(wire)


@pytest.mark.parametrize(
    "content_type",
    [(), ("Content-Type: text/plain",), ("Content-Type: application/jsonl",), ("Content-Type: application/json, x/y",)],
)
def test_another_content_type_is_refused(content_type: tuple[str, ...], wire: Wire) -> None:
    wire.send(post(AGENT, *content_type))
    answer_is(wire.answer(), 415, b'{"error":"Invalid Content-Type","expected":"application/json"}')
    is_still_served(wire)


@pytest.mark.parametrize(
    "fields",
    [
        ("User-Agent: Winlog/0.1.0 (site 7)", TYPE),
        (AGENT, "Content-Type: application/json; charset=utf-8"),
        (AGENT, "Content-Type: Application/JSON;charset=utf-8"),
        (AGENT, "content-type:application/json"),
    ],
)
def test_variations_of_a_good_header_section_are_taken(fields: tuple[str, ...], wire: Wire) -> None:
    wire.send(post(*fields))
    assert wire.answer().status == 200


# ── by the body ───────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_body_is_refused(wire: Wire) -> None:
    wire.send(event_of(b""))
    answer_is(wire.answer(), 400, b'{"error":"Empty request body"}')
    is_still_served(wire)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"{", "line 1, column 2"),
        (b'{"username":"x"', "line 1, column 16"),
        (b'{\n"username": nope}', "line 2, column 13"),
        (b'{"username":"Ren\xe9e"}', "byte 17 (0xE9) is not UTF-8; send the body as UTF-8"),
        ("{}".encode("utf-16-le"), "byte 2 (0x00) is no JSON; this looks like UTF-16: send the body as UTF-8"),
        (b"NaN", "line 1, column 1"),
        (b"[" * 5000 + b"]" * 5000, "line 1, column"),
    ],
)
def test_a_body_that_is_no_json_is_told_what_and_where(body: bytes, where: str, wire: Wire) -> None:
    wire.send(event_of(body))
    answer = wire.answer()
    assert answer.status == 400
    assert list(answer.json) == ["error", "details"]
    assert answer.json["error"] == "Invalid JSON"
    assert where in answer.json["details"]
    is_still_served(wire)


@pytest.mark.parametrize("body", [b"[]", b'"C"', b"1", b"null", b"true"])
def test_json_that_is_no_object_is_refused(body: bytes, wire: Wire) -> None:
    wire.send(event_of(body))
    answer = wire.answer()
    assert (answer.status, answer.json["error"]) == (400, MISSING)
    is_still_served(wire)


@pytest.mark.parametrize(
    ("wrong", "details"),
    [
        ({"username": ""}, {"username": "must not be empty"}),
        ({"username": None}, {"username": "must be a string"}),
        ({"username": 7}, {"username": "must be a string"}),
        ({"username": "u" * 257}, {"username": "must have at most 256 characters"}),
        ({"username": "a\nb"}, {"username": "must not hold control characters"}),
        ({"username": "a\x85b"}, {"username": "must not hold control characters"}),
        ({"action": ""}, {"action": "must not be empty"}),
        ({"action": 1}, {"action": "must be a string"}),
        ({"timestamp": ""}, {"timestamp": "must not be empty"}),
        ({"timestamp": 1768293000}, {"timestamp": "must be a string"}),
        ({"hostname": 7}, {"hostname": "must be a string or null"}),
        ({"hostname": "h" * 256}, {"hostname": "must have at most 255 characters"}),
        ({"hostname": "a\x00b"}, {"hostname": "must not hold control characters"}),
        ({"os_info": "Windows"}, {"os_info": "must be an object or null"}),
        ({"os_info": {"os_name": 7}}, {"os_info.os_name": "must be a string or null"}),
        ({"os_info": {"os_version": "v" * 257}}, {"os_info.os_version": "must have at most 256 characters"}),
        ({"os_info": {"kernel_version": []}}, {"os_info.kernel_version": "must be a string or null"}),
        ({"hardware_info": "x" * 65535}, {"hardware_info": "must have at most 65536 bytes as compact JSON"}),
        ({"username": "", "hostname": 7}, {"username": "must not be empty", "hostname": "must be a string or null"}),
    ],
)
def test_a_wrong_field_is_named_with_what_is_wrong(
    wrong: dict[str, object], details: dict[str, str], wire: Wire
) -> None:
    wire.send(event_of(an_event() | wrong))
    answer = wire.answer()
    assert answer.status == 400
    assert list(answer.json.items()) == [("error", MISSING), ("details", details)]
    is_still_served(wire)


@pytest.mark.parametrize("field", ["username", "action", "timestamp"])
def test_a_missing_field_is_named(field: str, wire: Wire) -> None:
    event = an_event()
    del event[field]
    wire.send(event_of(event))
    assert wire.answer().json == {"error": MISSING, "details": {field: "is missing"}}
    is_still_served(wire)


def test_hardware_that_is_nested_too_deeply_is_refused(wire: Wire) -> None:
    wire.send(event_of(an_event(action="M", hardware_info=nested(201))))
    details = {"hardware_info": "must not be nested deeper than 200 levels"}
    assert wire.answer().json == {"error": MISSING, "details": details}
    is_still_served(wire)


def nested(levels: int) -> object:
    value: object = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("action", ["X", "c", "CD", " C", "\u202e\U0001f600"])
def test_an_unknown_action_is_told_back(action: str, wire: Wire) -> None:
    wire.send(event_of(an_event(action=action)))
    answer_is(wire.answer(), 400, f'{{"error":"Invalid action: {action}"}}'.encode())
    is_still_served(wire)


@pytest.mark.parametrize(
    ("timestamp", "fault"),
    [
        ("now", "does not begin with a date"),
        ("２026-01-13T08:30:00Z", "does not begin with a date"),
        ("2026-01-13", "must have T and a time of day after the date"),
        ("2026-01-13T08:30Z", "has no seconds"),
        ("2026-01-13T08:30:00", "has no time zone: append Z or an offset such as +01:00"),
        ("2026-01-13T08:30:00+0100", "has a time zone that is not understood"),
        ("2026-01-13T24:00:00Z", "has a time of day that no clock shows"),
        ("2026-13-01T08:30:00Z", "has a date that no calendar has"),
        ("2026-02-30T08:30:00Z", "has a date that no calendar has"),
        ("1969-12-31T23:59:59Z", "must lie between the years 1970 and 9998, in UTC"),
        ("1970-01-01T00:59:59+01:00", "must lie between the years 1970 and 9998, in UTC"),
        ("9998-12-31T23:59:59-01:00", "must lie between the years 1970 and 9998, in UTC"),
        ("2026-01-13T08:30:00." + "1" * 44 + "Z", "must have at most 64 characters"),
    ],
)
def test_a_timestamp_that_is_no_instant_is_refused_with_what_is_wrong(timestamp: str, fault: str, wire: Wire) -> None:
    wire.send(event_of(an_event(timestamp=timestamp)))
    answer = wire.answer()
    assert answer.json["details"].startswith(fault)
    details = json.dumps(answer.json["details"])
    answer_is(answer, 400, f'{{"error":"Invalid timestamp format (expected ISO 8601)","details":{details}}}'.encode())
    is_still_served(wire)


def test_the_first_check_that_fails_gives_the_answer(wire: Wire) -> None:
    """Everything is wrong at first. Then one mistake after the other is corrected."""
    bad_time = an_event(timestamp="now")
    steps = [
        (request("PUT", EVENTS), 405, "Method not allowed"),
        (post("Content-Type: x/y", body=b""), 403, "Invalid User-Agent"),
        (post(AGENT, "Content-Type: x/y", body=b""), 415, "Invalid Content-Type"),
        (post(AGENT, TYPE, body=b""), 400, "Empty request body"),
        (post(AGENT, TYPE, body=b"{"), 400, "Invalid JSON"),
        (event_of(bad_time | {"action": "X", "username": ""}), 400, MISSING),
        (event_of(bad_time | {"action": "X"}), 400, "Invalid action: X"),
        (event_of(bad_time), 400, "Invalid timestamp format (expected ISO 8601)"),
    ]
    for octets, status, error in steps:
        wire.send(octets)
        answer = wire.answer()
        assert (answer.status, answer.json["error"]) == (status, error)
    is_still_served(wire)


def test_nothing_of_a_refused_event_is_stored(server: Winlogd) -> None:
    server.wait_until_open()
    for wrong in ({"username": ""}, {"action": "X"}, {"timestamp": "now"}, {"hostname": 7}):
        assert server.post(an_event() | wrong).status == 400
    assert server.rows() == []


# ── what is taken ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"username": "\U0001f600" * 256}, {"username": "\U0001f600" * 256}),
        ({"hostname": "h" * 255}, {"hostname": "h" * 255}),
        ({"hostname": ""}, {"hostname": None}),
        ({"os_info": {"os_name": "n" * 256, "x": 1}}, {"os_name": "n" * 256, "os_version": None}),
        ({"os_info": None}, {"os_name": None, "os_version": None, "kernel_version": None}),
        ({"hardware_info": "x" * 65534}, {"hardware_info": '"' + "x" * 65534 + '"'}),
        ({"hardware_info": {"b": [1, 2.5], "a": "é"}}, {"hardware_info": '{"b":[1,2.5],"a":"é"}'}),
        ({"hardware_info": False}, {"hardware_info": "false"}),
        ({"timestamp": "2026-01-13 08:30:00.120Z"}, {"timestamp": "2026-01-13T08:30:00.120+00:00"}),
        ({"timestamp": "2026-01-13t08:30:00z"}, {"timestamp": "2026-01-13T08:30:00+00:00"}),
        ({"timestamp": "2026-01-13T23:59:60Z"}, {"timestamp": "2026-01-13T23:59:60Z"}),
        ({"timestamp": "2025-12-31T23:30:00-01:00"}, {"timestamp": "2026-01-01T00:30:00+00:00"}),
        ({"unknown": {"x": 1}}, {"action": "C"}),
        ({"unknown": "\ud800", "hardware_info": ["\udc00"]}, {"hardware_info": '["\ufffd"]'}),
        ({"unknown": 10**400, "hardware_info": {"a": -(10**400)}}, {"hardware_info": '{"a":null}'}),
        ({"hostname": "PC\ud800"}, {"hostname": "PC\ufffd"}),
        ({"os_info": {"os_name": "\x1b[2J\x07\0", "os_version": "\x9b2J"}}, {"os_name": " [2J  ", "os_version": " 2J"}),
        ({"os_info": {"kernel_version": "\x7f\n"}}, {"kernel_version": "  "}),
        ({"hardware_info": "\x1b\x7f\x9b"}, {"hardware_info": '"\\u001b\\u007f\\u009b"'}),
    ],
)
def test_what_is_within_the_rules_is_stored(
    sent: dict[str, Any], stored: dict[str, Any], shared_server: Winlogd
) -> None:
    answer = shared_server.post(an_event(username=uuid.uuid4().hex) | sent)
    assert answer.status == 200
    (row,) = shared_server.rows("SELECT * FROM events_today WHERE id = ?", answer.json["event_id"])
    assert stored.items() <= row.items()


def test_hardware_may_be_nested_to_the_limit(shared_server: Winlogd) -> None:
    assert shared_server.post(an_event(action="M", hardware_info=nested(200))).status == 200


def test_an_integer_beyond_64_bits_becomes_a_double(server: Winlogd) -> None:
    assert server.post(an_event(action="M", hardware_info=2**64)).status == 200
    (stored,) = server.rows("SELECT hardware_info FROM events_today")
    assert isinstance(json.loads(stored["hardware_info"]), float)
    assert json.loads(stored["hardware_info"]) == 2**64


def test_of_a_doubled_key_the_last_counts(wire: Wire) -> None:
    wire.send(event_of(b'{"username":"first","action":"M","timestamp":"2026-01-13T08:00:00Z","username":"last"}'))
    assert wire.answer().json["username"] == "last"


# ── by HTTP itself ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"POST  /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"POST /api/v1/events HTTP/1.1\r\nHost: a\nContent-Length: 0\r\n\r\n", 400),
        (b"POST /api/v1/events HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
        (request("POST", EVENTS, "Content-Length: 1", "Transfer-Encoding: chunked"), 400),
        (request("POST", EVENTS, *CLIENT_FIELDS), 411),
        (request("POST", EVENTS, *CLIENT_FIELDS, "Content-Length: 1048577"), 413),
        (b"GET /" + b"x" * 8200 + b" HTTP/1.1\r\n\r\n", 414),
        (request("POST", EVENTS, "Content-Length: 2", "Expect: a-miracle"), 417),
        (request("POST", EVENTS, "X-Large: " + "x" * 16384), 431),
        (request("POST", EVENTS, *["X: y"] * 100), 431),
        (request("POST", EVENTS, "Transfer-Encoding: gzip"), 501),
        (b"POST /api/v1/events HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ],
)
def test_a_fault_of_http_is_answered_in_json_and_ends_the_connection(octets: bytes, status: int, wire: Wire) -> None:
    """Half a MiB follows the fault. The server must not reset the connection because of it, or the answer is lost."""
    wire.send(octets, *[b"x" * 65536] * 8)
    answer = wire.answer()
    assert answer.status == status
    assert list(answer.json) == ["error"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    assert wire.rest() == b""


def test_a_bad_chunk_ends_the_connection_after_the_answers_before_it(wire: Wire) -> None:
    wire.send(
        event_of(an_event(username="before")), request("POST", EVENTS, "Transfer-Encoding: chunked", body=b"x\r\n")
    )
    assert wire.answer().status == 200
    assert wire.answer().status == 400
    assert wire.rest() == b""
