import gc
import json
import unicodedata
from typing import Any

import pytest

from winlogd.events.decode import EventDecoder, InvalidEventError
from winlogd.events.event import MAX_HARDWARE_BYTES, MAX_HARDWARE_LEVELS, Event

STRUCTURE = "Invalid JSON structure: missing required fields"
decoder = EventDecoder(("C", "D", "M"))


def a_body(**fields: object) -> bytes:
    """Return a logon as the clients send it, in which `fields` replace members or add some."""
    event: dict[str, object] = {
        "username": "alice",
        "action": "C",
        "timestamp": "2026-01-13T08:30:00.123456789+00:00",
        "hostname": "A102-07",
        "os_info": {
            "username": "alice",
            "hostname": "A102-07",
            "os_name": "Windows",
            "os_version": "11 (26100)",
            "kernel_version": "26100",
        },
        "hardware_info": None,
    }
    return json.dumps(event | fields).encode()


def a_body_without(field: str) -> bytes:
    fields = json.loads(a_body())
    del fields[field]
    return json.dumps(fields).encode()


def refusal(body: bytes) -> dict[str, Any]:
    """Return the answer to a body, which must be refused."""
    with pytest.raises(InvalidEventError) as caught:
        decoder.decode(body)
    return caught.value.answer


def wrong_fields(**fields: object) -> dict[str, str]:
    answer = refusal(a_body(**fields))
    assert answer["error"] == STRUCTURE
    details: dict[str, str] = answer["details"]
    return details


def test_a_clients_event_is_taken_as_it_is() -> None:
    assert decoder.decode(a_body()) == Event(
        "alice", "C", "2026-01-13T08:30:00.123456789+00:00", "A102-07", "Windows", "11 (26100)", "26100", None
    )


def test_only_name_action_and_time_are_needed() -> None:
    body = b'{"username":"bob","action":"D","timestamp":"2026-01-13T17:00:00Z"}'

    assert decoder.decode(body) == Event("bob", "D", "2026-01-13T17:00:00Z", None, None, None, None, None)


def test_unknown_fields_are_ignored() -> None:
    assert decoder.decode(a_body(colour=["blue"], event_id=7)) == decoder.decode(a_body())


def test_of_a_doubled_key_the_last_counts() -> None:
    body = b'{"username":"old","action":"C","timestamp":"2026-01-13T17:00:00Z","username":"new"}'

    assert decoder.decode(body).username == "new"


# ── checks 5 and 6: a body, and JSON ──────────────────────────────────────────────────────────────────────


def test_an_empty_body_is_refused() -> None:
    assert refusal(b"") == {"error": "Empty request body"}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b" ", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"username":\n  alice}', "line 2, column 3"),
        (b'{"username":"alice",}', "line 1, column 20"),
        (b"{'username':'alice'}", "line 1, column 2"),
        (b'{"a":1} {"b":2}', "line 1, column 9"),
        (b'{"a":NaN}', "line 1, column 6"),
        (b'{"a":Infinity}', "line 1, column 6"),
        (b'{"a":"\n"}', "line 1, column 7"),
        (b'{"a":"\\ud80"}', "line 1, column 7"),
        (b"[" * 100_000, "line 1"),
    ],
)
def test_what_is_not_json_is_refused_with_what_and_where(body: bytes, where: str) -> None:
    answer = refusal(body)

    assert list(answer) == ["error", "details"]
    assert answer["error"] == "Invalid JSON"
    assert where in answer["details"]


# ── check 7: the fields ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"alice"', b"true", a_body().join([b"[", b"]"])])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body) == {"error": STRUCTURE, "details": {"body": "must be a JSON object"}}


@pytest.mark.parametrize("field", ["username", "action", "timestamp"])
def test_a_required_field_must_be_there_and_be_a_text(field: str) -> None:
    assert refusal(a_body_without(field)) == {"error": STRUCTURE, "details": {field: "is missing"}}
    assert wrong_fields(**{field: ""}) == {field: "must not be empty"}
    for value in (None, 7, 7.5, True, [], ["alice"], {}, {"name": "alice"}):
        assert wrong_fields(**{field: value}) == {field: "must be a string"}


@pytest.mark.parametrize("field", ["hostname", "os_info", "hardware_info"])
def test_an_optional_field_may_be_absent_or_null(field: str) -> None:
    assert decoder.decode(a_body_without(field)) == decoder.decode(a_body(**{field: None}))


@pytest.mark.parametrize("field", ["os_name", "os_version", "kernel_version"])
def test_each_os_field_may_be_absent_or_null_or_empty(field: str) -> None:
    assert getattr(decoder.decode(a_body(os_info={})), field) is None
    assert getattr(decoder.decode(a_body(os_info={field: None})), field) is None
    assert getattr(decoder.decode(a_body(os_info={field: ""})), field) == ""


def test_an_empty_hostname_means_none() -> None:
    assert decoder.decode(a_body(hostname="")).hostname is None


def test_wrong_types_of_optional_fields_are_refused() -> None:
    value: object
    for value in (7, True, [], ["A102-07"], {}):
        assert wrong_fields(hostname=value) == {"hostname": "must be a string or null"}
        assert wrong_fields(os_info={"os_name": value}) == {"os_info.os_name": "must be a string or null"}
    for value in (7, True, [], "Windows", ""):
        assert wrong_fields(os_info=value) == {"os_info": "must be an object or null"}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    body = json.dumps({"username": "a\x00", "timestamp": 5, "hostname": "h" * 256, "os_info": {"os_name": 1}}).encode()

    assert refusal(body)["details"] == {
        "username": "must not hold control characters",
        "action": "is missing",
        "timestamp": "must be a string",
        "hostname": "must have at most 255 characters",
        "os_info.os_name": "must be a string or null",
    }


@pytest.mark.parametrize("letter", ["a", "é", "\U0001f600"])
def test_lengths_are_counted_in_characters(letter: str) -> None:
    long, longer = letter * 256, letter * 257

    assert decoder.decode(a_body(username=long)).username == long
    assert decoder.decode(a_body(hostname=letter * 255)).hostname == letter * 255
    os_info = {"os_name": long, "os_version": long, "kernel_version": long}
    event = decoder.decode(a_body(os_info=os_info))
    assert (event.os_name, event.os_version, event.kernel_version) == (long, long, long)
    assert wrong_fields(username=longer) == {"username": "must have at most 256 characters"}
    assert wrong_fields(hostname=long) == {"hostname": "must have at most 255 characters"}
    for field in os_info:
        details = {f"os_info.{field}": "must have at most 256 characters"}
        assert wrong_fields(os_info={field: longer}) == details


@pytest.mark.parametrize("number", [*range(0x20), *range(0x7F, 0xA0)])
def test_control_characters_in_names_are_refused(number: int) -> None:
    for name in (chr(number), f"ali{chr(number)}ce"):
        assert wrong_fields(username=name) == {"username": "must not hold control characters"}
        assert wrong_fields(hostname=name) == {"hostname": "must not hold control characters"}


@pytest.mark.parametrize("number", [*range(0x20), *range(0x7F, 0xA0)])
@pytest.mark.parametrize("field", ["os_name", "os_version", "kernel_version"])
def test_a_control_character_in_the_system_is_stored_as_a_space(field: str, number: int) -> None:
    event = decoder.decode(a_body(os_info={field: f"a{chr(number)}[2J{chr(number)}"}))

    assert getattr(event, field) == "a [2J "


@pytest.mark.parametrize(
    "name",
    [" ", "alice smith", "\ue000", "\U0001f600",
      "a\u00a0b", "a\u200bb", "\ufeffalice", "a\u2028b", "a\u202eb", "e\u0301",
     "DOMAIN\\alice", "alice@école.fr", "'; DROP TABLE events_today; --", "<b>", '"', "Привет", "用户", "\ufffd"],
)  # fmt: skip
def test_odd_but_allowed_characters_are_kept_as_they_are(name: str) -> None:
    event = decoder.decode(a_body(username=name, hostname=name, os_info={"os_name": name}))

    assert (event.username, event.hostname, event.os_name) == (name, name, name)


# ── checks 8 and 9: action and time ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("action", ["X", "c", "CD", " C", "C\n", "\u0421", "M" * 300, "\x1b[2J"])
def test_an_unknown_action_is_refused_and_named(action: str) -> None:
    assert refusal(a_body(action=action)) == {"error": f"Invalid action: {action}"}


def test_only_configured_actions_are_taken() -> None:
    logons_only = EventDecoder(("C",))

    assert logons_only.decode(a_body()).action == "C"
    with pytest.raises(InvalidEventError) as caught:
        logons_only.decode(a_body(action="D"))
    assert caught.value.answer == {"error": "Invalid action: D"}


@pytest.mark.parametrize(
    ("timestamp", "fault"),
    [
        ("now", "does not begin with a date: write it like 2026-01-13T08:30:00+01:00"),
        ("2026-01-13T08:30:00", "has no time zone: append Z or an offset such as +01:00"),
        ("2026-02-30T08:30:00Z", "has a date that no calendar has"),
        ("1" * 5000, "must have at most 64 characters"),
    ],
)
def test_what_is_no_timestamp_is_refused_with_what_is_wrong(timestamp: str, fault: str) -> None:
    answer = {"error": "Invalid timestamp format (expected ISO 8601)", "details": fault}

    assert refusal(a_body(timestamp=timestamp)) == answer


def test_a_timestamp_of_another_zone_is_rewritten() -> None:
    assert decoder.decode(a_body(timestamp="2026-01-13T08:30:00.50+01:00")).timestamp == "2026-01-13T07:30:00.50+00:00"


def test_the_first_failing_check_is_the_one_that_is_told() -> None:
    assert refusal(a_body(username="", action="X", timestamp="now"))["error"] == STRUCTURE
    assert refusal(a_body(action="X", timestamp="now"))["error"] == "Invalid action: X"


@pytest.mark.parametrize(
    "body",
    [
        a_body(username="s3cret\n"),
        a_body(action="s3cret"),
        a_body(timestamp="s3cret"),
        a_body(os_info="s3cret"),
        b'{"s3cret',
    ],
)
def test_the_reason_for_the_log_holds_nothing_that_the_client_sent(body: bytes) -> None:
    with pytest.raises(InvalidEventError) as caught:
        decoder.decode(body)

    assert caught.value.reason
    assert "s3cret" not in caught.value.reason


# ── hardware ──────────────────────────────────────────────────────────────────────────────────────────────


def hardware_of(raw: bytes) -> str | None:
    return decoder.decode(a_body(hardware_info="RAW").replace(b'"RAW"', raw)).hardware_info


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        (b"null", None),
        (b"{}", "{}"),
        (b"[]", "[]"),
        (b'""', '""'),
        (b"0", "0"),
        (b"false", "false"),
        (b'"fast"', '"fast"'),
        (b'{ "z" : 1,\n"a": [ 1 , 2.50 ] }', '{"z":1,"a":[1,2.5]}'),
        (b'{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'),
        ('{"cpu_brand":"Pro™ \\u00e9"}'.encode(), '{"cpu_brand":"Pro™ é"}'),
        (b'{"memory_total":17179869184}', '{"memory_total":17179869184}'),
        (b"[18446744073709551615,-9223372036854775808]", "[18446744073709551615,-9223372036854775808]"),
    ],
)
def test_hardware_is_stored_as_compact_json_in_the_order_received(raw: bytes, stored: str | None) -> None:
    assert hardware_of(raw) == stored


def test_integers_beyond_64_bits_become_doubles() -> None:
    numbers = json.loads(str(hardware_of(b"[18446744073709551616,-9223372036854775809]")))

    assert [type(number) for number in numbers] == [float, float]
    assert numbers == [2.0**64, -(2.0**63)]


@pytest.mark.parametrize("number", [*range(0x20), *range(0x7F, 0xA0)])
def test_a_terminal_obeys_no_character_of_the_stored_hardware_and_its_value_is_the_same(number: int) -> None:
    hardware = {f"é{chr(number)}": [f"{chr(number)}[2J\\{chr(number)}"]}

    stored = str(decoder.decode(a_body(hardware_info=hardware)).hardware_info)

    assert not any(unicodedata.category(character) == "Cc" for character in stored)
    assert json.loads(stored) == hardware


def test_hardware_has_the_size_that_is_stored() -> None:
    assert hardware_of(b'"' + b"\x7f" * 10_922 + b'"') == '"' + "\\u007f" * 10_922 + '"'
    assert wrong_fields(hardware_info="\x7f" * 10_923) == {
        "hardware_info": "must have at most 65536 bytes as compact JSON"
    }


def test_hardware_may_take_64_kib_of_compact_json_and_no_byte_more() -> None:
    room = MAX_HARDWARE_BYTES - len('{"a":""}')

    assert hardware_of(b'{"a" : "' + b"x" * room + b'"}') == '{"a":"' + "x" * room + '"}'
    assert wrong_fields(hardware_info={"a": "x" * (room + 1)}) == {
        "hardware_info": "must have at most 65536 bytes as compact JSON"
    }
    assert hardware_of(b'{"a":"' + "é".encode() * (room // 2) + b'"}') is not None
    assert "hardware_info" in wrong_fields(hardware_info={"a": "é" * (room // 2 + 1)})


@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[1,{"a":', b"}]")])
def test_hardware_may_be_nested_in_200_levels_and_no_more(begin: bytes, end: bytes) -> None:
    times = MAX_HARDWARE_LEVELS // (begin.count(b"[") + begin.count(b"{"))

    deepest = begin * times + b"1" + end * times
    assert hardware_of(deepest) == deepest.decode()
    with pytest.raises(InvalidEventError) as caught:
        hardware_of(b"[" + deepest + b"]")
    assert caught.value.answer == {
        "error": STRUCTURE,
        "details": {"hardware_info": "must not be nested deeper than 200 levels"},
    }


def test_hardware_of_very_many_values_is_refused_for_its_size() -> None:
    assert wrong_fields(hardware_info=[[]] * 60_000) == {
        "hardware_info": "must have at most 65536 bytes as compact JSON"
    }


def test_a_body_of_brackets_is_refused_before_it_is_read() -> None:
    assert wrong_fields(hardware_info=[[]] * 70_000) == {"body": "must not hold more than 131072 brackets and braces"}
    brackets = "[]{}" * (MAX_HARDWARE_BYTES // 4 - 1)
    assert hardware_of(json.dumps(brackets).encode()) == f'"{brackets}"'


def test_a_large_body_is_read_like_any_other_and_leaves_the_garbage_collector_on() -> None:
    spaces = b" " * 100_000
    assert decoder.decode(a_body() + spaces) == decoder.decode(a_body())
    with pytest.raises(InvalidEventError, match="Invalid JSON"):
        decoder.decode(a_body()[:-1] + spaces)
    assert gc.isenabled()
