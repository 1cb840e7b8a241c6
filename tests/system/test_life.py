"""A running server survives locks on its database, a full disk, a replaced file, and too many connections."""

import os
import re
import resource
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.support.locks import in_the_server, locked
from tests.support.running import Answer, Winlogd, an_event, run_to_end, running, until_stored, wait_for
from tests.support.wire import Wire, event_of, health, request

pytestmark = pytest.mark.long

_ROOM_BYTES: Final = 62_000
"""Room in the WAL for a small row with its entries in the indexes, but not for an event of 60 KB."""


def files_end_at(server: Winlogd, octets: int) -> None:
    """Limit the server's files to `octets` from now on, as if the disk were full."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))


def store_one_event_then_fill_the_disk(server: Winlogd) -> None:
    """Leave the WAL, which has begun again for this event, no room for a large one. Assert that it gets 503."""
    server.wait_until_settled()
    until_stored(server, an_event())
    files_end_at(server, _ROOM_BYTES)
    assert server.post(an_event(username="bob", hardware_info="x" * 60_000)).status == 503


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
        assert until_stored(server, an_event()).json["event_id"] == 1
        assert until_stored(server, an_event()).json["event_id"] == 1


def test_the_log_tells_of_an_event_that_was_not_stored_though_its_client_has_gone(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nevent_timeout = 0.2\n") as server, locked(server):
        wire = Wire(server.port)
        wire.send(event_of(an_event()))
        in_the_server(server, wire)
        wire.vanish()
        server.wait_for_log(r'request refused address=\S+ status=503 reason="Database busy or full"')


def test_a_disk_that_fails_makes_events_wait_and_the_log_stays_short(tmp_path: Path) -> None:
    """A limit on the size of the server's files stands for the disk. The server opens the database again and again."""
    with running(tmp_path, "[server]\nevent_timeout = 1\n") as server:
        store_one_event_then_fill_the_disk(server)
        files_end_at(server, resource.RLIM_INFINITY)
        until_stored(server, an_event(username="bob", hardware_info="x" * 60_000))
        assert server.stop() == 0
        assert [server.log.count(words) for words in ("database opened", "events wait")] == [1, 1]


def test_a_database_that_cannot_take_its_wal_in_is_told_and_every_event_stored(server: Winlogd) -> None:
    """No file may grow beyond the database's present size: a checkpoint cannot write pages after its end.

    SQLite does not report that: a COMMIT succeeds even if its checkpoint fails.
    """
    server.wait_until_settled()
    wal = server.database.with_name("winlog.db-wal")
    add_blob(server, 68, "PRAGMA wal_checkpoint(TRUNCATE)")
    files_end_at(server, server.database.stat().st_size)
    add_blob(server, 65, "PRAGMA wal_autocheckpoint")
    users = (f"user{number}" for number in count())
    wait_for(
        lambda: server.post(an_event(username=next(users))).status == 200 and " WARN the WAL grows, " in server.log,
        "a line in the log", server.process,
    )  # fmt: skip
    assert re.search(r"grows, .* mib=6[56] cause=.*disk I/O error", server.log)

    files_end_at(server, resource.RLIM_INFINITY)

    server.post(an_event(username=next(users)))  # its COMMIT makes a checkpoint
    server.post(an_event(username=next(users)))  # its COMMIT begins the WAL again
    assert wal.stat().st_size <= 16 * 2**20
    assert server.stop() == 0
    assert [server.log.count(words) for words in ("the WAL grows", "events wait")] == [1, 0]
    after_the_last = int(next(users).removeprefix("user"))
    assert [row["username"] for row in server.rows()] == [f"user{number}" for number in range(after_the_last)]
    assert server.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_a_start_whose_database_cannot_take_its_wal_in_ends_with_status_1_and_loses_nothing(server: Winlogd) -> None:
    assert server.post(an_event(action="M", hardware_info="x" * 60_000)).status == 200
    server.kill()
    command, octets = server.command, server.database.stat().st_size
    server.command = ("prlimit", f"--fsize={octets}:unlimited", *command)
    server.spawn()
    assert server.wait() == 1
    assert re.search(r"ERROR \S+winlog.db cannot be opened \(disk I/O error", server.log)
    server.command = command
    server.start()
    server.wait_until_open()
    assert [row["username"] for row in server.rows()] == ["alice"]


def add_blob(server: Winlogd, mib: int, then: str) -> None:
    """Write as another program that leaves checkpoints to winlogd. Execute `then` afterwards, perhaps a checkpoint."""
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("CREATE TABLE IF NOT EXISTS other (octets BLOB)")
        other.execute("INSERT INTO other VALUES (zeroblob(?))", (mib << 20,))
        other.execute(then)


def test_a_rotation_that_only_reads_does_not_tell_that_a_failing_disk_can_be_written_again(tmp_path: Path) -> None:
    """The retention after it would write a mark, for which there may be room."""
    with running(tmp_path, "[server]\nevent_timeout = 1\n[retention]\nhistory_days = 0\n") as server:
        store_one_event_then_fill_the_disk(server)
        assert "0 rows moved" in run_to_end(tmp_path, "rotate").stdout
        assert server.post(an_event(username="carol", hardware_info="x" * 60_000)).status == 503
        files_end_at(server, resource.RLIM_INFINITY)
        until_stored(server, an_event(username="bob", hardware_info="x" * 60_000))
        assert server.stop() == 0
        assert [server.log.count(words) for words in ("written again", "events wait")] == [1, 1]


def test_a_rotation_that_finds_nothing_to_move_tells_that_a_lock_is_over(server: Winlogd) -> None:
    server.wait_until_settled()
    server.post(an_event())
    with locked(server):
        rotating = threading.Thread(target=run_to_end, args=(server.folder, "rotate"))
        rotating.start()
        server.wait_for_log("WARN the database cannot be written for now")
    rotating.join()
    server.wait_for_log("the database can be written again")


def test_while_an_event_cannot_be_written_a_rotation_that_can_does_not_tell_that_all_is_well(tmp_path: Path) -> None:
    """A limit on the size of the files stands for a disk with room for the rotation, but not for the event."""
    with running(tmp_path, "[server]\nevent_timeout = 10\n") as server, ThreadPoolExecutor() as threads:
        server.wait_until_settled()
        server.post(an_event())
        server.execute("UPDATE events_today SET server_timestamp = '2026-01-12T08:00:00+00:00', action = 'M'")
        files_end_at(server, _ROOM_BYTES)
        large = threads.submit(server.post, an_event(username="bob", hardware_info="x" * 60_000))
        server.wait_for_log("WARN the database cannot be written for now")
        assert "1 rows moved" in run_to_end(tmp_path, "rotate").stdout
        files_end_at(server, resource.RLIM_INFINITY)
        assert large.result().status == 200
        assert server.stop() == 0
        assert [server.log.count(words) for words in ("written again", "events wait")] == [1, 1]


def test_a_rotation_that_cannot_be_written_ends_and_holds_no_event_up(server: Winlogd) -> None:
    """The disk has room for an event, but not for a step of the rotation."""
    server.wait_until_settled()
    server.post(an_event())
    for _ in range(8):
        server.execute(
            "INSERT INTO events_today (username, action, timestamp, server_timestamp, session_uuid, hardware_info)"
            " VALUES ('old', 'M', '2026-01-12T08:00:00Z', '2026-01-12T08:00:00+00:00', hex(randomblob(8)),"
            " hex(zeroblob(30000)))"
        )
    wal = server.database.with_name("winlog.db-wal")
    files_end_at(server, wal.stat().st_size + 200_000)

    said = server.rotate()

    assert said == "error the rotation did not come to its end: disk I/O error"
    assert [server.post(an_event(username=name)).status for name in ("bob", "carol", "dave")] == [200] * 3
    server.wait_for_log("WARN the rotation could not go on; what is left stays cause=")
    assert "events wait" not in server.log
    files_end_at(server, resource.RLIM_INFINITY)
    assert "8 rows moved" in server.rotate()


# ── a file that is swapped under the server ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("successor", ["none", "a copy in use"])
def test_when_its_file_is_replaced_the_server_promises_nothing_more(successor: str, server: Winlogd) -> None:
    """The server answers 503 and ends. It does not touch the file that replaced the database."""
    server.wait_until_settled()
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


# ── at rest, and overrun ──────────────────────────────────────────────────────────────────────────────


def wake_ups(server: Winlogd) -> dict[str, str]:
    """Return how often each thread of the server has gone to sleep so far, by the thread's id."""
    found = {}
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        (line,) = [line for line in (task / "status").read_text().splitlines() if line.startswith("voluntary_ctxt")]
        found[task.name] = line
    return found


@pytest.mark.long
def test_an_idle_server_wakes_nobody_up(server: Winlogd) -> None:
    """The server first gets time to finish its work. Then nothing may happen for two seconds."""
    server.post(an_event())
    pause = threading.Event()

    def at_rest() -> bool:
        before = wake_ups(server)
        pause.wait(3)  # the sweep after the last connection comes within a second or so
        return wake_ups(server) == before

    wait_for(at_rest, "the server to come to rest", server.process)
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
    """Return the first answer other than 503. The server notices the end of a connection later than the client."""
    found: Answer = wait_for(
        lambda: answer if (answer := server.request("GET", "/health")).status != 503 else None, "a free place"
    )
    return found
