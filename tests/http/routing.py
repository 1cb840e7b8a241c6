"""Call a router without a connection: make heads as the parser does, and return the answers."""

from collections.abc import Sequence

from winlogd.http.exchange import Exchange
from winlogd.http.router import Router
from winlogd.http.wire.limits import Limits
from winlogd.http.wire.message import REASONS, Head, Response
from winlogd.http.wire.parser import HeadCache, RequestParser


class Recorder:
    """Stands for a connection: gets the answers of its exchanges."""

    peer = "192.0.2.1"
    is_encrypted = False
    peer_sent_fin = False

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.refusals: list[Response] = []

    def answered(self, exchange: Exchange) -> None:
        assert exchange.answer is not None
        self.answers.append(exchange.answer)

    def refused(self, response: Response) -> None:
        self.refusals.append(response)

    def limit_unacknowledged(self, octets: int) -> None:
        """Nothing to do."""

    def hold(self) -> None:
        """Do nothing: there is no socket to hold."""

    def release(self) -> None:
        """Do nothing: there is no socket to release."""


def head_of(method: str, target: str, *fields: str, version: str = "1.1") -> Head:
    """Return the head that the parser makes of a request line and these field lines."""
    lines = [f"{method} {target} HTTP/{version}", "Host: a", "Content-Length: 0", *fields, "", ""]
    parser = RequestParser(Limits(), HeadCache())
    parser.receive("\r\n".join(lines).encode("latin-1"))
    request = parser.next_request()
    assert request is not None
    return request.head


def answer(router: Router, head: Head, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Return status, fields and body of the router's answer."""
    recorder = Recorder()
    router.handler_for(head)(Exchange(recorder, head), body)
    assert len(recorder.answers) == 1
    return parts_of(recorder.answers[0])


def parts_of(octets: bytes) -> tuple[int, dict[str, str], bytes]:
    section, blank_line, body = octets.partition(b"\r\n\r\n")
    assert blank_line
    status_line, *lines = section.decode("latin-1").split("\r\n")
    version, status, reason = status_line.split(" ", 2)
    assert (version, reason) == ("HTTP/1.1", REASONS[int(status)])
    pairs: Sequence[tuple[str, str]] = [(name, value) for name, _, value in (x.partition(": ") for x in lines)]
    assert len(dict(pairs)) == len(pairs)
    return int(status), dict(pairs), body
