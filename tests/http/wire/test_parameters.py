"""Queries: the pairs that are read, and the faults that are reported with the name of the parameter."""

from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.http.wire.parameters import ParameterError, known_parameters, parse_query, percent_decoded

KNOWN = ("user", "host", "room", "from", "to", "limit", "cursor")
TWICE = "must be given only once"
NOT_UTF_8 = "must be percent-encoded UTF-8"
BAD_ESCAPE = "must have two hexadecimal digits after each %"

texts = st.text(st.characters(exclude_categories=["Cs"]))


def faults_of(query: str) -> dict[str, str]:
    with pytest.raises(ParameterError) as caught:
        parse_query(query)
    return caught.value.details


def faults_of_known(query: str) -> dict[str, str]:
    with pytest.raises(ParameterError) as caught:
        known_parameters(query, KNOWN)
    return caught.value.details


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("user=alice", {"user": "alice"}),
        ("user=alice&host=PC-5", {"user": "alice", "host": "PC-5"}),
        ("user=a+b%20c%2Bd", {"user": "a b c+d"}),
        ("user=%C3%A9t%C3%A9", {"user": "été"}),
        ("%75ser=alice", {"user": "alice"}),
        ("a+name=1", {"a name": "1"}),
        ("user=", {"user": ""}),
        ("user", {"user": ""}),
        ("user=a=b", {"user": "a=b"}),
        ("user=a%26b%3Dc", {"user": "a&b=c"}),
        ("&user=alice&&host=x&", {"user": "alice", "host": "x"}),
        ("=x", {"": "x"}),
        ("user=a;host=b", {"user": "a;host=b"}),
        ("user=%00%0A", {"user": "\0\n"}),
        ("to=2026-01-13T10:15:00%2B01:00", {"to": "2026-01-13T10:15:00+01:00"}),
    ],
)
def test_a_query_is_read(query: str, values: dict[str, str]) -> None:
    assert parse_query(query) == values


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("user=a&user=b", {"user": TWICE}),
        ("user=a&user=a", {"user": TWICE}),
        ("user=a&%75ser=b", {"user": TWICE}),
        ("user&user", {"user": TWICE}),
        ("user=%", {"user": BAD_ESCAPE}),
        ("user=%4", {"user": BAD_ESCAPE}),
        ("user=%4g", {"user": BAD_ESCAPE}),
        ("user=%+1", {"user": BAD_ESCAPE}),
        ("user=%u00e9", {"user": BAD_ESCAPE}),
        ("us%er=1", {"us%er": BAD_ESCAPE}),
        ("user=%FF", {"user": NOT_UTF_8}),
        ("user=%E9", {"user": NOT_UTF_8}),
        ("user=%C0%AF", {"user": NOT_UTF_8}),
        ("user=%ED%A0%80", {"user": NOT_UTF_8}),
        ("%FF=1", {"%FF": NOT_UTF_8}),
        ("user=a&host=%FF&user=b&room=%", {"host": NOT_UTF_8, "user": TWICE, "room": BAD_ESCAPE}),
    ],
)
def test_what_can_be_read_in_two_ways_is_a_fault_that_names_the_parameter(query: str, details: dict[str, str]) -> None:
    assert faults_of(query) == details


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("hots=PC-5", {"hots": "is not a known parameter; did you mean host?"}),
        ("users=alice", {"users": "is not a known parameter; did you mean user?"}),
        ("User=alice", {"User": "is not a known parameter; did you mean user?"}),
        ("colour=red", {"colour": "is not a known parameter"}),
        ("=x", {"": "is not a known parameter"}),
        ("user=a&colour=red&user=b", {"user": TWICE, "colour": "is not a known parameter"}),
    ],
)
def test_a_parameter_that_is_not_known_is_told_with_the_nearest_known_one(query: str, details: dict[str, str]) -> None:
    assert faults_of_known(query) == details


def test_known_parameters_are_given_back() -> None:
    assert known_parameters("to=today&user=alice", KNOWN) == {"to": "today", "user": "alice"}
    assert known_parameters("", ()) == {}


def test_an_answer_names_a_few_faults_and_no_name_at_length() -> None:
    assert len(faults_of_known("&".join(f"x{number}" for number in range(2000)))) == 8
    assert len(faults_of("&".join("y=%" + f"&y{number}=%" for number in range(2000)))) == 8
    (name,) = faults_of_known("x" * 8000)
    assert name == "x" * 64 + "…"


def test_the_text_of_the_error_tells_everything() -> None:
    with pytest.raises(ParameterError, match=r"^user: must be given only once; host: must be percent-encoded UTF-8$"):
        parse_query("user=1&user=2&host=%FF")


def test_in_a_path_a_plus_is_a_plus() -> None:
    assert percent_decoded("a+b%20c") == "a+b c"


@given(st.dictionaries(texts.filter(bool), texts))
def test_what_was_written_is_read(values: dict[str, str]) -> None:
    assert parse_query(urlencode(values)) == values
    assert parse_query(urlencode(values, quote_via=quote)) == values


@given(texts)
def test_every_text_survives_percent_encoding(text: str) -> None:
    assert percent_decoded(quote(text, safe="")) == text


@given(st.text(st.sampled_from("ab=&+%2F0C3A9fg;?/"), max_size=40))
def test_what_is_read_another_reader_reads_alike(query: str) -> None:
    try:
        values = parse_query(query)
    except ParameterError as error:
        assert error.details  # noqa: PT017  # accepted queries are compared below
        return
    assert list(values.items()) == parse_qsl(query, keep_blank_values=True, strict_parsing=False)


@given(st.text())
def test_no_text_raises_anything_else(query: str) -> None:
    try:
        known_parameters(query, KNOWN)
    except ParameterError as error:
        assert 0 < len(error.details) <= 8  # noqa: PT017
