"""Hold whole conversations with a running server: several connections at once, each with right and wrong requests.

Every request gets its answer, in order, with the right status, and nothing else. An event that is answered 200 is
stored exactly once, with the event_id and session_uuid of the answer. An event of a vanished client is stored at most
once. Afterwards the server still runs. A conversation is plain data: hypothesis can draw it, and a file can keep it.
"""

import json
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain, pairwise, zip_longest
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.report import Failure, Report
from tests.fuzz.target import CORPUS, keep
from tests.fuzz.utterances import AGAIN, EVENT_KINDS, LAST_KINDS, REFUSED_KINDS, UTTERANCES, Sender, Utterance
from tests.support.running import Answer, Winlogd, running
from tests.support.wire import Wire

NAME: Final = "conversations"
IN_TURN, PIPELINED, CUT_OFF, VANISHES = MANNERS = ("in turn", "pipelined", "cut off", "vanishes")
"""The client waits for each answer; or sends all and then reads; or adds half a request at the end; or resets."""

_BATCH: Final = 50
_KEYS: Final = ["status", "message", "event_id", "session_uuid", "action", "username"]


@dataclass(frozen=True, slots=True)
class Talk:
    """The part of one client.

    Attributes:
        says: names of `UTTERANCES`, or `AGAIN`.
        manner: one of `MANNERS`.
        cuts: the numbers of octets that the calls send, repeated as needed. Empty to send all at once.
    """

    says: tuple[str, ...]
    manner: str
    cuts: tuple[int, ...]


def written(conversation: list[Talk]) -> bytes:
    """Return the conversation as octets for a file of the corpus."""
    return json.dumps([asdict(talk) for talk in conversation], indent=1).encode() + b"\n"


def read(octets: bytes) -> list[Talk]:
    """Return the conversation that a file of the corpus has as `octets`."""
    return [Talk(tuple(talk["says"]), talk["manner"], tuple(talk["cuts"])) for talk in json.loads(octets)]


def conversations() -> st.SearchStrategy[list[Talk]]:
    """Return the strategy for all conversations of up to four clients."""
    open_ended = st.sampled_from([*EVENT_KINDS, AGAIN]) | st.sampled_from([*REFUSED_KINDS])
    last = st.lists(st.sampled_from([*LAST_KINDS]), max_size=1)
    unread = st.lists(open_ended, max_size=2)
    says = st.tuples(st.lists(open_ended, max_size=8), last, unread).map(lambda parts: tuple(chain(*parts)))
    cuts = st.lists(st.integers(1, 400), max_size=3).map(tuple)
    talks = st.builds(Talk, says, st.sampled_from(MANNERS), cuts)
    return st.lists(talks, min_size=1, max_size=4)


class Client:
    """One client, its connection, and its answers."""

    def __init__(self, talk: Talk, wire: Wire, username: str) -> None:
        self.talk = talk
        self.wire = wire
        self.username = username
        self.told: list[tuple[Utterance, Sender, Answer]] = []
        """The valid events that were answered, with their answers."""
        self.sent: set[tuple[str, str, str]] = set()
        self._said = list(self._utter())
        self._answered = 0

    def pieces(self) -> Iterator[bytes]:
        """Yield the octets that each call sends. In the manner `IN_TURN`, read the answer before the next request."""
        requests = [octets for _, _, octets in self._said]
        if self.talk.manner == CUT_OFF:
            half = EVENT_KINDS["logon"].octets(Sender(self.username, 599))
            requests.append(half[: 1 + sum(self.talk.cuts) % (len(half) - 1)])
        if self.talk.manner != IN_TURN:
            yield from _cut(b"".join(requests), self.talk.cuts)
            return
        for (utterance, _, _), octets in zip(self._said, requests, strict=True):
            yield from _cut(octets, self.talk.cuts)
            self._hear()
            if utterance.closes:
                assert self.wire.rest() == b""
                return

    def end(self) -> None:
        """Read the missing answers until the server ends the connection. Assert that nothing else comes."""
        if self.talk.manner == VANISHES:
            self.wire.vanish()
        elif self.talk.manner != IN_TURN:
            self.wire.half_close()
            for utterance, _, _ in self._said:
                self._hear()
                if utterance.closes:
                    break
            assert self.wire.rest() == b""

    def _utter(self) -> Iterator[tuple[Utterance, Sender, bytes]]:
        event = UTTERANCES["logon"], Sender(self.username, 0)
        for number, name in enumerate(self.talk.says, 1):
            utterance, sender = event if name == AGAIN else (UTTERANCES[name], Sender(self.username, number))
            if utterance.action:
                event = utterance, sender
                self.sent.add((sender.username, utterance.action, sender.timestamp))
            yield utterance, sender, utterance.octets(sender)

    def _hear(self) -> None:
        utterance, sender, _ = self._said[self._answered]
        answer = self.wire.answer(utterance.method)
        while answer.status == 100 and utterance.may_continue:
            answer = self.wire.answer(utterance.method)
        assert answer.status == utterance.status, (answer, utterance)
        assert ("close" in answer.headers.get("connection", "")) == utterance.closes, (answer, utterance)
        if answer.body:
            assert answer.headers["content-type"] == "application/json"
            assert answer.json is not None
        if utterance.action:
            self.told.append((utterance, sender, answer))
        self._answered += 1


def _cut(octets: bytes, sizes: tuple[int, ...]) -> Iterator[bytes]:
    edges = [0]
    while sizes and edges[-1] < len(octets) and len(edges) < 200:
        edges.append(edges[-1] + sizes[len(edges) % len(sizes)])
    edges = [edge for edge in edges if edge < len(octets)]
    yield from (octets[start:stop] for start, stop in pairwise([*edges, len(octets)]))


def converse(server: Winlogd, conversation: list[Talk]) -> None:
    """Hold a conversation with a server, and judge it.

    Raises:
        AssertionError: the server broke a promise.
    """
    prefix = secrets.token_hex(6)
    with ExitStack() as stack:
        clients = [
            Client(talk, stack.enter_context(Wire(server.port)), f"{prefix}-{number}")
            for number, talk in enumerate(conversation)
        ]
        for pieces in zip_longest(*(client.pieces() for client in clients)):
            for client, piece in zip(clients, pieces, strict=True):
                if piece:
                    client.wire.send(piece)
        for client in clients:
            client.end()
    assert server.request("GET", "/health").status == 200
    columns = "id, username, action, timestamp, session_uuid, origin"
    rows = server.rows(f"SELECT {columns} FROM events_today WHERE username GLOB ? ORDER BY id", f"{prefix}-*")
    for client in clients:
        _judge(client, [row for row in rows if row["username"] == client.username])


def _judge(client: Client, rows: list[dict[str, Any]]) -> None:
    stored = [row for row in rows if row["origin"] == "client"]
    copies = Counter((row["username"], row["action"], row["timestamp"]) for row in stored)
    assert set(copies) <= client.sent
    assert set(copies.values()) <= {1}, "stored twice"
    by_id = {row["id"]: row for row in stored}
    for utterance, sender, answer in client.told:
        told = answer.json
        assert list(told) == _KEYS
        assert (told["status"], told["username"], told["action"]) == ("success", sender.username, utterance.action)
        row = by_id[told["event_id"]]
        assert (row["action"], row["timestamp"]) == (utterance.action, sender.timestamp)
        assert row["session_uuid"] == told["session_uuid"]
    if client.talk.manner != VANISHES:
        assert {answer.json["event_id"] for _, _, answer in client.told} == set(by_id)
    _assert_paired(rows)


def _assert_paired(rows: list[dict[str, Any]]) -> None:
    """Assert that the rows of one user at one workstation, in order, are logons and logoffs of sessions."""
    opened: str | None = None
    for row in rows:
        if row["action"] == "C":
            assert opened is None, "a session was left open"
            opened = row["session_uuid"]
        elif row["action"] == "D":
            assert row["session_uuid"] == opened or (opened is None and row["session_uuid"].startswith("orphan_"))
            opened = None
        else:
            assert row["session_uuid"].startswith("hardware_")


def assert_calm(server: Winlogd) -> None:
    """Assert that the process runs, and that its log has no fault and no character that a terminal obeys."""
    assert server.process.poll() is None
    for line in server.log.removesuffix("\n").split("\n"):
        assert line.isprintable(), line
        assert line[:2] == "20", line
        level, _, told = line.partition(" ")[2].partition(" ")
        assert level in ("INFO", "DEBUG") or told.startswith(("request refused ", "more requests refused ")), line


def run(seconds: float) -> Report:
    """Hold conversations with a new server for `seconds`, or until the first failure."""
    with tempfile.TemporaryDirectory(prefix="winlogd-fuzz-") as folder, running(Path(folder)) as server:
        server.wait_until_open()
        return _run(server, seconds)


def _run(server: Winlogd, seconds: float) -> Report:
    executions = 0
    last: list[Talk] = []
    end = time.monotonic() + seconds
    failures: list[Failure] = []

    @settings(
        derandomize=False, deadline=None, database=None, print_blob=False, max_examples=_BATCH,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(conversations())
    def batch(conversation: list[Talk]) -> None:
        nonlocal executions, last
        if time.monotonic() < end or failures:
            executions += 1
            last = conversation
            converse(server, conversation)

    while time.monotonic() < end and not failures:
        try:
            batch()
            assert_calm(server)
        except Exception as error:
            octets = written(last)
            failures.append(Failure(repr(error), octets, keep(octets, CORPUS / NAME, "failure")))
    return Report(NAME, "hypothesis", executions, None, tuple(failures))
