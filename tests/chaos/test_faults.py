"""A disk that fails and a clock that is wrong, under a real server: late answers, but never a false one."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos import faulty_winlogd
from tests.support.running import Winlogd, an_event, run_to_end, until_stored
from tests.support.wire import Wire, event_of

pytestmark = pytest.mark.long

TIMEOUT_S = 0.2
SETTINGS = f'[server]\nevent_timeout = {TIMEOUT_S}\ntimezone = "UTC"\n[rotation]\nat = ""\nkeep_open_hours = 48\n'
DAY_S = 86400


@contextmanager
def faulty(folder: Path) -> Iterator[Winlogd]:
    server = Winlogd(folder, SETTINGS)
    server.command = (sys.executable, faulty_winlogd.__file__, "--config", "config.toml")
    try:
        yield server.start()
    finally:
        if server.process.poll() is None:
            server.kill()


def set_clock(server: Winlogd, ahead_s: int) -> None:
    (server.folder / "clock.new").write_text(str(ahead_s))
    (server.folder / "clock.new").rename(server.folder / "clock")


def users(server: Winlogd) -> list[str]:
    return [row["username"] for row in server.rows()]


# ── the disk ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", faulty_winlogd.FAULTS)
def test_events_wait_for_a_disk_that_fails_and_are_never_answered_200_by_it(fault: str, tmp_path: Path) -> None:
    with faulty(tmp_path) as server:
        assert until_stored(server, an_event(username="before")).json["event_id"] == 1
        (tmp_path / "fault").write_text(fault)
        for _ in range(2):
            begun_s = time.monotonic()
            with Wire(server.port) as wire:
                wire.send(event_of(an_event()))
                assert server.request("GET", "/health").status == 200
                answer = wire.answer()
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
                assert answer.body == b'{"error":"Database error"}'
            assert time.monotonic() - begun_s >= TIMEOUT_S
        (tmp_path / "fault").unlink()
        assert until_stored(server, an_event()).json["event_id"] == 2
        assert until_stored(server, an_event(username="before")).json["event_id"] == 1
        assert server.stop() == 0
        assert server.log.count("database opened") == 1
        assert "Traceback" not in server.log
        assert ("it can only be read" in server.log) == (fault == "read-only")
    assert users(server) == ["before", "alice"]
    assert server.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_what_was_written_and_never_synced_is_not_taken_for_stored_by_the_next_process(tmp_path: Path) -> None:
    """SQLite's recovery finds the whole transaction in the WAL."""
    with faulty(tmp_path) as server:
        until_stored(server, an_event(username="before"))
        (tmp_path / "fault").write_text("sync")
        assert server.post(an_event()).status == 503
        server.kill()
        server.spawn()
        assert server.wait() == 1
        server.wait_for_log(r"ERROR .*winlog.db cannot be opened \(xSync fails\)")
        (tmp_path / "fault").unlink()
        server.start()
        until_stored(server, an_event())
        assert server.stop() == 0
    assert users(server) == ["before", "alice"]


def test_a_full_disk_at_the_start_is_waited_for(tmp_path: Path) -> None:
    with faulty(tmp_path) as server:
        until_stored(server, an_event(username="before"))
        server.kill()
        (tmp_path / "fault").write_text("full")
        server.start()
        assert server.request("GET", "/health").status == 200
        assert server.post(an_event()).status == 503
        (tmp_path / "fault").unlink()
        until_stored(server, an_event())
        assert server.stop() == 0
    assert users(server) == ["before", "alice"]


# ── the clock ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wrong_s", [DAY_S, -DAY_S], ids=["forward", "back"])
def test_a_clock_that_is_set_by_a_day_and_back_loses_doubles_and_parts_nothing(wrong_s: int, tmp_path: Path) -> None:
    logoff = an_event(action="D", timestamp="2026-01-13T17:00:00Z")
    with faulty(tmp_path) as server:
        logon = until_stored(server, an_event()).json
        inventory = until_stored(server, an_event(action="M", hardware_info={})).json
        set_clock(server, wrong_s)
        assert until_stored(server, an_event()).json == logon
        until_stored(server, an_event(username="bob"))
        assert run_to_end(tmp_path, "rotate", "--config", "config.toml").returncode == 0
        assert until_stored(server, an_event(action="M", hardware_info={})).json == inventory
        answer = until_stored(server, logoff).json
        assert answer["session_uuid"] == logon["session_uuid"]
        set_clock(server, 0)
        assert until_stored(server, logoff).json == answer
        assert run_to_end(tmp_path, "rotate", "--config", "config.toml").returncode == 0
        (open_session,) = server.request("GET", "/api/v1/sessions/current").json
        assert open_session["username"] == "bob"
        assert server.stop() == 0
    stored = server.rows("SELECT username, action FROM events_all")
    assert sorted((row["username"], row["action"]) for row in stored) == [
        ("alice", "C"), ("alice", "D"), ("alice", "M"), ("bob", "C")
    ]  # fmt: skip
