"""Run the commands of README.md and docs/install.md: the first event, the address, the check, an older database."""

import shutil
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.docs.pages import ADDRESS, DATABASE, LAN_ADDRESS, LOGON, Block, Runner, comparable, run
from tests.support.paths import ROOT
from tests.support.running import an_event, running

OLDER_DATABASE: Final = ROOT / "tests" / "data" / "older.db"


def _sends_the_first_event(block: Block, folder: Path) -> None:
    with running(folder) as server:
        answer = run(block.text, {ADDRESS: f"127.0.0.1:{server.port}"})
        assert comparable(answer) == comparable(block.answer)
        [row] = server.rows()
        assert {name: row[name] for name in LOGON} == LOGON


def _configures_the_address(block: Block, folder: Path) -> None:
    with running(folder, block.text) as server:
        assert "listening address=0.0.0.0 " in server.log
        assert server.request("GET", "/health").status == 200


def _asks_for_health(block: Block, folder: Path) -> None:
    with running(folder) as server:
        answer = run(block.text, {LAN_ADDRESS: f"127.0.0.1:{server.port}"})
        assert comparable(answer) == comparable(block.answer)


def _copies_the_older_database(block: Block, folder: Path) -> None:
    older, copy = folder / "older.db", folder / "data" / "winlog.db"
    shutil.copy(OLDER_DATABASE, older)
    copy.parent.mkdir()
    with closing(sqlite3.connect(older)) as still_open:  # the last event is in the WAL, not in the file
        still_open.execute("PRAGMA journal_mode = WAL")
        still_open.execute("INSERT INTO events_today (username, action, timestamp) VALUES ('last', 'M', '2026-01-13')")
        still_open.commit()
        run(block.text, {"/srv/winlog/data/winlog.db": older, DATABASE: copy})
    columns = ", ".join(str(name) for _, name, *_ in _rows(older, "PRAGMA table_info(events_all)"))
    before = _rows(older, f"SELECT {columns} FROM events_all ORDER BY source, id")
    with running(folder) as server:
        server.wait_for_log("database of an older server upgraded in place")
        assert _rows(copy, f"SELECT {columns} FROM events_all ORDER BY source, id") == before
        assert "last" in {row["username"] for row in server.rows()}


def _goes_back(block: Block, folder: Path) -> None:
    database = folder / "data" / "winlog.db"
    database.parent.mkdir()
    shutil.copy(OLDER_DATABASE, database)
    indexes = "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'events_today' AND name LIKE 'idx_%' ORDER BY name"
    older_indexes = _rows(database, indexes)
    with running(folder) as server:
        assert server.post(an_event()).status == 200
        assert server.stop() == 0
    assert not {row[0] for row in older_indexes} & {row[0] for row in _rows(database, indexes)}
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(block.text)
        connection.execute(OLDER_INSERT)
        connection.commit()
    assert set(older_indexes) <= set(_rows(database, indexes))
    _takes_it_once_more(folder)


def _takes_it_once_more(folder: Path) -> None:
    with running(folder) as server:
        answer = server.post(an_event(username="older", action="D", hostname="old-host"))
        assert answer.json["session_uuid"] == "older@old-host@abcdef"


OLDER_INSERT: Final = """INSERT INTO events_today (username, action, timestamp, hostname, source_ip, server_timestamp,
    os_name, os_version, kernel_version, hardware_info, session_uuid) VALUES ('older', 'C',
    '2026-01-13T08:30:00+00:00', 'old-host', '192.0.2.1', '2026-01-13T08:30:01+00:00', NULL, NULL, NULL, NULL,
    'older@old-host@abcdef')"""
"""The statement by which the older server stores a logon."""


def _rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(sql))


def _asks_for_the_status(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        program = f"env PYTHONPATH={ROOT} WINLOGD_DATABASE_PATH={server.database} {sys.executable} -m winlogd"
        assert " is running; events can be stored since 20" in run(
            block.text, {"sudo /opt/winlogd/bin/winlogd": program}
        )


RUN: Final[Mapping[str, Runner]] = {
    "curl http://127.0.0.1:3000/api/v1/events": _sends_the_first_event,
    '[server]\nhost = "0.0.0.0"': _configures_the_address,
    "sudo /opt/winlogd/bin/winlogd status": _asks_for_the_status,
    "curl http://192.168.1.100:3000/health": _asks_for_health,
    "sudo sqlite3 /srv/winlog": _copies_the_older_database,
    "CREATE INDEX": _goes_back,
}
