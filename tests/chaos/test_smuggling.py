"""Behind nginx: no octets make nginx and winlogd disagree on where a request ends.

Between the two stands a relay that keeps what each says. nginx gives each request a name that no client can guess,
passes it on in a field and logs it. So each answer of winlogd is held against the very request that nginx sent. Each
request that nginx has logged as answered must have had exactly one answer, with the status that nginx saw. Exactly
those events are stored that nginx knows of as requests.

nginx passes a request on before its end when `proxy_request_buffering` is off, and gives it up when its client ends
halfway. A server may refuse such a request by what it has seen of it, and nginx may close before it reads that. Only
an answer that says so is allowed: an error, after which winlogd reads no further request. One that keeps the
connection, or a success, would say that winlogd has seen the end of a request that has none.
"""

import http.client
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Final

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from tests.chaos.framings import BODIES, FRAMINGS, HEAD, LINES, filled
from tests.chaos.relay import Conversation, Relay, Relayed
from tests.docs.proxies import PROXY_ADDRESS, foreground, free_port, nginx
from tests.support.running import CLIENT_HEADERS, PATIENCE_S, Winlogd, read_answer, running, wait_for
from tests.support.wire import Wire

_LOG: Final = """
log_format seen escape=json '{{"name":"$request_id","status":"$upstream_status","request":"$request"}}';
access_log {folder}/access.log seen;
# A client that has said all it has to say waits for its answers.
proxy_ignore_client_abort on;
"""
_LENIENT: Final = """
ignore_invalid_headers off;
underscores_in_headers on;
merge_slashes off;
proxy_request_buffering off;
"""
"""Settings with which nginx passes on as much of a client's octets as possible, and as early as possible."""
_FORWARDED: Final = "proxy_set_header X-Forwarded-For $remote_addr;"
_CHANGES: Final = {"access_log off;": "", _FORWARDED: f"{_FORWARDED}\nproxy_set_header X-Request-Id $request_id;"}
_NAME: Final = re.compile(rb"\r\nX-Request-Id: ([0-9a-f]{32})\r\n")
_MARKER: Final = re.compile(r"marker=(\w+)")
_NOT_PASSED_ON: Final = ""
_GIVEN_UP: Final = "-"
"""What nginx logs as the status of requests that it has refused itself, and of those that it has seen no answer to."""


def names(conversation: Conversation) -> list[str]:
    """Return the names of the requests that nginx has sent on a connection, in order."""
    return [name.decode() for name in _NAME.findall(bytes(conversation.asked))]


def is_settled(logged: Mapping[str, str], conversations: Iterable[Conversation]) -> bool:
    """Return True if nginx has logged all that it has passed on, and nothing can be said to what it has given up."""
    return all(
        all(name in logged for name in passed_on)
        and (conversation.ended.is_set() or all(logged[name] != _GIVEN_UP for name in passed_on))
        for conversation in conversations
        for passed_on in (names(conversation),)
    )


def disagreements(logged: Mapping[str, str], conversations: Iterable[Conversation]) -> list[str]:
    """What nginx and winlogd say differently, in sentences; requests that are not logged yet are left out.

    Args:
        logged: upstream's status by request's name, as nginx has logged them; read before `conversations` are.
        conversations: all of nginx's connections to winlogd.
    """
    faults: list[str] = []
    passed_on: list[str] = []
    for conversation in conversations:
        answers, asked = conversation.answers(), names(conversation)
        passed_on += asked
        if len(answers) > len(asked):
            faults.append(f"{len(answers)} answers to {len(asked)} requests: {bytes(conversation.asked)!r}")
        pairs = zip_longest(asked, answers[: len(asked)])
        faults += [
            f"nginx has logged {logged[name]!r}, winlogd has answered {answer}: {bytes(conversation.asked)!r}"
            for name, answer in pairs
            if name in logged and not _agree(logged[name], answer)
        ]
    answered = [name for name, status in logged.items() if status not in (_NOT_PASSED_ON, _GIVEN_UP)]
    faults += [f"{name} has an answer and was not passed on" for name in set(answered).difference(passed_on)]
    faults += [f"{name} was passed on twice" for name in set(passed_on) if passed_on.count(name) > 1]
    return faults


def _agree(status: str, answer: Relayed | None) -> bool:
    """Return True if nginx may log this status of a request that it has sent and that had this answer."""
    if status == _NOT_PASSED_ON:
        return False
    if status == _GIVEN_UP:
        return answer is None or (answer.status >= "400" and answer.closes)
    return answer is not None and answer.status == status


class Proxied:
    """A server behind nginx, with the relay between."""

    def __init__(self, folder: Path, server: Winlogd, relay: Relay, port: int) -> None:
        self.relay = relay
        self._server = server
        self._port = port
        self._access_log = folder / "access.log"
        self._requests: list[tuple[str, str]] = []
        self._statuses: dict[str, str] = {}
        self._seen_octets = 0
        self._markers = (f"m{number}" for number in itertools.count())

    def attack(self, template: bytes) -> None:
        """Send a template's octets to nginx, and wait until it has ended the connection."""
        with Wire(self._port, host=PROXY_ADDRESS) as wire, suppress(ConnectionError):
            wire.send(filled(template, next(self._markers)))
            wire.half_close()
            wire.rest()

    def is_answered_its_own(self) -> None:
        """Send an event as an honest client does, and check that the answer is to that event."""
        marker = next(self._markers)
        event = {"username": marker, "action": "M", "timestamp": "2026-01-13T08:30:00Z"}
        with closing(http.client.HTTPConnection(PROXY_ADDRESS, self._port, timeout=PATIENCE_S)) as connection:
            connection.request("POST", f"/api/v1/events?marker={marker}", json.dumps(event), CLIENT_HEADERS)
            answer = read_answer(connection)
        assert (answer.status, answer.json["username"]) == (200, marker)

    def settled(self) -> bool:
        """Return True if nginx has logged all that it has passed on, and winlogd has nothing more to say to it."""
        return is_settled(self._logged_statuses(), self.relay.conversations)

    def disagreements(self) -> list[str]:
        """What nginx and winlogd have said differently since their start."""
        return disagreements(self._logged_statuses(), self.relay.conversations)

    def stored(self) -> list[str]:
        """Return the markers of all stored events."""
        return sorted(row["username"] for row in self._server.rows())

    def logged(self) -> list[str]:
        """Return the markers of all requests that nginx knows of and that were answered 200 as events."""
        self._read_log()
        return sorted(
            match[1]
            for request, status in self._requests
            if status == "200" and request.startswith("POST ") and (match := _MARKER.search(request))
        )

    def _logged_statuses(self) -> dict[str, str]:
        """Return upstream's status by request's name."""
        self._read_log()
        return self._statuses

    def _read_log(self) -> None:
        with self._access_log.open("rb") as log:
            log.seek(self._seen_octets)
            new = log.read()
        new = new[: new.rfind(b"\n") + 1]
        self._seen_octets += len(new)
        for line in map(json.loads, new.decode("utf-8", "replace").splitlines()):
            self._requests.append((line["request"], line["status"]))
            self._statuses[line["name"]] = line["status"]


_FIRST: Final = f"{1:032x}"
_SECOND: Final = f"{2:032x}"
_REFUSAL: Final = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{}"
_KEPT: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}"
_SUCCESS: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_LAST_SUCCESS: Final = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}"


def a_conversation(asked: tuple[str, ...], answered: bytes) -> Conversation:
    conversation = Conversation()
    for name in asked:
        conversation.asked += f"GET / HTTP/1.1\r\nX-Request-Id: {name}\r\n\r\n".encode()
    conversation.answered += answered
    return conversation


@pytest.mark.parametrize(
    ("logged", "asked", "answered"),
    [
        ({_FIRST: "200", _SECOND: "400"}, (_FIRST, _SECOND), _SUCCESS + _KEPT),
        ({_FIRST: "400"}, (_FIRST,), _REFUSAL),
        ({_FIRST: "200", _SECOND: ""}, (_FIRST,), _SUCCESS),
        ({_FIRST: "-"}, (_FIRST,), b""),
        ({_FIRST: "-"}, (_FIRST,), _REFUSAL),
        ({_FIRST: "200", _SECOND: "-"}, (_FIRST, _SECOND), _SUCCESS + _REFUSAL),
        ({_FIRST: "-"}, (_FIRST,), b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_the_judge_lets_pass_what_both_say(logged: dict[str, str], asked: tuple[str, ...], answered: bytes) -> None:
    assert disagreements(logged, [a_conversation(asked, answered)]) == []


@pytest.mark.parametrize(
    ("logged", "asked", "answered", "fault"),
    [
        ({_FIRST: "200"}, (_FIRST,), _SUCCESS + _KEPT, "2 answers to 1 requests"),
        ({_FIRST: "200"}, (_FIRST,), _SUCCESS + _REFUSAL, "2 answers to 1 requests"),
        ({}, (), _REFUSAL, "1 answers to 0 requests"),
        ({_FIRST: "-"}, (_FIRST,), _REFUSAL + _REFUSAL, "2 answers to 1 requests"),
        ({_FIRST: "200"}, (_FIRST,), b"", "winlogd has answered None"),
        ({_FIRST: "502"}, (_FIRST,), b"", "winlogd has answered None"),
        ({_FIRST: "400", _SECOND: "200"}, (_FIRST, _SECOND), _SUCCESS + _KEPT, "nginx has logged '400'"),
        ({_FIRST: ""}, (_FIRST,), b"", "nginx has logged ''"),
        ({_FIRST: ""}, (_FIRST,), _REFUSAL, "nginx has logged ''"),
        ({_FIRST: "-"}, (_FIRST,), _KEPT, "nginx has logged '-'"),
        ({_FIRST: "-"}, (_FIRST,), _SUCCESS, "nginx has logged '-'"),
        ({_FIRST: "-"}, (_FIRST,), _LAST_SUCCESS, "nginx has logged '-'"),
        ({_FIRST: "200"}, (), b"", "has an answer and was not passed on"),
        ({_FIRST: "200"}, (_FIRST, _FIRST), _SUCCESS + _SUCCESS, "was passed on twice"),
    ],
)
def test_the_judge_finds_what_only_one_says(
    logged: dict[str, str], asked: tuple[str, ...], answered: bytes, fault: str
) -> None:
    assert any(fault in found for found in disagreements(logged, [a_conversation(asked, answered)]))


def test_the_judge_waits_for_the_log_and_for_the_end_of_what_was_given_up() -> None:
    conversation = a_conversation((_FIRST,), b"")
    assert not is_settled({}, [conversation])
    assert is_settled({_FIRST: "200"}, [conversation])
    assert not is_settled({_FIRST: "-"}, [conversation])
    conversation.ended.set()
    assert is_settled({_FIRST: "-"}, [conversation])


@pytest.fixture(scope="module", params=["", _LENIENT], ids=["recipe", "lenient"])
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """A server behind nginx, set up as docs/configure.md says, and as far from that as nginx goes."""
    folder = tmp_path_factory.mktemp("smuggling")
    with running(folder) as server:
        relay = Relay(server.port)
        port = free_port()
        http = _LOG.format(folder=folder) + request.param
        command = nginx(folder, relay.port, port, http, _CHANGES)
        proxied = Proxied(folder, server, relay, port)
        try:
            with foreground(command, folder, port, tolerated=" client "):
                yield proxied
        finally:
            relay.close()
        assert not proxied.disagreements(), "winlogd has gone on after nginx thought that all was said"


@pytest.mark.long
def test_both_see_the_same_requests_however_they_are_framed(proxied: Proxied) -> None:
    for framing in FRAMINGS:
        proxied.attack(framing)
        proxied.is_answered_its_own()
        wait_for(proxied.settled, f"nginx and winlogd to be done with {framing!r}")
        assert not proxied.disagreements(), framing
        assert proxied.stored() == proxied.logged(), framing
    assert len(proxied.relay.conversations) < len(FRAMINGS), "nginx has kept no connection for the next request"
    honest = len(FRAMINGS)
    assert len(proxied.stored()) > honest + 10, "nginx has passed on hardly any of them"
    statuses = {answer.status for conversation in proxied.relay.conversations for answer in conversation.answers()}
    assert {"200", "400"} <= statuses, "winlogd had nothing to refuse"


_ENDS: Final = st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"))
_MIXES: Final = st.tuples(
    st.lists(st.tuples(st.sampled_from(LINES), _ENDS), max_size=4),
    st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n")),
    st.lists(st.sampled_from(BODIES), max_size=5),
)
_GIVEN_UP_HALFWAY: Final = (
    [(b"Content-Length: <prefix length>", b"\r\n"), (b"X", b"\n"), (b"Connection: Upgrade", b"\r")],
    b"\r\n",
    [b"<event>", b"\r\n", b"0\r\n\r\n", b"\n", b"<event size>\r\n"],
)
"""nginx passes on a head that winlogd refuses, and gives the request up: which of the two is faster varies."""
_NO_BODY_AND_TWO: Final = ([(b"Content-Length: 0", b"\r\n")], b"\r\n", [b"<event>", b"<event>", b"-1\r\n"])


# Shrinking would send a thousand attacks to one pair of servers that has disagreed already.
@pytest.mark.long
@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(mix=_MIXES)
@example(mix=_GIVEN_UP_HALFWAY)
@example(mix=_NO_BODY_AND_TWO)
def test_both_see_the_same_requests_in_any_mix(
    proxied: Proxied, mix: tuple[list[tuple[bytes, bytes]], bytes, list[bytes]]
) -> None:
    lines, blank, bodies = mix
    octets = HEAD + b"".join(line + end for line, end in lines) + blank + b"".join(bodies)
    proxied.attack(octets)
    proxied.is_answered_its_own()
    wait_for(proxied.settled, f"nginx and winlogd to be done with {octets!r}")
    assert not proxied.disagreements(), octets
    # A mix may hold the same event twice, of which the second is one that is sent again.
    assert proxied.stored() == sorted(set(proxied.logged())), octets
