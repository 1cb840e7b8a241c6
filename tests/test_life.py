"""A running server's life: locks on its database, signals, a file that is swapped under it, the service manager."""

import os
import resource
import select
import signal
import socket
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.running import PATIENCE_S, Answer, Winlogd, an_event, running, wait_for
from tests.wire import Wire, event_of, health, request


@contextmanager
def locked(server: Winlogd) -> Iterator[sqlite3.Connection]:
    """Another program holds the database's write lock; it lets go by COMMIT, or at the end."""
    server.wait_until_open()
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@contextmanager
def locked_before_the_start(folder: Path) -> Iterator[sqlite3.Connection]:
    """Another program has locked the database for itself alone before winlogd can open it."""
    (folder / "data").mkdir()
    with closing(sqlite3.connect(folder / "data" / "winlog.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other


def in_the_server(server: Winlogd, wire: Wire) -> None:
    """Returns when the server has read all that was sent on `wire`: the receive queue of its socket is empty."""
    port, peer_port = f":{server.port:04X}", f":{wire.socket.getsockname()[1]:04X}"

    def is_read() -> bool:
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(port) and fields[2].endswith(peer_port):
                return fields[4].endswith(":00000000")
        return False

    wait_for(is_read, "the server to read what was sent", server.process)
    server.request("GET", "/health")  # one more round of its loop: what was read is handled


# ── a database that is locked ─────────────────────────────────────────────────────────────────────────


def test_health_answers_and_events_wait_while_another_program_holds_the_lock(server: Winlogd) -> None:
    with locked(server) as other, Wire(server.port) as wire:
        wire.send(event_of(an_event()))
        in_the_server(server, wire)
        assert server.request("GET", "/health").status == 200
        assert server.request("GET", "/api/v1/sessions/current").json == []
        other.execute("COMMIT")
        assert wire.answer().status == 200


def test_an_event_that_waited_too_long_is_answered_503_and_normal_service_returns(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nevent_timeout = 1\n") as server:
        with locked(server):
            answer = server.post(an_event())
            assert answer == (
                503,
                {"content-type": "application/json", "content-length": "26", "retry-after": "1"},
                b'{"error":"Database error"}',
            )
            assert server.request("GET", "/health").status == 200
            server.wait_for_log("WARN the database cannot be written for now")
        assert server.post(an_event()).json["event_id"] == 1
        assert server.post(an_event()).json["event_id"] == 1


def test_a_disk_that_fails_makes_events_wait_and_the_log_stays_short(tmp_path: Path) -> None:
    """A limit on the size of its files plays the disk; the database is opened afresh again and again meanwhile."""
    with running(tmp_path, "[server]\nevent_timeout = 1\n") as server:
        server.post(an_event())
        size = server.database.with_name("winlog.db-wal").stat().st_size
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        assert server.post(an_event(username="bob", hardware_info="x" * 60_000)).status == 503
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert server.post(an_event(username="bob", hardware_info="x" * 60_000)).status == 200
        assert server.stop() == 0
        assert [server.log.count(words) for words in ("database opened", "events wait")] == [1, 1]


# ── signals ───────────────────────────────────────────────────────────────────────────────────────────


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
    """Most of it is held back, read but not yet looked at, when the signal comes."""
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
    """Status 0 says that it was in time: at `shutdown_timeout` the end has status 1."""
    settings = "[server]\nshutdown_timeout = 2\n"
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
    """Some of it is looked at only after the signal."""
    with locked_before_the_start(tmp_path), running(tmp_path) as server, Wire(server.port) as wire:
        wire.send(request("GET", "/api/v1/sessions/current") * 200)
        in_the_server(server, wire)
        server.process.send_signal(signal.SIGTERM)
        assert [wire.answer().status for _ in range(200)] == [503] * 200
        wire.socket.close()
        assert server.wait() == 0


def test_connections_that_come_in_the_moment_of_a_stop_do_not_hold_it_up(tmp_path: Path) -> None:
    """Some are accepted while the listener is being closed; they say nothing, and nothing is owed to them."""
    with running(tmp_path, "[server]\nshutdown_timeout = 2\n") as server, ExitStack() as stack:

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


def test_a_client_that_does_not_read_its_answers_cannot_hold_up_a_stop(server: Winlogd) -> None:
    with Wire(server.port, receive_buffer=4096) as greedy:
        greedy.socket.setblocking(False)
        while select.select([], [greedy.socket], [], 0.3)[1]:
            greedy.socket.send(health() * 1000)
        assert server.stop() == 0


# ── a file that is swapped under the server ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("successor", ["none", "a copy in use"])
def test_when_its_file_is_replaced_the_server_promises_nothing_more(successor: str, server: Winlogd) -> None:
    """503, then the end; and what stands in the file's place now is not touched."""
    server.post(an_event())
    wal = server.database.with_name("winlog.db-wal")
    for suffix in ("", "-wal", "-shm"):
        server.database.with_name(f"winlog.db{suffix}").rename(server.folder / f"away.db{suffix}")
    with closing(sqlite3.connect(server.database if successor != "none" else ":memory:")) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE mine (x)")
        other.commit()
        answer = server.post(an_event(username="bob"))
        assert (answer.status, answer.body) == (503, b'{"error":"Database error"}')
        assert server.wait() == 1
        server.wait_for_log("ERROR .*winlog.db was replaced or deleted while it was in use")
        assert "Traceback" not in server.log
        if successor != "none":
            assert wal.stat().st_size > 0
            assert other.execute("SELECT * FROM mine").fetchall() == []
    assert os.path.exists(server.database) == (successor != "none")
    with closing(sqlite3.connect(server.folder / "away.db")) as away:
        assert away.execute("SELECT username FROM events_today").fetchall() == [("alice",)]


# ── the service manager ───────────────────────────────────────────────────────────────────────────────


class ServiceManager:
    """The socket that a service tells its state to, sd_notify(3)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE_S)
        self._socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)

    def told(self) -> str:
        """The next message."""
        return self._socket.recv(4096).decode()

    def told_nothing(self) -> bool:
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(PATIENCE_S)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceManager]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@winlogd-{uuid.uuid4()}"
    with closing(ServiceManager(address)) as listening:
        yield listening


def test_the_service_manager_hears_of_start_and_stop(manager: ServiceManager, tmp_path: Path) -> None:
    with running(tmp_path, environ={"NOTIFY_SOCKET": manager.address}) as server:
        assert manager.told() == "READY=1"
        assert server.stop() == 0
        assert manager.told() == "STOPPING=1"
        assert manager.told_nothing()


def test_ready_is_told_only_when_the_database_is_open(manager: ServiceManager, tmp_path: Path) -> None:
    environ = {"NOTIFY_SOCKET": manager.address}
    with locked_before_the_start(tmp_path) as other, running(tmp_path, environ=environ) as server:
        server.wait_for_log("cannot be written for now")
        assert manager.told_nothing()
        other.execute("COMMIT")
        assert manager.told() == "READY=1"


def test_ready_is_never_told_of_a_database_that_cannot_be_used(manager: ServiceManager, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "winlog.db").write_text("no database" * 1000)
    with running(tmp_path, environ={"NOTIFY_SOCKET": manager.address}) as server:
        assert server.wait() == 1
    assert manager.told() == "STOPPING=1"
    assert manager.told_nothing()


def test_the_watchdog_is_fed_for_as_long_as_the_loop_turns(manager: ServiceManager, tmp_path: Path) -> None:
    with running(tmp_path, environ={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "100000"}):
        messages = [manager.told() for _ in range(6)]
    assert sorted(messages) == ["READY=1"] + ["WATCHDOG=1"] * 5


def test_a_service_manager_that_is_gone_costs_a_line_and_no_service(tmp_path: Path) -> None:
    with running(tmp_path, environ={"NOTIFY_SOCKET": str(tmp_path / "nobody")}) as server:
        server.wait_for_log("WARN the service manager cannot be told")
        assert server.post(an_event()).status == 200


# ── at rest, and overrun ──────────────────────────────────────────────────────────────────────────────


def wake_ups(server: Winlogd) -> dict[str, str]:
    """How often each thread of the server has gone to sleep so far, by its id."""
    found = {}
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        (line,) = [line for line in (task / "status").read_text().splitlines() if line.startswith("voluntary_ctxt")]
        found[task.name] = line
    return found


def test_an_idle_server_wakes_nobody_up(server: Winlogd) -> None:
    """Two seconds in which nothing may happen; before them, the server gets the time to come to rest."""
    server.post(an_event())
    pause = threading.Event()

    def at_rest() -> bool:
        before = wake_ups(server)
        pause.wait(0.3)
        return wake_ups(server) == before

    wait_for(at_rest, "the server to come to rest", server.process)
    pause.wait(1)  # the sweep after the last connection
    before = wake_ups(server)
    pause.wait(2)
    assert wake_ups(server) == before


def test_connections_beyond_the_limit_are_told_so_and_the_others_go_on(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nmax_connections = 2\n") as server:
        with Wire(server.port) as first, Wire(server.port) as second:
            for wire in (first, second):
                wire.send(health())
                assert wire.answer().status == 200
            with Wire(server.port) as third:
                answer = third.answer()
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
                assert answer.headers["connection"] == "close"
                assert third.rest() == b""
            first.send(event_of(an_event()))
            second.send(request("HEAD", "/health"))
            assert (first.answer().status, second.answer("HEAD").status) == (200, 200)
        assert answered_again(server).status == 200


def answered_again(server: Winlogd) -> Answer:
    """The first answer that is no 503: the server learns a moment later than we that a connection has ended."""
    found: Answer = wait_for(
        lambda: answer if (answer := server.request("GET", "/health")).status != 503 else None, "a free place"
    )
    return found
