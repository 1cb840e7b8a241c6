"""The requests of clients in conversations, by name, each with the answer that it must get.

This file knows the contract of each request. It must not know sockets, order or the database.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.support.running import an_event
from tests.support.wire import CLIENT_FIELDS, EVENTS, event_of, health, request


class Sender(NamedTuple):
    """The user of an event, and the event's number on the connection, from which its timestamp is made."""

    username: str
    number: int

    @property
    def timestamp(self) -> str:
        """The event's timestamp, a second later than that of the event before."""
        return f"2026-01-13T08:{self.number // 60:02d}:{self.number % 60:02d}.123456789+00:00"


@dataclass(frozen=True, slots=True)
class Utterance:
    """A kind of request.

    Attributes:
        octets: returns the request's bytes.
        status: the status of the answer.
        method: the method; the answer to HEAD has no body.
        action: the action of a valid event; empty for other requests.
        closes: True if the server reads nothing after the request.
        may_continue: True if 100 (Continue) may come before the answer.
    """

    octets: Callable[[Sender], bytes]
    status: int = 200
    method: str = "GET"
    action: str = ""
    closes: bool = False
    may_continue: bool = False


def _event(sender: Sender, **fields: object) -> dict[str, object]:
    return an_event(username=sender.username, timestamp=sender.timestamp, **fields)


def _valid(action: str, *fields: str, version: str = "1.1") -> Callable[[Sender], bytes]:
    return lambda sender: event_of(_event(sender, action=action), *fields, version=version)


def _wrong(**fields: object) -> Utterance:
    return Utterance(lambda sender: event_of(_event(sender) | fields), 400)


def _body(body: bytes) -> Utterance:
    return Utterance(lambda _: event_of(body), 400)


def _said(octets: bytes, status: int, method: str = "GET") -> Utterance:
    return Utterance(lambda _: octets, status, method)


def _fault(octets: bytes, status: int) -> Utterance:
    return Utterance(lambda _: octets, status, closes=True)


def _chunked(sender: Sender) -> bytes:
    body = json.dumps(_event(sender)).encode()
    first, second = body[:50], body[50:]
    chunks = b"%x\r\n%b\r\n%X;a=b\r\n%b\r\n0\r\nX: y\r\n\r\n" % (len(first), first, len(second), second)
    return request("POST", EVENTS, *CLIENT_FIELDS, "Transfer-Encoding: chunked", body=chunks)


_AGENT, _TYPE = CLIENT_FIELDS
_JSON: Final = b'{"username":"nobody","action":"C","timestamp":"2026-01-13T08:30:00Z"}'
_LENGTH: Final = f"Content-Length: {len(_JSON)}"
_WAITS: Final = "Expect: 100-continue"

EVENT_KINDS: Final[dict[str, Utterance]] = {
    "logon": Utterance(_valid("C"), action="C"),
    "logoff": Utterance(_valid("D"), action="D"),
    "hardware": Utterance(_valid("M"), action="M"),
    "logon in chunks": Utterance(_chunked, action="C"),
    "logoff that waits for 100": Utterance(_valid("D", _WAITS), action="D", may_continue=True),
    "logon by 1.0": Utterance(_valid("C", "Connection: keep-alive", version="1.0"), action="C"),
    "logon in another letter case": Utterance(
        lambda sender: _valid("C")(sender).replace(b"Type: application/json", b"TYPE:Application/JSON;a=b"), action="C"
    ),
}
AGAIN: Final = "the last event again"

REFUSED_KINDS: Final[dict[str, Utterance]] = {
    "health": _said(health(), 200),
    "head": _said(request("HEAD", "/health"), 200, "HEAD"),
    "sessions": _said(request("GET", "/api/v1/sessions/current"), 200),
    "options": _said(request("OPTIONS", EVENTS), 204, "OPTIONS"),
    "options of all": _said(request("OPTIONS", "*"), 204, "OPTIONS"),
    "absolute form": _said(b"GET http://a/health?b HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "an empty line before": _said(b"\r\n" + health(), 200),
    "no such path": _said(request("GET", "/nowhere"), 404),
    "put of events": _said(request("PUT", EVENTS), 405),
    "post to health": _said(request("POST", "/health", "Content-Length: 5", body=b"hello"), 405),
    "unknown method": _said(request("BREW", "/health", "Content-Length: 3", body=b"tea"), 501),
    "wrong agent": _said(request("POST", EVENTS, "User-Agent: curl/8", _TYPE, _LENGTH, body=_JSON), 403),
    "no agent": _said(request("POST", EVENTS, _TYPE, _LENGTH, body=_JSON), 403),
    "wrong type": _said(request("POST", EVENTS, _AGENT, "Content-Type: text/plain", _LENGTH, body=_JSON), 415),
    "no body": _body(b""),
    "no json": _body(b"{username:"),
    "a request as body": _body(b"POST /api/v1/events HTTP/1.1\r\nHost: inner\r\nContent-Length: 2\r\n\r\n{}"),
    "no object": _body(b"[]"),
    "no name": _wrong(username=""),
    "a control character": _wrong(username="a\x1b[2J\r\nb"),
    "wrong fields": _wrong(hostname=7, os_info=[]),
    "wrong action": _wrong(action="X\r\n\x1b[2J"),
    "wrong time": _wrong(timestamp="2026-02-30T00:00:00Z"),
}

LAST_KINDS: Final[dict[str, Utterance]] = {
    "logon, then close": Utterance(_valid("C", "Connection: close"), action="C", closes=True),
    "logon by 1.0, then close": Utterance(_valid("C", version="1.0"), action="C", closes=True),
    "health, then close": Utterance(lambda _: health("Connection: x, Close"), closes=True),
    "bare line feed": _fault(b"GET /health HTTP/1.1\nHost: a\r\n\r\n", 400),
    "folded field": _fault(b"GET /health HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
    "space before the colon": _fault(request("POST", EVENTS, "Content-Length : 3", body=b"abc"), 400),
    "two hosts": _fault(request("GET", "/health", "Host: b"), 400),
    "two lengths": _fault(request("POST", EVENTS, "Content-Length: 3, 4", body=b"abcd"), 400),
    "length and chunks": _fault(
        request("POST", EVENTS, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400
    ),
    "wrong chunk": _fault(request("POST", EVENTS, "Transfer-Encoding: chunked", body=b"2\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk extension without a name": _fault(
        request("POST", EVENTS, "Transfer-Encoding: chunked", body=b"2;=x\r\n{}\r\n0\r\n\r\n"), 400
    ),
    "chunk extension with an open quote": _fault(
        request("POST", EVENTS, "Transfer-Encoding: chunked", body=b'2;a="x\r\n{}\r\n0\r\n\r\n'), 400
    ),
    "no length": _fault(request("POST", EVENTS), 411),
    "too large": _fault(request("POST", EVENTS, "Content-Length: 1048577", body=b"abc"), 413),
    "long line": _fault(request("GET", "/" + "a" * 8192), 414),
    "wrong expectation": _fault(request("GET", "/health", "Expect: more"), 417),
    "many fields": _fault(request("GET", "/health", *["X: y"] * 100), 431),
    "other coding": _fault(request("POST", EVENTS, "Transfer-Encoding: gzip, chunked"), 501),
    "other version": _fault(b"GET /health HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "tls": _fault(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(100)), 400),
}

UTTERANCES: Final = EVENT_KINDS | REFUSED_KINDS | LAST_KINDS
