"""A download asks for its next piece when its peer has read the last one, and its end is either right or visible."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.past import build_file
from tests.support.questions import at, stay
from tests.support.running import Winlogd, wait_for
from tests.support.served import NOW_US, clocked, found, get, served
from tests.support.wire import Wire, request
from winlogd.api.download import Download, Piece
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head, Response
from winlogd.store.errors import QuestionRefusedError, QuestionTooLongError

FIELDS: Final = (("Content-Type", "text/csv"),)
LAST_CHUNK: Final = b"0\r\n\r\n"


class Peer:
    """What an exchange needs of its connection. It writes what it gets until it is behind."""

    peer = "127.0.0.1"
    is_encrypted = False
    peer_sent_fin = False

    def __init__(self) -> None:
        self.written = b""
        self.refusals: list[int] = []

    def answered(self, exchange: Exchange) -> None:
        self.written += exchange.answer or b""
        if exchange.pieces is not None:
            exchange.pieces.pass_on(self._write)

    def _write(self, octets: bytes | memoryview) -> None:
        self.written += octets

    def refused(self, response: Response) -> None:
        self.refusals.append(response.status)

    def limit_unacknowledged(self, octets: int) -> None:
        """Nothing to do."""

    def hold(self) -> None:
        """Nothing to do."""

    def release(self) -> None:
        """Nothing to do."""


class Reader:
    """A reader that answers when the test says so. It is the loop, too, and calls later when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Callable[[Any], Any], Callable[[Any], None]]] = []
        self.later: list[Callable[[], None]] = []
        self.at_stop: set[Callable[[], None]] = set()

    def ask(
        self, who: str, question: Callable[[Any], Any], answered: Callable[[Any], None], same: object = None
    ) -> None:
        self.asked.append((question, answered))

    def answer(self, outcome: Any = None) -> None:  # noqa: ANN401  # what a question gives
        """Answer the only question that waits, by itself or with `outcome`."""
        [(question, answered)] = self.asked
        self.asked.clear()
        answered(question(None) if outcome is None else outcome)

    def call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        assert delay_s == 1.0
        self.later.append(call)


class Played:
    """A download of some pieces to a peer."""

    def __init__(self, pieces: int, method: str = "GET", minor: int = 1) -> None:
        self.peer, self.reader = Peer(), Reader()
        head = Head(method, "/", "", minor, (), None, keep_alive=True, expects_continue=False)
        self.exchange = Exchange(self.peer, head)
        loop: Any = self.reader
        self.download = Download(loop, loop, self.exchange, FIELDS, lambda access, after: self._piece(after, pieces))
        self.download.start()

    def _piece(self, after: Any, pieces: int) -> Piece:  # noqa: ANN401  # what the last piece gave
        number = (after or 0) + 1
        return Piece(b"piece %d\n" % number, number if number < pieces else None)

    def catch_up(self) -> None:
        """Let the peer read all."""
        assert self.exchange.pieces is not None
        self.exchange.pieces.is_behind = False
        self.exchange.pieces.caught_up()

    def fall_behind(self) -> None:
        assert self.exchange.pieces is not None
        self.exchange.pieces.is_behind = True


def test_the_next_piece_waits_until_the_peer_has_read() -> None:
    played = Played(3)
    assert played.peer.written == b""
    played.reader.answer()
    assert b"piece 1\n" in played.peer.written
    assert played.reader.asked == []  # the peer is behind
    played.catch_up()
    played.reader.answer()  # the peer is not behind: the third piece is asked for at once
    played.fall_behind()
    played.reader.answer()
    assert played.peer.written.endswith(b"8\r\npiece 2\n\r\n8\r\npiece 3\n\r\n" + LAST_CHUNK)
    assert (played.reader.asked, played.reader.at_stop) == ([], set())


def test_who_closes_the_connection_is_asked_for_no_more() -> None:
    played = Played(9)
    played.reader.answer()
    played.catch_up()
    assert len(played.reader.asked) == 1
    played.exchange.drop()
    played.reader.answer()
    assert (played.reader.asked, played.reader.at_stop) == ([], set())


def test_who_has_gone_before_the_begin_is_not_asked_for() -> None:
    peer, reader = Peer(), Reader()
    exchange = Exchange(peer, Head("GET", "/", "", 1, (), None, keep_alive=True, expects_continue=False))
    exchange.drop()
    loop: Any = reader
    Download(loop, loop, exchange, FIELDS, lambda access, after: Piece(b"", None)).start()
    assert (reader.asked, reader.at_stop) == ([], set())


@pytest.mark.parametrize(
    ("error", "status"),
    [(QuestionRefusedError("the events of today are being read"), 503), (QuestionTooLongError(), 503)],
)
def test_a_fault_before_the_begin_has_a_status(error: Exception, status: int) -> None:
    played = Played(2)
    played.reader.answer(error)
    assert played.peer.written.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nRetry-After: 1\r\n" in played.peer.written
    assert played.reader.at_stop == set()


def test_a_reader_that_is_busy_is_asked_again_a_second_later() -> None:
    played = Played(2)
    played.reader.answer()
    played.catch_up()
    played.reader.answer(QuestionRefusedError("too many questions wait"))
    assert played.reader.asked == []
    [again] = played.reader.later
    again()
    played.reader.answer()
    assert played.peer.written.endswith(b"piece 2\n\r\n" + LAST_CHUNK)


@pytest.mark.parametrize("minor", [0, 1])
def test_a_fault_in_the_middle_breaks_the_answer_off(minor: int) -> None:
    """The last chunk is missing. In HTTP/1.0 there are no chunks, and the connection is reset."""
    played = Played(3, minor=minor)
    played.reader.answer()
    played.catch_up()
    with pytest.raises(ZeroDivisionError):  # for the log
        played.reader.answer(ZeroDivisionError())
    assert played.peer.written.endswith(b"piece 1\n\r\n" if minor else b"piece 1\n")
    assert played.exchange.closes
    assert played.exchange.pieces is not None
    assert played.exchange.pieces.must_reset is (minor == 0)
    assert (played.reader.asked, played.reader.at_stop) == ([], set())


def test_a_stop_breaks_a_download_off() -> None:
    played = Played(3)
    played.reader.answer()
    [stop] = played.reader.at_stop
    stop()
    assert not played.peer.written.endswith(LAST_CHUNK)
    assert played.exchange.closes
    assert played.exchange.pieces is not None
    assert played.exchange.pieces.is_done


def test_head_needs_one_piece() -> None:
    played = Played(3, "HEAD")
    played.reader.answer()
    assert played.peer.written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert played.peer.written.endswith(b"\r\n\r\n")
    assert (played.reader.asked, played.reader.at_stop) == ([], set())


# ── with a server ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """Run a server with 2 500 sessions: three pieces."""
    events = [
        event for n in range(2500) for event in stay(at(1, 8) + n * 2_000_000, at(1, 8) + n * 2_000_000 + 5, f"user{n}")
    ]
    with served(tmp_path_factory.mktemp("site"), events) as server:
        yield server


@pytest.mark.long
def test_a_download_has_what_the_pages_have(site: Winlogd) -> None:
    lines = get(site, "sessions", format="csv").body.decode().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [f"user{n}" for n in reversed(range(2500))]
    assert len(get(site, "events", format="ndjson", action="C").body.splitlines()) == 2500
    assert len(get(site, "sessions", format="ndjson", limit=1000).body.splitlines()) == 1000
    last = found(site, "sessions", limit=1000)["next"]
    assert len(get(site, "sessions", format="ndjson", cursor=last).body.splitlines()) == 1500


def test_http_1_0_gets_it_without_chunks_from_no_one(site: Winlogd) -> None:
    """A request by HTTP/1.0 is not local: many proxies send it."""
    with Wire(site.port) as wire:
        wire.send(request("GET", "/api/v1/sessions?format=csv", version="1.0"))
        assert wire.answer().status == 403


def test_of_many_questions_at_once_some_are_told_to_come_again(site: Winlogd) -> None:
    wires = [Wire(site.port) for _ in range(40)]
    for wire in wires:
        wire.send(request("GET", "/api/v1/sessions?limit=1000"))
    answers = [wire.answer() for wire in wires]
    for wire in wires:
        wire.socket.close()
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {200, 503}
    refused = next(answer for answer in answers if answer.status == 503)
    assert (refused.headers["retry-after"], refused.json) == (
        "1",
        {"error": "Try again", "details": "too many questions wait"},
    )
    assert get(site, "sessions").status == 200


@pytest.mark.alone
@pytest.mark.long
def test_a_stop_ends_beside_downloads_that_nobody_reads(tmp_path: Path) -> None:
    archive(tmp_path, 20_000)
    with clocked(tmp_path, NOW_US, "") as server:
        wires = [Wire(server.port, receive_buffer=4096) for _ in range(3)]
        for wire in wires:
            wire.send(request("GET", "/api/v1/events?format=csv"))
            assert wire.socket.recv(17) == b"HTTP/1.1 200 OK\r\n"
        server.process.send_signal(signal.SIGTERM)
        received = b"".join(iter(lambda: wires[0].socket.recv(65_536), b""))
        assert not received.endswith(LAST_CHUNK)
        wires[0].socket.close()
        status = server.wait()
        for wire in wires[1:]:
            wire.socket.close()
        assert (status, "ended at once" in server.log) == (0, False)


def archive(folder: Path, rows: int) -> None:
    """Make a database with an archive, and take it into the past."""
    with clocked(folder, NOW_US, "") as server:
        server.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)"
            " INSERT INTO events_history"
            " (username, action, timestamp, hostname, server_timestamp, os_name, session_uuid)"
            " SELECT 'user' || (i / 2 % 500), CASE i % 2 WHEN 0 THEN 'C' ELSE 'D' END, at || 'Z',"
            " 'PC-' || (i / 2 % 300), at || '.000000+00:00', 'Windows', 'user@PC@' || (i / 2)"
            " FROM (SELECT i, strftime('%Y-%m-%dT%H:%M:%S', 1759305600 + i * 9, 'unixepoch') AS at FROM n)",
            rows,
        )
        assert server.stop() == 0
    build_file(server.database)


SMALL_CACHE = "[database]\npragma_cache_size = -1024\n"
"""SQLite's cache fills while a list is read. It is no part of what the list takes."""


def _peak_kib(server: Winlogd, field: str) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{field}:"))


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_long_list_takes_the_memory_of_a_piece(form: str, tmp_path: Path) -> None:
    archive(tmp_path, 200_000)
    with clocked(tmp_path, NOW_US, SMALL_CACHE) as server:
        assert get(server, "events", format=form, limit=1000).status == 200
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the peak begins anew (proc(5))
        before_kib = _peak_kib(server, "VmRSS")
        received, lines, end = 0, 0, b""
        with Wire(server.port) as wire:
            wire.send(request("GET", f"/api/v1/events?format={form}", "Connection: close"))
            while piece := wire.socket.recv(1 << 20):
                lines += (end[-3:] + piece).count(b"@PC@")  # it may be cut between two pieces
                received, end = received + len(piece), (end + piece)[-5:]
        assert (lines, end) == (200_000, LAST_CHUNK)
        assert received > 20_000_000
        assert _peak_kib(server, "VmHWM") - before_kib < 16 << 10


@pytest.mark.alone
@pytest.mark.long
def test_peers_that_do_not_read_hold_a_piece_each(tmp_path: Path) -> None:
    archive(tmp_path, 200_000)
    with clocked(tmp_path, NOW_US, "") as server:
        before_kib = _peak_kib(server, "VmRSS")
        wires = [Wire(server.port, receive_buffer=4096) for _ in range(20)]
        for wire in wires:
            wire.send(request("GET", "/api/v1/events?format=ndjson"))
            assert wire.socket.recv(17) == b"HTTP/1.1 200 OK\r\n"
        for _ in range(50):
            assert get(server, "sessions", limit=1).status == 200  # the other reader answers
        assert _peak_kib(server, "VmRSS") - before_kib < 48 << 10
        for wire in wires:
            wire.socket.close()
        assert get(server, "events", format="csv", limit=1).status == 200


@pytest.mark.alone
@pytest.mark.long
def test_a_download_is_refused_while_the_reader_catches_up(tmp_path: Path) -> None:
    with clocked(tmp_path, NOW_US, "") as server:
        server.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
            " INSERT INTO events_today (username, action, timestamp, hostname, server_timestamp, session_uuid)"
            " SELECT 'user' || i, 'C', at || 'Z', 'PC-' || i, at || '.000000+00:00', 'user@PC@' || i"
            " FROM (SELECT i, strftime('%Y-%m-%dT%H:%M:%S', 1768262400 + i / 9, 'unixepoch') AS at FROM n)"
        )
        answer = get(server, "sessions", format="csv")
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.json["details"] == "the events of today are being read"
        whole = wait_for(
            lambda: answer if (answer := get(server, "sessions", format="csv", limit=9)).status == 200 else None,
            "a 200",
        )
        assert whole.body.count(b"user@PC@") == 9
