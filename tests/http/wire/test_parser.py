"""The parser's memory between calls: pieces, pipelined requests, and familiar heads."""

from collections.abc import Iterable

import pytest

from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import HttpError
from winlogd.http.wire.parser import HeadCache, Request, RequestParser

GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
HELLO = b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED_HEAD = b"POST /events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
EXPECTING_HEAD = b"POST /events HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
EXPECTING_CHUNKED_HEAD = CHUNKED_HEAD.replace(b"Host: a", b"Host: a\r\nExpect: 100-continue")

MIB = 1048576


@pytest.fixture
def heads() -> HeadCache:
    return HeadCache()


@pytest.fixture
def parser(heads: HeadCache) -> RequestParser:
    return RequestParser(Limits(), heads)


def requests_of(parser: RequestParser, *pieces: bytes) -> list[Request]:
    """Return the requests that become complete while `pieces` are received one after the other."""
    requests = []
    for piece in pieces:
        parser.receive(piece)
        while (request := parser.next_request()) is not None:
            requests.append(request)
    return requests


def octets(data: bytes) -> Iterable[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def heads_with(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number


def cached(heads: HeadCache, blocks: Iterable[bytes]) -> int:
    return sum(heads.get(block) is not None for block in blocks)


def test_two_requests_in_one_segment_come_out_one_after_the_other(parser: RequestParser) -> None:
    parser.receive(HELLO + GET)
    first, second = parser.next_request(), parser.next_request()
    assert first is not None
    assert second is not None
    assert (first.head.path, first.body) == ("/events", b"hello")
    assert (second.head.path, second.body) == ("/health", b"")
    assert parser.next_request() is None


def test_a_whole_request_with_a_familiar_head_is_taken_at_once(parser: RequestParser) -> None:
    [first] = requests_of(parser, HELLO)

    assert parser.only_request(HELLO.replace(b"hello", b"world")) == (first.head, b"world")
    assert parser.is_empty


@pytest.mark.parametrize(
    "data",
    [
        GET,
        HELLO[:-1],
        HELLO + b"P",
        HELLO + HELLO,
        HELLO[:-5],
        b"\r\n" + HELLO,
        CHUNKED_HEAD + b"0\r\n\r\n",
        b"",
        b"hello",
    ],
    ids=["a new head", "less", "more", "two", "no body yet", "an empty line", "chunked", "nothing", "no head"],
)
def test_what_is_not_one_whole_familiar_request_is_left_to_the_parser(parser: RequestParser, data: bytes) -> None:
    requests_of(parser, HELLO, CHUNKED_HEAD + b"0\r\n\r\n")

    assert parser.only_request(data) is None


@pytest.mark.parametrize("begun", [HELLO[:10], HELLO[:-5], HELLO[:-1], CHUNKED_HEAD, CHUNKED_HEAD + b"2\r\nhe"])
def test_nothing_is_taken_at_once_while_a_request_has_begun(parser: RequestParser, begun: bytes) -> None:
    requests_of(parser, HELLO, begun)

    assert parser.only_request(HELLO) is None


def test_a_thousand_pipelined_requests_keep_their_order(parser: RequestParser) -> None:
    bodies = [b"body %d" % number for number in range(1000)]
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    requests = requests_of(parser, b"".join(head % len(body) + body for body in bodies))
    assert [request.body for request in requests] == bodies


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_pipelined_requests_of_every_framing_may_be_cut_anywhere(parser: RequestParser, size: int) -> None:
    stream = (GET + HELLO + CHUNKED_HEAD + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n") * 50
    requests = requests_of(parser, *(stream[at : at + size] for at in range(0, len(stream), size)))
    assert [request.body for request in requests] == [b"", b"hello", b"hello"] * 50


def test_a_long_stream_without_a_pause_is_read_to_its_end(parser: RequestParser) -> None:
    bodies = [bytes([number]) * 50_000 for number in range(20)]
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n"
    stream = b"".join(head + body for body in bodies)
    pieces = [stream[at : at + 65_537] for at in range(0, len(stream), 65_537)]
    assert [request.body for request in requests_of(parser, *pieces)] == bodies


def test_a_body_in_two_pieces_is_put_together(parser: RequestParser) -> None:
    assert requests_of(parser, HELLO[:-3]) == []
    assert [request.body for request in requests_of(parser, b"llo")] == [b"hello"]


def test_the_largest_body_may_come_octet_by_octet(parser: RequestParser) -> None:
    body = bytes(range(256)) * (MIB // 256)
    parser.receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % MIB)
    assert parser.next_request() is None
    requests = requests_of(parser, *octets(body))
    assert [request.body == body for request in requests] == [True]


def test_a_body_may_come_in_chunks_of_one_octet(parser: RequestParser) -> None:
    requests = requests_of(parser, CHUNKED_HEAD + b"1\r\nx\r\n" * 1_500 + b"0\r\n\r\n")
    assert [request.body for request in requests] == [b"x" * 1_500]


def test_the_largest_body_may_come_in_small_chunks_but_not_in_tiny_ones(parser: RequestParser) -> None:
    """Each chunk takes time, whatever its size, and a million chunks would stop the event loop for seconds."""
    small = CHUNKED_HEAD + (b"30\r\n" + b"x" * 48 + b"\r\n") * (MIB // 48) + b"0\r\n\r\n"
    assert [len(request.body) for request in requests_of(parser, small)] == [MIB // 48 * 48]

    parser.receive(CHUNKED_HEAD + b"1\r\nx\r\n" * 2_000)
    with pytest.raises(HttpError) as error:
        parser.next_request()
    assert error.value.status == 400


def test_a_body_of_the_limit_is_taken_whole(heads: HeadCache) -> None:
    parser = RequestParser(Limits(body=5), heads)
    in_chunks = CHUNKED_HEAD + b"4\r\nhell\r\n1\r\no\r\n0\r\n\r\n"
    assert [request.body for request in requests_of(parser, HELLO + in_chunks)] == [b"hello", b"hello"]


def test_the_configured_limits_are_the_ones_that_count(heads: HeadCache) -> None:
    limits = Limits(request_line=23, headers=28, header_fields=2, body=4)
    for octets_sent, status in [
        (HELLO, 413),
        (CHUNKED_HEAD, 431),
        (b"GET /healthiness HTTP/1.1\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n", 431),
    ]:
        parser = RequestParser(limits, heads)
        parser.receive(octets_sent)
        with pytest.raises(HttpError) as refused:
            parser.next_request()
        assert refused.value.status == status


def test_equal_heads_are_one_object(parser: RequestParser) -> None:
    first, second = requests_of(parser, HELLO, HELLO)
    assert first.head is second.head


def test_heads_that_differ_in_one_octet_are_not_the_same(parser: RequestParser) -> None:
    first, second = requests_of(parser, HELLO, HELLO.replace(b"Host: a", b"Host: b"))
    assert first.head is not second.head
    assert [first.head.get("host"), second.head.get("host")] == ["a", "b"]


def test_connections_share_the_heads_they_have_seen(heads: HeadCache) -> None:
    (first,) = requests_of(RequestParser(Limits(), heads), GET)
    (second,) = requests_of(RequestParser(Limits(), heads), GET)
    assert first.head is second.head


def test_a_refused_head_is_refused_again(heads: HeadCache) -> None:
    for _ in range(2):
        parser = RequestParser(Limits(), heads)
        parser.receive(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(HttpError):
            parser.next_request()


def test_the_head_cache_stays_bounded(parser: RequestParser, heads: HeadCache) -> None:
    blocks = [heads_with(number) for number in range(5000)]
    for block in blocks:
        requests_of(parser, block)
    assert 0 < cached(heads, blocks) <= 1024
    assert heads.get(blocks[-1]) is not None


def test_questions_that_differ_do_not_push_a_workstations_head_out(parser: RequestParser, heads: HeadCache) -> None:
    (before,) = requests_of(parser, HELLO)
    questions = [b"GET /sessions?user=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(1100)]
    assert len(requests_of(parser, b"".join(questions))) == 1100
    (after,) = requests_of(parser, HELLO)
    assert after.head is before.head
    assert cached(heads, questions) == 0


def test_what_was_found_for_a_head_with_a_query_is_not_there_for_the_next_request(parser: RequestParser) -> None:
    question = b"GET /sessions?user=alice HTTP/1.1\r\nHost: a\r\n\r\n"
    (first,) = requests_of(parser, question)
    first.head.handler = print
    (second,) = requests_of(parser, question)
    assert second.head.handler is None


def test_a_cache_that_was_cleared_gives_no_head_of_before(parser: RequestParser, heads: HeadCache) -> None:
    (before,) = requests_of(parser, HELLO)
    heads.clear()
    assert parser.only_request(HELLO) is None
    (after,) = requests_of(parser, HELLO)
    assert after.head is not before.head
    assert parser.only_request(HELLO) == (after.head, b"hello")


def test_the_head_cache_keeps_no_head_of_more_than_2_kib(parser: RequestParser, heads: HeadCache) -> None:
    short, long = heads_with(1), b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2048 + b"\r\n\r\n"
    assert len(requests_of(parser, short, long)) == 2
    assert (cached(heads, [short]), cached(heads, [long])) == (1, 0)


def test_fields_keep_their_order_and_lose_their_letter_case(parser: RequestParser) -> None:
    (request,) = requests_of(parser, b"GET / HTTP/1.1\r\nHOST: a\r\nX-Y:  B c \r\nx-y:\xe9\r\n\r\n")
    assert request.head.fields == (("host", "a"), ("x-y", "B c"), ("x-y", "é"))
    assert request.head.get("x-y") == "B c"
    assert request.head.get_all("x-y") == ["B c", "é"]
    assert (request.head.get("z"), request.head.get_all("z")) == (None, [])


def test_trailers_never_become_fields_of_the_head(parser: RequestParser) -> None:
    (request,) = requests_of(parser, CHUNKED_HEAD + b"0\r\nX: a\r\n\r\n")
    assert request.head.get("x") is None


@pytest.mark.parametrize("cut", range(1, len(GET)))
def test_a_part_of_a_head_is_reported_as_such(parser: RequestParser, cut: int) -> None:
    assert requests_of(parser, GET[:cut]) == []
    assert (parser.in_head, parser.in_body) == (True, False)
    assert len(requests_of(parser, GET[cut:])) == 1
    assert (parser.in_head, parser.in_body) == (False, False)


@pytest.mark.parametrize("head", [HELLO[:-5], CHUNKED_HEAD], ids=["Content-Length", "chunked"])
def test_a_part_of_a_body_is_reported_as_such(parser: RequestParser, head: bytes) -> None:
    body = b"5\r\nhello\r\n0\r\n\r\n" if head is CHUNKED_HEAD else b"hello"
    for piece in [head, *octets(body[:-1])]:
        assert requests_of(parser, piece) == []
        assert (parser.in_head, parser.in_body) == (False, True)
    assert [request.body for request in requests_of(parser, body[-1:])] == [b"hello"]
    assert (parser.in_head, parser.in_body) == (False, False)


def test_a_part_of_the_next_head_is_reported_after_a_request(parser: RequestParser) -> None:
    assert len(requests_of(parser, HELLO + GET[:3])) == 1
    assert (parser.in_head, parser.in_body) == (True, False)


def test_an_unused_parser_is_in_no_request(parser: RequestParser) -> None:
    assert parser.next_request() is None
    assert (parser.in_head, parser.in_body) == (False, False)


@pytest.mark.parametrize("head", [EXPECTING_HEAD, EXPECTING_CHUNKED_HEAD], ids=["Content-Length", "chunked"])
def test_a_head_that_waits_for_100_is_handed_out_once(parser: RequestParser, head: bytes) -> None:
    assert requests_of(parser, head) == []
    waiting = parser.take_continue()
    assert waiting is not None
    assert waiting.expects_continue
    assert parser.take_continue() is None
    assert parser.next_request() is None
    assert parser.take_continue() is None


def test_a_head_in_pieces_waits_for_100_as_well(parser: RequestParser) -> None:
    assert requests_of(parser, *octets(EXPECTING_HEAD)) == []
    assert parser.take_continue() is not None


@pytest.mark.parametrize(
    "begun",
    [
        EXPECTING_HEAD + b"h",
        EXPECTING_HEAD + b"hell",
        EXPECTING_CHUNKED_HEAD + b"5",
        EXPECTING_CHUNKED_HEAD + b"5\r\n",
        EXPECTING_CHUNKED_HEAD + b"5\r\nhel",
        EXPECTING_CHUNKED_HEAD + b"5\r\nhello\r\n",
        EXPECTING_CHUNKED_HEAD + b"0\r\n",
    ],
    ids=lambda data: str(data.partition(b"\r\n\r\n")[2]),
)
def test_nobody_waits_for_100_whose_body_has_begun(parser: RequestParser, begun: bytes) -> None:
    assert requests_of(parser, begun) == []
    assert parser.in_body
    assert parser.take_continue() is None


def test_nobody_waits_for_100_who_did_not_ask(parser: RequestParser) -> None:
    assert requests_of(parser, HELLO[:-5]) == []
    assert parser.take_continue() is None


def test_nobody_waits_for_100_after_the_whole_request(parser: RequestParser) -> None:
    assert len(requests_of(parser, EXPECTING_HEAD + b"hello")) == 1
    assert parser.take_continue() is None


def test_each_request_may_wait_for_100_in_its_turn(parser: RequestParser) -> None:
    for _ in range(2):
        assert requests_of(parser, EXPECTING_HEAD) == []
        assert parser.take_continue() is not None
        assert len(requests_of(parser, b"hello")) == 1


def test_what_a_refusal_says_holds_nothing_of_the_request(parser: RequestParser) -> None:
    parser.receive(b"GET /secret#secret HTTP/1.1\r\nHost: secret\r\n\r\n")
    with pytest.raises(HttpError) as refused:
        parser.next_request()
    assert "secret" not in refused.value.reason
    assert str(refused.value) == refused.value.reason
