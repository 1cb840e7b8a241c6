"""The limits of connections, events and free space on the disk, set on a running server."""

import signal
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.locks import locked, unread_octets
from tests.support.running import CLIENT_HEADERS, MORE_THAN_THERE_IS, Winlogd, an_event, running, wait_for
from tests.support.wire import Wire, event_of, health, request

pytestmark = pytest.mark.long

STRANGER, NEIGHBOUR = "127.0.0.2", "127.0.0.3"
"""Addresses of this machine that are no trusted proxies by default; 127.0.0.1 is one."""

NEVER = "[limits]\nevents_per_second = 0.001\nrate_delay = 86400.0\n"
"""The first event passes at once. The next one waits for 1000 s, longer than any test, or until the server stops."""


def of(user: str, *fields: str) -> bytes:
    return event_of(an_event(username=user), *fields)


def users(server: Winlogd) -> list[str]:
    return [row["username"] for row in server.rows()]


# ── connections ───────────────────────────────────────────────────────────────────────────────────────


def test_connections_of_one_address_beyond_its_limit_are_told_so_and_all_others_go_on(tmp_path: Path) -> None:
    with (
        running(tmp_path, "[limits]\nconnections_per_address = 2\n") as server,
        Wire(server.port, source=STRANGER) as first,
    ):
        with Wire(server.port, source=STRANGER) as second:
            second.send(health())
            assert second.answer().status == 200
            with Wire(server.port, source=STRANGER) as third:
                answer = third.answer()
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
                assert answer.json == {"error": "Too many connections from this address"}
                assert third.rest() == b""
            with Wire(server.port, source=NEIGHBOUR) as neighbour:
                neighbour.send(of("neighbour"))
                first.send(of("first"))
                assert (neighbour.answer().status, first.answer().status) == (200, 200)
        wait_for(lambda: health_from(server, STRANGER) == 200, "a free place", server.process)


def health_from(server: Winlogd, address: str) -> int:
    with Wire(server.port, source=address) as wire:
        wire.send(health())
        return wire.answer().status


def test_a_trusted_proxys_connections_are_not_counted(tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nconnections_per_address = 1\n") as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server.port)) for _ in range(5)]
        for wire in wires:
            wire.send(health())
            assert wire.answer().status == 200


def test_there_are_no_more_connections_than_files_may_be_open(tmp_path: Path) -> None:
    """The server may open 200 files, and keeps 192 of them for other things than connections."""
    settings = Winlogd(tmp_path)
    settings.command = ("sh", "-c", 'ulimit -n 200 && exec "$0" "$@"', *settings.command)
    server = settings
    try:
        server.start()
        server.wait_for_log("fewer connections than configured.* max_connections=10000 possible=8 open_files=200")
        with ExitStack() as stack:
            wires = [stack.enter_context(Wire(server.port)) for _ in range(8)]
            for number, wire in enumerate(wires):
                wire.send(of(f"user{number}"))
                assert wire.answer().status == 200
            for _ in range(300):  # more than files: each is closed, with an answer or without one
                stack.enter_context(Wire(server.port))
            with Wire(server.port) as ninth:
                assert ninth.socket.recv(12) in (b"HTTP/1.1 503", b"")
            for number, wire in enumerate(wires):
                wire.send(of(f"again{number}"))
                assert wire.answer().status == 200
        wait_for(lambda: health_from(server, STRANGER) == 200, "a free place", server.process)
        assert server.stop() == 0
    finally:
        if server.process.poll() is None:
            server.kill()


# ── events a second ───────────────────────────────────────────────────────────────────────────────────


def test_an_address_that_sends_too_much_is_slowed_down_to_the_rate_and_loses_nothing(tmp_path: Path) -> None:
    """If the server read on, most events would have to wait longer than 0.1 s and would be refused."""
    with (
        running(tmp_path, "[limits]\nevents_per_second = 20\nevents_burst = 3\nrate_delay = 0.1\n") as server,
        Wire(server.port, source=STRANGER) as wire,
    ):
        server.wait_until_open()
        begun = time.monotonic()
        wire.send(b"".join(of(f"user{number}") for number in range(8)))
        assert [wire.answer().json["username"] for _ in range(8)] == [f"user{number}" for number in range(8)]
        assert time.monotonic() - begun > 5 / 20 - 0.01  # timers count in milliseconds


def test_one_shot_clients_that_share_an_address_are_slowed_down_too_and_none_is_refused(tmp_path: Path) -> None:
    with (
        running(tmp_path, "[limits]\nevents_per_second = 40\nevents_burst = 1\n") as server,
        ExitStack() as stack,
    ):
        wires = [stack.enter_context(Wire(server.port, source=STRANGER)) for _ in range(10)]
        for number, wire in enumerate(wires):
            wire.send(of(f"user{number}"))
        assert {wire.answer().status for wire in wires} == {200}


def test_an_event_that_comes_too_early_waits_while_others_do_not_and_a_stop_stores_it(tmp_path: Path) -> None:
    with (
        running(tmp_path, NEVER) as server,
        Wire(server.port, source=STRANGER) as early,
        Wire(server.port, source=NEIGHBOUR) as other,
    ):
        early.send(of("first"))
        assert early.answer().status == 200
        early.send(of("early"))
        early.send(health())
        other.send(of("other"))
        assert other.answer().status == 200
        assert server.request("GET", "/health").status == 200
        assert users(server) == ["first", "other"]
        server.process.send_signal(signal.SIGTERM)
        assert early.answer().json["username"] == "early"
        early.socket.close()  # the stop would wait for that
        assert server.wait() == 0
        assert users(server) == ["first", "other", "early"]


def test_behind_a_trusted_proxy_one_client_that_sends_too_much_delays_no_other(tmp_path: Path) -> None:
    """They share a connection. The modest client's answer waits for its turn, and its event does not."""
    greedy, modest = "X-Forwarded-For: 203.0.113.66, 192.0.2.1", "X-Forwarded-For: 192.0.2.2"
    with running(tmp_path, NEVER) as server, Wire(server.port) as proxy:
        proxy.send(of("first", greedy) + of("early", greedy.replace("66", "67")) + of("modest", modest))
        assert proxy.answer().json["username"] == "first"
        wait_for(lambda: users(server) == ["first", "modest"], "the modest one's event", server.process)
        server.process.send_signal(signal.SIGTERM)
        assert [proxy.answer().json["username"] for _ in range(2)] == ["early", "modest"]
        proxy.socket.close()
        assert server.wait() == 0


def test_only_who_would_have_to_wait_too_long_is_refused_and_told_when_to_come_again(tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nevents_per_second = 0.01\nevents_burst = 2\nrate_delay = 10.0\n") as server:
        headers = {"X-Forwarded-For": "192.0.2.1"}
        assert [server.post(an_event(username=name), headers).status for name in ("a", "b")] == [200, 200]
        answer = server.post(an_event(username="c"), headers)
        assert (answer.status, answer.json) == (429, {"error": "Too many events"})
        assert 60 < int(answer.headers["retry-after"]) <= 90
        assert "connection" not in answer.headers
        server.wait_for_log(r'request refused address=192\.0\.2\.1 status=429 reason="Too many events"')
        assert server.request("GET", "/health").status == 200
        assert server.post(an_event(username="d"), {"X-Forwarded-For": "192.0.2.2"}).status == 200


# ── events that wait for the database ─────────────────────────────────────────────────────────────────


def test_when_too_many_events_wait_further_ones_are_not_read_and_none_is_lost(tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nqueued_events = 4\n") as server, ExitStack() as stack:
        server.wait_until_open()
        idle = stack.enter_context(Wire(server.port))
        wires = [stack.enter_context(Wire(server.port)) for _ in range(20)]
        with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for number, wire in enumerate(wires):
                wire.send(of(f"user{number}") + of(f"again{number}"))
            server.wait_for_log("more events come than the database takes.* queued_events=4")
            for wire in wires:
                wire.send(health())
            idle.send(health())
            assert idle.answer().status == 200
            assert server.request("GET", "/health").status == 200
            assert server.request("GET", "/api/v1/sessions/current").json == []
            assert sum(bool(unread_octets(server, wire)) for wire in wires) >= 10
            other.execute("ROLLBACK")
        for wire in wires:
            assert [wire.answer().status for _ in range(3)] == [200] * 3
        assert len(set(users(server))) == 40


@pytest.mark.parametrize(
    ("security", "event"),
    [
        ('ingest_token = "Zk3-correct.horse_battery"', event_of(an_event())),
        ('ingest_networks = ["203.0.113.0/24"]', event_of(an_event())),
        ("", request("POST", "/nowhere", "Content-Length: 1", body=b"x")),
    ],
    ids=["without the token", "from elsewhere", "to nowhere"],
)
def test_who_is_refused_in_any_case_takes_no_place_among_the_events_that_wait(
    security: str, event: bytes, tmp_path: Path
) -> None:
    settings = f'[limits]\nqueued_events = 1\n[security]\ntrusted_proxies = ["127.0.0.1"]\n{security}\n'
    admitted = ("Authorization: Bearer Zk3-correct.horse_battery", "X-Forwarded-For: 203.0.113.9")
    with running(tmp_path, settings) as server, Wire(server.port) as waiting, locked(server):
        waiting.send(event_of(an_event(), *admitted))
        server.wait_for_log("more events come than the database takes")
        with Wire(server.port) as refused:
            refused.send(event)
            assert refused.answer().status in (403, 404)


def test_a_stop_answers_the_events_that_were_not_taken_up_yet(tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nqueued_events = 2\n") as server, ExitStack() as stack:
        server.wait_until_open()
        wires = [stack.enter_context(Wire(server.port)) for _ in range(8)]
        with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for number, wire in enumerate(wires):
                wire.send(of(f"user{number}"))
            server.wait_for_log("more events come than the database takes")
            for _ in wires:
                server.request("GET", "/health")  # the server's loop goes round and reads the rest
            server.process.send_signal(signal.SIGTERM)
            server.wait_for_log("stopping")
            other.execute("ROLLBACK")
        assert {wire.answer().status for wire in wires} == {200}
        stack.close()  # the stop would wait for that
        assert server.wait() == 0
        assert len(users(server)) == 8


# ── space on the disk ─────────────────────────────────────────────────────────────────────────────────


def test_below_the_least_free_space_events_are_refused_after_a_wait_and_questions_answered(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nevent_timeout = 0.2\n", MORE_THAN_THERE_IS) as server:
        server.wait_until_open()
        for _ in range(3):
            answer = server.post(an_event())
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert answer.json == {"error": "Database error"}
        assert server.request("GET", "/health").status == 200
        assert server.request("GET", "/api/v1/sessions/current").json == []
        assert server.rows() == []
        assert server.stop() == 0
        assert server.log.count("limits.min_free_disk") == 1
        assert CLIENT_HEADERS["User-Agent"] not in server.log
