"""The target `decoder`: a body → an Event, or the reason why there is none.

The decoder raises InvalidEventError only. Event and reason are those of `contract`. The answer can be written as JSON.
The reason for the log has no part of the body. If a decoded event is sent again, it is decoded to the same event.
"""

import json
import random
import re
from typing import Any, Final

import orjson

from tests.fuzz.contract import (
    EMPTY,
    NO_JSON,
    NO_STRUCTURE,
    NO_TIMESTAMP,
    Verdict,
    levels,
    stored_json,
    timestamp_of,
    verdict_on,
)
from tests.fuzz.mutation import damaged
from tests.fuzz.requests import REAL_REQUESTS
from tests.fuzz.target import Target
from winlogd.events.decode import EventDecoder, InvalidEventError
from winlogd.events.event import Event
from winlogd.events.timestamps import MAX_CHARACTERS, stored_form

_REAL_BODIES: Final = [request.partition(b"\r\n\r\n")[2] for request in REAL_REQUESTS]
_REASONS: Final = (EMPTY, NO_JSON, NO_STRUCTURE, "Invalid action", NO_TIMESTAMP)
_OS: Final = ("os_info.os_name", "os_info.os_version", "os_info.kernel_version")
_FIELDS: Final = frozenset(("username", "action", "timestamp", "hostname", "os_info", *_OS, "hardware_info"))


def check(body: bytes) -> None:
    """Check `body` for a server that accepts every action, and for one that accepts logons only."""
    for actions in (("C", "D", "M"), ("C",)):
        decode = EventDecoder(actions).decode
        expected = verdict_on(body, actions)
        try:
            event = decode(body)
        except InvalidEventError as error:
            _assert_can_be_told(error)
            _assert_names_the_place(error, body)
            _assert_says(error, expected)
        else:
            assert expected is None or event == expected.event
            _assert_is_stable(event, decode(_sent_again(event)) if len(event.timestamp) <= MAX_CHARACTERS else event)


def _assert_can_be_told(error: InvalidEventError) -> None:
    named = error.reason.removeprefix("Invalid fields: ")
    assert error.reason in _REASONS or (named != error.reason and _FIELDS.issuperset(named.split(", ")))
    assert json.loads(orjson.dumps(error.answer)) == error.answer


def _assert_names_the_place(error: InvalidEventError, body: bytes) -> None:
    """Assert that the answer names the place: line and column in JSON, or the first octet that is not UTF-8."""
    if error.answer["error"] != NO_JSON:
        return
    details = str(error.answer["details"])
    octet = re.match(r"byte ([0-9]+) \(0x([0-9A-F]{2})\) is (not UTF-8|no JSON); .*send the body as UTF-8$", details)
    if octet is None:
        assert re.search(r" at line [0-9]+, column [0-9]+$", details)
        body.decode()
        return
    before, named = body[: int(octet[1]) - 1], body[int(octet[1]) - 1]
    assert named == int(octet[2], 16)
    assert (named == 0) == (octet[3] == "no JSON")
    if named == 0:
        assert 0 not in before  # the first zero octet of UTF-16 or UTF-32; the octets before it need not be UTF-8
    else:
        before.decode()
        assert "\ufffd" in body[len(before) :].decode(errors="replace")[0]


def _assert_says(error: InvalidEventError, expected: Verdict | None) -> None:
    details = error.answer.get("details")
    wrong = frozenset(details) if isinstance(details, dict) else frozenset()
    assert expected is None or (error.answer["error"], wrong) == (expected.error, expected.wrong)
    assert expected is None or str(details).startswith(expected.details)
    assert (details is not None) == (error.answer["error"] in (NO_JSON, NO_STRUCTURE, NO_TIMESTAMP))


def _assert_is_stable(event: Event, again: Event) -> None:
    assert again == event
    if event.hardware_info is not None:
        assert stored_json(orjson.loads(event.hardware_info)) == event.hardware_info
        assert len(event.hardware_info.encode()) <= 65_536
        assert levels(orjson.loads(event.hardware_info)) <= 200
    # The stored form has up to five characters more: a timestamp of 64 characters may get 69.
    again_stored = stored_form(event.timestamp)
    assert again_stored == event.timestamp or (again_stored is None and len(event.timestamp) > MAX_CHARACTERS)
    assert timestamp_of(event.timestamp) == again_stored


def _sent_again(event: Event) -> bytes:
    """Return the event as a client that read it in the database would send it."""
    fields: dict[str, Any] = {name: getattr(event, name) for name in event.__slots__}
    hardware = fields.pop("hardware_info")
    os_info = {name: fields.pop(name) for name in ("os_name", "os_version", "kernel_version")}
    fields["hardware_info"] = None if hardware is None else orjson.Fragment(hardware)
    return orjson.dumps(fields | {"os_info": os_info})


_FRAGMENTS: Final = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b" ", b"\n", b"\0", b"\x7f", b"\xc2\x80", b"\xc2\x9f", b"\xff"),
    *(b"\\u0000", b"\\ud800", b"\\ud83d\\ude00", b"\\u0085", b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\\n"),
    *(b"\\udc00", b"\\\\", b'\\"', b"\xef\xbb\xbf", b"\xe9", b"1" * 400, b"e-300", b"1e308", b"[1e400,", b'"1e400",'),
    *(b"null", b"true", b"NaN", b"-0", b"1e400", b"1E5", b"0.1", b"18446744073709551616", b"-9223372036854775809"),
    *(b'"username":', b'"action":"C",', b'"timestamp":', b'"hostname":null,', b'"os_info":{},', b'"hardware_info":['),
    *(b"-00:00", b"+14:00", b"-23:59", b"z", b"t", b":60", b"." + b"0" * 38, b"9999", b"-02-29"),
)

_NAMES: Final = ("", "a", "unknown", "a" * 255, "a" * 256, "a" * 257, "é" * 256, "\U0001f600", "a\x85", "\x1b[2J")
_TIMES: Final = (
    *("2026-01-13T08:30:00Z", "2024-02-29 08:30:60.5z", "1970-01-01T00:00:00+00:01", "9998-12-31T23:59:60-00:01"),
    *("2026-01-13T08:30:00." + "1" * 44 + suffix for suffix in ("z", "Z", "ZZ")),
    *("2026-01-13t08:30:00.123456789-00:00", "2026-13-13T08:30:00Z", "0000-01-01T00:00:00Z", "٢026-01-13T08:30:00Z"),
)
_ODD: Final[tuple[Any, ...]] = (None, True, 0, -1.5, 2**64, "", [], {}, [[]], {"a": None}, ["C"])
_CHOICES: Final[dict[str, tuple[Any, ...]]] = {
    "username": _NAMES,
    "action": ("C", "D", "M", "X", "c", ""),
    "timestamp": _TIMES,
    "hostname": _NAMES,
    "os_info": ({}, {"os_name": ""}, {"os_version": 7}, *({"kernel_version": name} for name in _NAMES)),
    "hardware_info": (
        {"a": [1, 2.5, "é"]},
        2**63,
        [2**64, -(2**64), 10**400],
        "\x1b\x7f\x9b",
        {"\ud800": "\udc00"},
        "\x7f" * 10_923,
        "x" * 65_534,
        "x" * 65_535,
        [[[[]]]],
    ),
    "more": _ODD,
}


def mutate(body: bytes, chance: random.Random) -> bytes:
    """Return a body with another value for a field, with a changed timestamp, or with damaged octets."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        change = chance.choice((_other_value, _other_value, _other_time, _damaged, _damaged))
        body = change(body, chance)
    return body


def _damaged(body: bytes, chance: random.Random) -> bytes:
    return damaged(body, chance, _FRAGMENTS)


def _other_value(body: bytes, chance: random.Random) -> bytes:
    """Return a body in which one field has another value or is missing, or the fields are in another order."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        return chance.choice(_REAL_BODIES)
    name = chance.choice(list(_CHOICES))
    if chance.random() < 0.15:
        fields.pop(name, None)
    else:
        fields[name] = chance.choice(_CHOICES[name] if chance.random() < 0.8 else _ODD)
    if chance.random() < 0.3:
        fields = dict(chance.sample(list(fields.items()), len(fields)))
    if name == "hardware_info" and chance.random() < 0.3:
        depth = chance.choice((1, 10, 199, 200, 201, 260))
        inner = b"[" * depth + b"]" * depth
        return json.dumps(fields | {name: 1}).encode().replace(b'"hardware_info": 1', b'"hardware_info":' + inner)
    return json.dumps(fields, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")


def _other_time(body: bytes, chance: random.Random) -> bytes:
    """Return a body in which one character of a timestamp is changed, removed, or added."""
    places = [match.start() for match in re.finditer(rb"[0-9:.+\-TtZz]{1,}", body)]
    if not places:
        return body
    at = chance.choice(places) + chance.randint(0, 24)
    put = chance.choice((*(b"%d" % digit for digit in range(10)), b"-", b":", b"T", b" ", b"Z", b".", b"+", b""))
    return body[:at] + put + body[at + chance.choice((0, 1, 1, 1)) :]


TARGET: Final = Target("decoder", check, mutate, max_input_bytes=70_000)
