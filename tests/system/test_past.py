"""A server builds the past of an older archive by itself, while it serves."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import DATA
from tests.support.running import Winlogd, an_event, running, wait_for

pytestmark = pytest.mark.long

ARCHIVED = """INSERT INTO events_history (username, action, timestamp, hostname, source_ip, server_timestamp, os_name,
        os_version, kernel_version, hardware_info, session_uuid, created_at)
    SELECT username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, kernel_version,
        hardware_info, session_uuid, created_at FROM events_today ORDER BY id"""
LEFT = "SELECT 1 FROM winlogd_ranges UNION ALL SELECT 1 FROM winlogd_meta WHERE key IN ('hours_from', 'past_clearing')"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a database of the older server."""
    (tmp_path / "data").mkdir()
    shutil.copy(DATA / "older.db", tmp_path / "data" / "winlog.db")
    return tmp_path


def until_built(server: Winlogd) -> None:
    """Wait until the past is built and its hours are counted."""
    server.wait_for_log("the past is built: ")
    wait_for(lambda: not server.rows(LEFT), "the hours to be counted", server.process)


def sessions(server: Winlogd) -> list[tuple[Any, ...]]:
    rows = server.rows("SELECT session_uuid, ended_by FROM sessions ORDER BY received_at, session_uuid")
    return [tuple(row.values()) for row in rows]


def older_script(path: Path) -> None:
    """Move all rows, as the older server's script does."""
    with closing(sqlite3.connect(path)) as connection:
        with connection:
            connection.execute(ARCHIVED)
            connection.execute("DELETE FROM events_today")
        connection.execute("VACUUM")


def test_an_older_archive_is_built_at_the_first_start_and_not_again(folder: Path) -> None:
    with running(folder) as server:
        until_built(server)
        assert server.rows("SELECT count(*) AS n FROM winlogd_past") == [{"n": 5}]
        assert server.rows("SELECT logons, users, most FROM winlogd_hours") == [{"logons": 4, "users": 3, "most": 1}]
        before = server.log
        assert server.post(an_event()).status == 200
        assert server.stop() == 0
        assert "9 rows of events_history read in " in before

        server.restart()
        server.wait_until_it_obeys()
        assert server.rotate().startswith("ok")
        assert server.stop() == 0
        assert "past" not in server.log.replace("past_", "")


def test_what_an_older_servers_script_has_moved_between_two_starts_is_built(folder: Path) -> None:
    with running(folder) as server:
        until_built(server)
        known = set(sessions(server))
        assert server.post(an_event(username="open")).status == 200
        assert server.stop() == 0
        older_script(server.database)

        server.restart()
        until_built(server)
        found = sessions(server)
        assert len(found) == len(set(found))
        ended = {identifier for identifier, ended_by in known if ended_by is not None}
        assert ended <= {identifier for identifier, _ in found}
        assert [ended_by for identifier, ended_by in found if identifier.startswith("open@")] == ["expired"]
        assert server.rows("SELECT 1 FROM sessions WHERE ended_by IS NULL") == []


def test_a_rotation_takes_its_rows_into_the_past_and_their_hours_are_counted(folder: Path) -> None:
    with running(folder) as server:
        until_built(server)
        server.wait_until_it_obeys()
        before = sessions(server)
        assert server.rotate().startswith("ok")
        wait_for(lambda: not server.rows(LEFT), "the hours to be counted", server.process)

        logons = server.rows("SELECT sum(logons) AS n FROM winlogd_hours")[0]["n"]
        assert logons == server.rows("SELECT count(*) AS n FROM winlogd_past WHERE ended_by < 4")[0]["n"] > 4
        assert {identifier for identifier, _ in sessions(server)} >= {identifier for identifier, _ in before}


def test_rows_that_somebody_deletes_from_the_archive_leave_the_past_at_the_next_start(folder: Path) -> None:
    with running(folder) as server:
        until_built(server)
        server.execute("DELETE FROM events_history WHERE username = 'g06'")
        assert server.stop() == 0

        server.restart()
        until_built(server)
        names = server.rows("SELECT name FROM winlogd_names WHERE kind = 1 ORDER BY name")
        assert [row["name"] for row in names] == ["g02", "g03"]
        assert server.rows("SELECT sum(logons) AS n FROM winlogd_hours") == [{"n": 2}]
