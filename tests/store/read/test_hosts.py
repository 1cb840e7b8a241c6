"""The machines of a database, for a check that changes nothing. What cannot be read has no machines."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.running import an_event, run_to_end, running
from winlogd.store.read.hosts import known_hosts


@pytest.mark.long
def test_machines_of_today_and_of_the_archive_are_known(tmp_path: Path) -> None:
    with running(tmp_path, '[rotation]\nat = ""\n') as server:
        assert server.post(an_event(hostname="Old-1", action="M")).status == 200
        server.execute("UPDATE events_today SET server_timestamp = '2026-01-01 08:00:00'")
        server.stop()
    assert run_to_end(tmp_path, "rotate").returncode == 0
    with running(tmp_path, '[rotation]\nat = ""\n') as server:
        assert server.post(an_event(hostname="New-1")).status == 200
        assert set(known_hosts(str(server.database))) == {"New-1", "old-1"}


@pytest.mark.parametrize("octets", [None, b"", b"no database", b"SQLite format 3\0" + b"\x02" * 100])
def test_what_is_no_database_has_no_machines(octets: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "a ?#%.db"
    if octets is not None:
        file.write_bytes(octets)
    before = list(tmp_path.iterdir())
    assert known_hosts(str(file)) == []
    assert list(tmp_path.iterdir()) == before


def test_an_older_servers_database_has_none_before_winlogd_has_read_it(tmp_path: Path) -> None:
    file = tmp_path / "winlog.db"
    with closing(sqlite3.connect(file)) as older:
        older.execute("CREATE TABLE events_today (hostname)")
        older.execute("INSERT INTO events_today VALUES ('A')")
        older.commit()
    assert known_hosts(str(file)) == []
