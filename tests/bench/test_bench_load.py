"""The loads are like those of real clients: winlogd accepts every event, of wrk and of our own generators."""

import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bench import events
from bench.database import stored
from bench.load import openloop, wrk
from bench.load.exchanges import Exchanges
from bench.load.result import Load
from bench.registry import REPOSITORY
from tests.support.running import Winlogd, running, wait_for
from winlogd.events.decode import EventDecoder

pytestmark = pytest.mark.long


def _body(request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
    return body


@pytest.mark.parametrize("make", [events.request, lambda n: events.logon(n, 7), lambda n: events.inventory(n, 7)])
def test_every_event_of_the_loads_passes_winlogds_checks_as_it_is(make: object) -> None:
    assert callable(make)
    decoder = EventDecoder(("C", "D", "M"))

    decoded = [decoder.decode(_body(make(number))) for number in range(0, 20_000, 1_234)]

    assert len({event.timestamp for event in decoded}) == len(decoded)


def test_logons_and_logoffs_of_a_pair_follow_each_other() -> None:
    decoder = EventDecoder(("C", "D", "M"))
    logon, logoff = (decoder.decode(_body(events.request(number))) for number in (84, 85))

    assert (logon.action, logoff.action) == ("C", "D")
    assert (logon.username, logon.hostname) == (logoff.username, logoff.hostname)


def test_a_morning_has_a_logon_and_then_an_inventory_for_each_workstation() -> None:
    decoder = EventDecoder(("C", "D", "M"))
    plan = [(due, decoder.decode(_body(request))) for due, request in openloop.morning(50, 2.0, 0)]

    assert [due for due, _ in plan] == sorted(due for due, _ in plan)
    for action, begin in (("C", 0.0), ("M", 2.0)):
        of_action = [(due, event.hostname) for due, event in plan if event.action == action]
        assert len({host for _, host in of_action}) == 50
        assert all(begin <= due <= begin + 2.0 for due, _ in of_action)


def test_wrk_sends_the_same_bytes_as_the_other_generators() -> None:
    if shutil.which("wrk") is None:
        pytest.skip(wrk.MISSING)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        load = threading.Thread(target=wrk.run, args=(listener.getsockname()[1], 1, 0.3, 40))
        load.start()
        expected = [events.request(number) for number in (40, 41)]
        received = b""
        while not received:  # the first connection only checks that a server listens
            connection, _ = listener.accept()
            with connection:
                received = connection.recv(len(expected[0]), socket.MSG_WAITALL)
                if received:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    load.join()

    # wrk makes one request more than it sends, to check the script.
    assert received in expected


@pytest.mark.parametrize(
    "arguments",
    [
        ("openloop", "plain", "400", "0.25", "0"),
        ("openloop", "morning", "50", "0.1", "0"),
        ("oneshot", "4", "0.1", "0"),
    ],
)
def test_what_a_generator_counts_as_acknowledged_is_in_the_database(
    server: Winlogd, arguments: tuple[str, ...]
) -> None:
    module, *rest = arguments
    command = [sys.executable, "-m", f"bench.load.{module}", str(server.port), *rest]

    load = Load.from_json(subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout)

    assert load.acked > 0
    assert (load.refused, load.failed) == (0, 0)
    server.stop()
    assert stored(server.database) == load.acked


def test_logoffs_that_the_server_added_are_not_counted_as_the_loads(server: Winlogd) -> None:
    for number in (0, 2 * events.PAIRS):  # two logons of one pair: the second closes the first session
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(events.request(number))
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    server.stop()

    with closing(sqlite3.connect(server.database)) as database:
        assert database.execute("SELECT count(*) FROM events_today").fetchone() == (3,)
    assert stored(server.database) == 2


def test_an_answer_that_is_not_200_and_one_that_never_comes_are_no_acknowledgements() -> None:
    answers = [b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}", b""]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        plan = openloop.morning(1, 0.01, 0)
        load = openloop.run(Exchanges(listener.getsockname()[1], keep=False), plan, 5.0)
        serving.join()

    assert (load.acked, load.refused, load.failed) == (0, 1, 1)


@pytest.mark.long
def test_connections_that_the_server_has_closed_for_their_silence_are_not_used(tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nheaders_timeout = 0.2\n") as server:
        exchanges = Exchanges(server.port, keep=True)
        exchanges.connect(3)
        wait_for(lambda: all(_is_closed(connection) for connection in exchanges.idle), "the end of idle connections")

        load = openloop.run(exchanges, openloop.plain(rate=100, seconds=0.2, first=0), 5.0)

        assert (load.acked, load.refused, load.failed) == (20, 0, 0)
        assert len(server.rows()) == 20
        for connection in exchanges.idle:
            connection.close()


def test_an_answer_that_nobody_has_asked_for_is_not_taken_for_that_to_the_next_event(tmp_path: Path) -> None:
    with running(tmp_path) as server, socket.create_server(("127.0.0.1", 0)) as other:
        exchanges = Exchanges(server.port, keep=True)
        talkative = socket.create_connection(other.getsockname())
        talker, _ = other.accept()
        talker.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        wait_for(lambda: bool(talkative.recv(1, socket.MSG_PEEK)), "what was sent")
        talkative.setblocking(False)
        exchanges.idle.append(talkative)

        load = openloop.run(exchanges, openloop.plain(rate=100, seconds=0.05, first=0), 5.0)

        assert (load.acked, load.refused, load.failed) == (5, 0, 0)
        assert len(server.rows()) == 5
        talker.close()
        for connection in exchanges.idle:
            connection.close()


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
