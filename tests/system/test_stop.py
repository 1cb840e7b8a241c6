"""A stop of a running server answers the received requests, and does not wait for idle or slow clients."""

import os
import select
import signal
import sys
import threading
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.support.locks import in_the_server, locked, locked_before_the_start
from tests.support.running import Winlogd, an_event, running
from tests.support.wire import Wire, event_of, health, request

pytestmark = pytest.mark.long


def fill(folder: Path, open_sessions: int) -> None:
    """Make a database with this many open sessions. A server needs a second or more to load 300 000 of them."""
    with running(folder) as server:
        server.wait_until_settled()
        assert server.stop() == 0
        server.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO events_today (username, action, timestamp, hostname, server_timestamp, session_uuid)"
            " SELECT 'u' || i, 'C', ?, 'h', ?, 'u' || i || '@h@000000' FROM n",
            open_sessions, *[datetime.now(UTC).isoformat(timespec="microseconds")] * 2,
        )  # fmt: skip


def test_a_stop_while_sessions_are_loaded_waits_for_nobody(tmp_path: Path) -> None:
    """Status 0 shows that the stop was in time: after `shutdown_timeout` the status is 1."""
    fill(tmp_path, 300_000)
    for number in (signal.SIGTERM, signal.SIGINT):
        with running(tmp_path, "[server]\nshutdown_timeout = 1\n") as server:
            server.process.send_signal(number)
            assert server.wait() == 0
            assert "database opened" not in server.log
            assert sorted(os.listdir(tmp_path / "data")) == ["winlog.db", "winlog.db.lock"]


def test_a_stop_while_sessions_are_loaded_commits_and_answers_what_was_received(tmp_path: Path) -> None:
    fill(tmp_path, 50_000)
    settings = "[server]\nshutdown_timeout = 600\nevent_timeout = 600\n"
    with running(tmp_path, settings) as server, Wire(server.port) as wire:
        wire.send(event_of(an_event()))
        in_the_server(server, wire)
        server.process.send_signal(signal.SIGTERM)
        assert wire.answer().json["event_id"] == 50_001
        wire.socket.close()
        assert server.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_with_status_0_and_no_wal_is_left(number: int, server: Winlogd) -> None:
    server.post(an_event())
    assert (server.folder / "data" / "winlog.db-wal").exists()
    server.process.send_signal(number)
    assert server.wait() == 0
    assert sorted(os.listdir(server.folder / "data")) == ["winlog.db", "winlog.db.lock"]
    assert len(server.rows()) == 1


def test_a_stop_answers_what_was_received_and_lets_idle_connections_go(server: Winlogd) -> None:
    with locked(server) as other, Wire(server.port) as wire, Wire(server.port) as idle:
        idle.send(health())
        assert idle.answer().status == 200
        wire.send(event_of(an_event()) + event_of(an_event(username="bob")))
        in_the_server(server, wire)
        server.process.send_signal(signal.SIGTERM)
        assert idle.rest() == b""
        with pytest.raises(ConnectionError):
            Wire(server.port)
        other.execute("COMMIT")
        assert [wire.answer().json["username"] for _ in range(2)] == ["alice", "bob"]
        assert wire.rest() == b""
        wire.socket.close()
        assert server.wait() == 0
    assert len(server.rows()) == 2


def test_a_stop_answers_all_of_a_long_pipeline(server: Winlogd) -> None:
    """When the signal comes, the server has read most of the pipeline, but not yet parsed it."""
    names = [f"user{number}" for number in range(80)]
    with locked(server) as other, Wire(server.port) as wire:
        wire.send(b"".join(event_of(an_event(username=name, os_info=None)) for name in names))
        in_the_server(server, wire)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log("stopping")
        other.execute("COMMIT")
        assert [wire.answer().json["username"] for _ in names] == names
        assert wire.rest() == b""
        wire.socket.close()
        assert server.wait() == 0


def test_a_second_signal_ends_the_server_at_once(server: Winlogd) -> None:
    server.post(an_event(username="acknowledged"))
    with locked(server), Wire(server.port) as wire:
        wire.send(event_of(an_event(username="lost")))
        in_the_server(server, wire)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log("stopping")
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 1
        assert wire.rest() == b""
    server.wait_for_log('ended at once.* cause="a second signal came"')
    assert [row["username"] for row in server.rows()] == ["acknowledged"]


def test_a_stop_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nshutdown_timeout = 0.3\n") as server:
        server.post(an_event(username="acknowledged"))
        with locked(server), Wire(server.port) as wire:
            wire.send(event_of(an_event(username="lost")))
            in_the_server(server, wire)
            assert server.stop() == 1
        server.wait_for_log("server.shutdown_timeout is over")
        assert [row["username"] for row in server.rows()] == ["acknowledged"]


def test_a_stop_while_another_program_holds_the_lock_waits_for_nobody(server: Winlogd) -> None:
    with locked(server):
        assert server.stop() == 0


def test_a_stop_before_the_database_could_be_opened_waits_for_nobody(tmp_path: Path) -> None:
    with locked_before_the_start(tmp_path), running(tmp_path) as server:
        server.wait_for_log("cannot be written for now")
        assert server.stop() == 0


def test_a_stop_before_the_database_could_be_opened_answers_what_waits_for_it(tmp_path: Path) -> None:
    """Status 0 shows that the stop was in time: after `shutdown_timeout` the status is 1."""
    settings = "[server]\nshutdown_timeout = 4\n"
    with (
        locked_before_the_start(tmp_path),
        running(tmp_path, settings) as server,
        Wire(server.port) as sender,
        Wire(server.port) as asker,
    ):
        sender.send(event_of(an_event()))
        asker.send(request("GET", "/api/v1/sessions/current"))
        in_the_server(server, sender)
        in_the_server(server, asker)
        server.process.send_signal(signal.SIGTERM)
        answer = asker.answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        answer = sender.answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.body == b'{"error":"Database error"}'
        assert asker.rest() == sender.rest() == b""
        asker.socket.close()
        sender.socket.close()
        assert server.wait() == 0


def test_a_stop_before_the_database_could_be_opened_answers_all_of_a_long_pipeline(tmp_path: Path) -> None:
    """The server parses some of the pipeline only after the signal."""
    with locked_before_the_start(tmp_path), running(tmp_path) as server, Wire(server.port) as wire:
        wire.send(request("GET", "/api/v1/sessions/current") * 200)
        in_the_server(server, wire)
        server.process.send_signal(signal.SIGTERM)
        assert [wire.answer().status for _ in range(200)] == [503] * 200
        wire.socket.close()
        assert server.wait() == 0


def test_connections_that_come_in_the_moment_of_a_stop_do_not_hold_it_up(tmp_path: Path) -> None:
    """The server accepts some of them while it closes the listener. They send no request and get no answer."""
    with running(tmp_path, "[server]\nshutdown_timeout = 10\n") as server, ExitStack() as stack:

        def connect_until_refused() -> None:
            with suppress(ConnectionError):
                while True:
                    stack.enter_context(Wire(server.port))

        threads = [threading.Thread(target=connect_until_refused) for _ in range(3)]
        for thread in threads:
            thread.start()
        server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert server.wait() == 0


@pytest.mark.long
def test_a_client_that_does_not_read_its_answers_cannot_hold_up_a_stop(server: Winlogd) -> None:
    with Wire(server.port, receive_buffer=4096) as greedy:
        greedy.socket.setblocking(False)
        while select.select([], [greedy.socket], [], 0.3)[1]:
            greedy.socket.send(health() * 1000)
        assert server.stop() == 0


ASKED: Final = """
import sys
from contextlib import suppress
from winlogd.cli import main
from winlogd.store.errors import QuestionTooLongError
from winlogd.store.read.readers import Readers

SQL = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

def for_ever(access):
    print("asked", file=sys.stderr, flush=True)
    while True:
        with suppress(QuestionTooLongError), access.snapshot() as connection:
            connection.execute(SQL).fetchall()

begin = Readers.begin

def begin_and_ask(readers):
    begin(readers)
    readers.questions.ask(
        "anne", for_ever, lambda outcome: print("answered", type(outcome).__name__, file=sys.stderr, flush=True)
    )

Readers.begin = begin_and_ask
sys.exit(main())
"""
"""winlogd with a question that never ends by itself."""


def test_a_stop_ends_a_question_and_closes_the_reader_before_the_writer(tmp_path: Path) -> None:
    """The WAL is gone only if the writer's connection was the last one."""
    server = Winlogd(tmp_path, "[server]\nshutdown_timeout = 600\n")
    server.command = (sys.executable, "-c", ASKED, "--config", "config.toml")
    server.start()
    server.wait_for_log("asked")
    server.post(an_event())
    assert server.stop() == 0
    assert "answered QuestionRefusedError" in server.log
    assert sorted(os.listdir(tmp_path / "data")) == ["winlog.db", "winlog.db.lock"]
