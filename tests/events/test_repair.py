"""Bodies that orjson refuses: some are repaired, so that no logon is lost; the others get an answer that says why."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.events.decode import EventDecoder, InvalidEventError
from winlogd.events.event import Event

decoder = EventDecoder(("C", "D", "M"))

LOGON = Event("alice", "C", "2026-01-13T08:30:00Z", None, None, None, None, None)
REPLACED = "\N{REPLACEMENT CHARACTER}"


def a_body(raw: bytes = b"") -> bytes:
    """Return a logon that has the members `raw`, too, written exactly so."""
    return b'{"username":"alice","action":"C","timestamp":"2026-01-13T08:30:00Z"%s}' % (raw and b"," + raw)


def hardware_of(raw: bytes) -> Any:  # noqa: ANN401  # any JSON
    """Return the value that is stored of `raw` as hardware; None if none is stored."""
    stored = decoder.decode(a_body(b'"hardware_info":' + raw)).hardware_info
    return None if stored is None else json.loads(stored)


def details(body: bytes) -> object:
    """Return the details of the answer to a body that is no JSON."""
    with pytest.raises(InvalidEventError) as caught:
        decoder.decode(body)
    assert caught.value.answer["error"] == caught.value.reason == "Invalid JSON"
    return caught.value.answer["details"]


# ── numbers that no double can hold ───────────────────────────────────────────────────────────────────────

TOO_LARGE = [
    *(b"1e400", b"-1e400", b"1E+400", b"1.5e309", b"1e0000000309", b"1e99999999999999999999"),
    *(b"1.7976931348623159e308", b"9" * 309, b"-" + b"9" * 400, b"9" * 300 + b"e10", b"1" * 400 + b".5"),
    *(b"1" * 400 + b"e-5", b"0." + b"0" * 400 + b"1e720"),
]
LARGE = [
    *(b"1e308", b"-1.7976931348623157e308", b"1" * 308, b"1" * 25, b"0e400", b"0.0e999", b"1" * 400 + b"e-300"),
    *(b"0." + b"0" * 400 + b"1e700", b"1e-400", b"1" * 5000 + b"e-4990"),
]


@pytest.mark.parametrize("number", TOO_LARGE, ids=lambda number: number[:25].decode())
def test_a_number_that_no_double_can_hold_is_null(number: bytes) -> None:
    assert hardware_of(number) is None
    assert hardware_of(b'[1,%s , {"a":%s}]' % (number, number)) == [1, None, {"a": None}]
    assert decoder.decode(a_body(b'"ignored":[{"a": %s}]' % number)) == LOGON
    assert decoder.decode(a_body(b'"hostname":%s,"os_info":{"os_name":%s}' % (number, number))) == LOGON
    assert decoder.decode(a_body(b'"os_info":%s' % number)) == LOGON


@pytest.mark.parametrize("number", LARGE, ids=lambda number: number[:25].decode())
def test_a_number_that_a_double_holds_stays_beside_one_that_is_null(number: bytes) -> None:
    assert hardware_of(b"[1e400,%s]" % number) == [None, float(number)]


def test_such_a_number_is_no_text_of_a_required_field() -> None:
    with pytest.raises(InvalidEventError) as caught:
        decoder.decode(b'{"username":1e400,"action":"C","timestamp":"2026-01-13T08:30:00Z"}')

    assert caught.value.answer["details"] == {"username": "must be a string"}


def test_text_that_looks_like_such_a_number_stays_as_it_is() -> None:
    text = r'"1e400","[1e400,1e400]","\"[1e400",":1e400\\",' + f'"{"1" * 400}"'

    assert hardware_of(f"[{text},1e400]".encode()) == [*json.loads(f"[{text}]"), None]


@pytest.mark.parametrize("digits", [b"1" * 1_000_000, b"1e" + b"9" * 1_000_000, b"1." + b"1" * 1_000_000 + b"e999"])
def test_a_million_digits_are_one_number(digits: bytes) -> None:
    assert decoder.decode(a_body(b'"ignored":' + digits)) == LOGON


def test_as_many_such_numbers_as_hardware_can_hold_are_null() -> None:
    most = (64 * 1024 - len("[null]")) // len("null,") + 1

    assert hardware_of(b"[" + b"1e400," * (most - 1) + b"1e400]") == [None] * most


def test_more_such_numbers_than_any_hardware_can_hold_are_refused() -> None:
    begin, numbers = b'{"ignored":[', b",".join([b"1e400"] * 16_385)

    column = len(begin) + 16_384 * len("1e400,") + 1
    fault = f"number is infinity when parsed as double at line 1, column {column}"
    assert details(begin + numbers + b"]}") == fault


# ── halves of surrogate pairs ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\ud800", REPLACED),
        (r"\uDFFF", REPLACED),
        (r"a\uDBffz", f"a{REPLACED}z"),
        (r"\ud83d\ude00\ud83d", f"\U0001f600{REPLACED}"),
        (r"\ud83d\ud83d\ude00", f"{REPLACED}\U0001f600"),
        (r"\ude00\ud83d", REPLACED * 2),
        (r"\ud83d\ude00\ude00", f"\U0001f600{REPLACED}"),
        (r"\ud800\u0041\n", f"{REPLACED}A\n"),
        (r"\\\ud800", f"\\{REPLACED}"),
        (r"\\ud83d\ude00", f"\\ud83d{REPLACED}"),
        (r"\\\\ud83d\\\ude00\"", rf"\\ud83d\{REPLACED}" + '"'),
        (r"\ud800\\udc00", rf"{REPLACED}\udc00"),
    ],
)
def test_half_a_surrogate_pair_is_a_replacement_character(escaped: str, text: str) -> None:
    raw = f'"{escaped}"'.encode()

    assert hardware_of(raw) == text
    assert hardware_of(b'{%s:[%s,{"a":%s}]}' % (raw, raw, raw)) == {text: [text, {"a": text}]}
    assert decoder.decode(a_body(b'"ignored":{%s:%s}' % (raw, raw))) == LOGON


def test_half_a_pair_in_a_name_keeps_the_logon() -> None:
    body = rb"""{"username":"ali\ud800ce","action":"C","timestamp":"2026-01-13T08:30:00Z","hostname":"PC\udc00",
        "os_info":{"os_name":"\ud800","os_version":"\ud800","kernel_version":"\ud800"}}"""

    event = decoder.decode(body)

    assert (event.username, event.hostname) == (f"ali{REPLACED}ce", f"PC{REPLACED}")
    assert (event.os_name, event.os_version, event.kernel_version) == (REPLACED, REPLACED, REPLACED)


def test_the_other_rules_hold_for_a_repaired_body() -> None:
    body = rb'{"username":"a\ud800\u0000","action":"X","timestamp":"now","username":"b\ud800\u001b"}'

    with pytest.raises(InvalidEventError) as caught:
        decoder.decode(body)

    assert caught.value.answer["details"] == {"username": "must not hold control characters"}


# ── what is repaired and what is not ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "raw",
    [
        *(b"01e400", b"1.e400", b".1e400", b"+1e400", b"--1e400", b"1e400.5", b"1e400e5", b"x1e400", b"1e400x"),
        *(b"1_0e400", b"0" + b"1" * 400, b"1" * 400 + b".", b"1" * 400 + b"e", b"[1e400 1e400]", b"{1e400:1}"),
        *(b'"1e400', b"[1e400,]", rb"\ud800", rb'"\ud800', rb'"\ud800\x"', rb'"\ud80"', b'"\\ud800\n"'),
        *(b'["\\ud800",NaN]', b"[1e400,-Infinity]"),
        *(b"[1e400" + b"[" * 2000, b"[" * 2000 + b"1e400", b'{"\\ud800":1,}'),
    ],
)  # fmt: skip
def test_what_is_no_json_stays_none(raw: bytes) -> None:
    assert " at line 1, column " in str(details(a_body(b'"hardware_info":' + raw)))


def test_a_repair_moves_no_other_fault() -> None:
    body = b'{"a":"\\ud800",\n"b":[1e400,-1e4000, nul]}'

    assert str(details(body)).endswith(" at line 2, column 21")


@pytest.mark.parametrize("begin", [b"[", b'{"a":'])
def test_a_repaired_body_may_be_nested_as_any_other(begin: bytes) -> None:
    end = b"]" if begin == b"[" else b"}"

    ignored = b'"ignored":[1e400,' + begin * 1000 + b"1e400" + end * 1000 + b"]"
    too_deep = b'"ignored":[1e400,' + begin * 20_000 + b"1e400" + end * 20_000 + b"]"

    assert decoder.decode(a_body(ignored)) == LOGON
    assert str(details(a_body(too_deep))).startswith("nested too deep at line 1, column ")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(values, st.booleans())
def test_everything_else_has_the_value_that_it_has_without_a_repair(value: object, escaped: bool) -> None:
    raw = json.dumps(value, ensure_ascii=escaped).encode()

    assert (
        hardware_of(b"[%s]" % raw) == hardware_of(b"[%s,1e400]" % raw)[:-1] == hardware_of(b'["\\ud800",%s]' % raw)[1:]
    )


# ── text that is not UTF-8 ────────────────────────────────────────────────────────────────────────────────


def test_an_octet_that_is_not_utf_8_is_named_with_its_place_counted_from_1() -> None:
    assert details(b'{"username":"Ren\xe9e"}') == "byte 17 (0xE9) is not UTF-8; send the body as UTF-8"
    assert details(b"\xff") == "byte 1 (0xFF) is not UTF-8; send the body as UTF-8"
    assert details('{"a":"é'.encode() + b'\xe2\x82"}') == "byte 9 (0xE2) is not UTF-8; send the body as UTF-8"
    assert details(b'{"a":"\xed\xa0\x80"}') == "byte 7 (0xED) is not UTF-8; send the body as UTF-8"
    assert details(b"\xef\xbb\xbf{\xe9") == "byte 5 (0xE9) is not UTF-8; send the body as UTF-8"
    assert details(b" " * 1_000_000 + b"\x80") == "byte 1000001 (0x80) is not UTF-8; send the body as UTF-8"


def test_the_octet_is_named_before_any_other_fault() -> None:
    assert details(b'{"a":1e400,"b":"\\ud800",x,"c":"\xe9') == "byte 32 (0xE9) is not UTF-8; send the body as UTF-8"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-16-le", "byte 2 (0x00) is no JSON; this looks like UTF-16: send the body as UTF-8"),
        ("utf-16-be", "byte 1 (0x00) is no JSON; this looks like UTF-16: send the body as UTF-8"),
        ("utf-32-le", "byte 2 (0x00) is no JSON; this looks like UTF-32: send the body as UTF-8"),
        ("utf-32-be", "byte 1 (0x00) is no JSON; this looks like UTF-32: send the body as UTF-8"),
    ],
)
def test_a_body_of_wider_characters_is_told_so(encoding: str, said: str) -> None:
    assert details(a_body().decode().encode(encoding)) == said
    assert details(a_body(b'"x":"\xc3\xa9"').decode().encode(encoding)) == said


def test_a_body_of_wider_characters_with_a_mark_is_told_so() -> None:
    text = a_body().decode()
    le, be = b"\xff\xfe" + text.encode("utf-16-le"), b"\xfe\xff" + text.encode("utf-16-be")

    assert details(le) == "byte 1 (0xFF) is not UTF-8; this looks like UTF-16: send the body as UTF-8"
    assert details(be) == "byte 1 (0xFE) is not UTF-8; this looks like UTF-16: send the body as UTF-8"


def test_a_byte_order_mark_is_skipped() -> None:
    mark = b"\xef\xbb\xbf"

    assert decoder.decode(mark + a_body()) == LOGON
    assert decoder.decode(mark + a_body(b'"ignored":[1e400,"\\ud800"]')) == LOGON
    assert decoder.decode(mark + a_body() + b" " * 100_000) == LOGON
    assert details(mark + b'{"a":x}') == details(b'{"a":x}')
    assert str(details(mark + mark + a_body())).endswith(" at line 1, column 1")
    assert str(details(mark)).endswith(" at line 1, column 1")
