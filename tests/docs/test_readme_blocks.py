"""What README.md's code blocks say is so: their commands are run and their answers compared.

A block that no test can run is listed with the reason.
"""

import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.docs.readme import LOGON, Block, block, blocks, comparable, run
from tests.support.paths import ROOT
from tests.support.running import A_SMALL_DISK_WILL_DO, an_event, running
from winlogd.config.sections import Config

OLDER_DATABASE: Final = ROOT / "tests" / "data" / "older.db"
DATABASE: Final = "/var/lib/winlogd/winlog.db"
ADDRESS: Final = "127.0.0.1:3000"

PROGRAMS: Final = [name for name in ("curl", "sqlite3") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(PROGRAMS), reason=f"not installed: {', '.join(PROGRAMS)}")


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
        answer = run(block.text, {"192.168.1.100:3000": f"127.0.0.1:{server.port}"})
        assert comparable(answer) == comparable(block.answer)


def _tells_a_linux_client(block: Block, folder: Path) -> None:
    environment = folder / "environment"
    run(block.text, {"/etc/environment": environment})
    name, _, url = environment.read_text().strip().partition("=")
    assert name == "WINLOG_SERVER_URL"
    assert url.endswith(Config().server.event_paths[0])


def _copies_the_older_database(block: Block, folder: Path) -> None:
    older, copy = folder / "older.db", folder / "data" / "winlog.db"
    shutil.copy(OLDER_DATABASE, older)
    copy.parent.mkdir()
    with closing(sqlite3.connect(older)) as still_open:  # the last event is in the WAL and not in the file
        still_open.execute("PRAGMA journal_mode = WAL")
        still_open.execute("INSERT INTO events_today (username, action, timestamp) VALUES ('last', 'M', '2026-01-13')")
        still_open.commit()
        run(block.text, {"/srv/winlog/data/winlog.db": older, DATABASE: copy})
    before = _rows(older, "SELECT * FROM events_all ORDER BY source, id")
    with running(folder) as server:
        server.wait_for_log("database of an older server upgraded in place")
        assert _rows(copy, "SELECT * FROM events_all ORDER BY source, id") == before
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
        connection.execute(_OLDER_INSERT)
        connection.commit()
    assert set(older_indexes) <= set(_rows(database, indexes))
    _takes_it_once_more(folder)


def _takes_it_once_more(folder: Path) -> None:
    with running(folder) as server:
        answer = server.post(an_event(username="older", action="D", hostname="old-host"))
        assert answer.json["session_uuid"] == "older@old-host@abcdef"


_OLDER_INSERT: Final = """INSERT INTO events_today (username, action, timestamp, hostname, source_ip, server_timestamp,
    os_name, os_version, kernel_version, hardware_info, session_uuid) VALUES ('older', 'C',
    '2026-01-13T08:30:00+00:00', 'old-host', '192.0.2.1', '2026-01-13T08:30:01+00:00', NULL, NULL, NULL, NULL,
    'older@old-host@abcdef')"""


def _asks_who_is_where(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.post(LOGON)
        answer = run(block.text, {ADDRESS: f"127.0.0.1:{server.port}"})
        assert comparable(answer) == comparable(block.answer)


def _queries_open_sessions(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.post(LOGON)
        server.post(LOGON | {"hostname": "A101-01", "username": "bob"})
        server.post(LOGON | {"hostname": "A101-01", "username": "bob", "action": "D"})
        assert run(block.text, {DATABASE: server.database}) == "A102-07|alice|2026-01-13T08:30:00Z\n"


def _queries_long_sessions(block: Block, folder: Path) -> None:
    with running(folder) as server:
        for user, until in (("alice", "09:30"), ("bob", "11:00")):
            server.post(LOGON | {"username": user})
            server.post(LOGON | {"username": user, "action": "D", "timestamp": f"2026-01-13T{until}:00Z"})
        server.post(LOGON | {"username": "carol"})
        server.post(LOGON | {"username": "carol", "timestamp": "2026-01-13T20:00:00Z"})  # no logoff by the client
        assert run(block.text, {DATABASE: server.database}) == (
            "bob|A102-07|2026-01-13T08:30:00Z|2.5\nalice|A102-07|2026-01-13T08:30:00Z|1.0\n"
        )


def _backs_up(block: Block, folder: Path) -> None:
    backup = folder / "elsewhere" / "data" / "winlog.db"
    backup.parent.mkdir(parents=True)
    with running(folder) as server:
        server.post(LOGON)
        run(block.text, {DATABASE: server.database, "/var/backups/winlog.db": backup})
        assert backup.stat().st_mode & 0o777 == 0o600
        current = server.request("GET", "/api/v1/sessions/current").body
    with running(folder / "elsewhere") as other:
        assert other.request("GET", "/api/v1/sessions/current").body == current


def _restores(restore: Block, folder: Path) -> None:
    backup = folder / "backup.db"
    with running(folder) as server:
        server.post(LOGON)
        run(
            block("(umask 077 && sudo sqlite3 /var/lib").text,
            {DATABASE: server.database, "/var/backups/winlog.db": backup},
        )
        server.post(LOGON | {"username": "bob"})
        server.kill()  # leaves a WAL behind, which does not belong to the backup
        run(restore.text, {DATABASE: server.database, "/var/backups/winlog.db": backup, "-o winlogd -g winlogd": ""})
        server.start()
        assert [row["username"] for row in server.rows()] == ["alice"]
        assert server.post(LOGON | {"username": "carol"}).status == 200


def _checks_the_configuration(block: Block, folder: Path) -> None:
    file = folder / "config.toml"
    shutil.copy(ROOT / "config.toml", file)
    program = f"{sys.executable} -m winlogd"
    answer = run(
        block.text,
        {"sudo -u winlogd /opt/winlogd/bin/winlogd": program, "/etc/winlogd/config.toml": file},
        {"PYTHONPATH": str(ROOT)},
    )
    assert answer.replace(str(file), "/etc/winlogd/config.toml") == block.answer


def _rotates(block: Block, folder: Path) -> None:
    """Both ways; without a server it has to go by what is configured, as the server would."""
    file = folder / "etc.toml"
    file.write_text('[database]\npragma_journal_mode = "DELETE"\n')
    with running(folder) as server:
        changes = {
            "sudo -u winlogd WINLOGD": "WINLOGD",
            "/opt/winlogd/bin/winlogd": f"env PYTHONPATH={ROOT} {sys.executable} -m winlogd",
            "/etc/winlogd/config.toml": file,
            DATABASE: server.database,
        }
        assert run(block.text, changes) == block.answer
        server.stop()
    assert run(block.text, changes, A_SMALL_DISK_WILL_DO) == block.answer
    assert server.rows("PRAGMA journal_mode") == [{"journal_mode": "delete"}]


def _asks_for_help(block: Block, folder: Path) -> None:
    program = f"{sys.executable} -m winlogd"
    assert run(block.text, {"/opt/winlogd/bin/winlogd": program}, {"PYTHONPATH": str(ROOT)}) == block.answer


RUN: Final[dict[str, Callable[[Block, Path], None]]] = {
    "curl http://127.0.0.1:3000/api/v1/events": _sends_the_first_event,
    '[server]\nhost = "0.0.0.0"': _configures_the_address,
    "curl http://192.168.1.100:3000/health": _asks_for_health,
    "echo 'WINLOG_SERVER_URL": _tells_a_linux_client,
    "sudo sqlite3 /srv/winlog": _copies_the_older_database,
    "CREATE INDEX": _goes_back,
    "curl http://127.0.0.1:3000/api/v1/sessions/current": _asks_who_is_where,
    'sudo sqlite3 -readonly /var/lib/winlogd/winlog.db "SELECT hostname': _queries_open_sessions,
    "sudo sqlite3 -readonly /var/lib/winlogd/winlog.db \\\n": _queries_long_sessions,
    "sudo -u winlogd WINLOGD_DATABASE_PATH": _rotates,
    "(umask 077 && sudo sqlite3 /var/lib/winlogd/winlog.db": _backs_up,
    "sudo systemctl stop winlogd\nsudo rm": _restores,
    "sudo -u winlogd /opt/winlogd/bin/winlogd check-config": _checks_the_configuration,
    "/opt/winlogd/bin/winlogd --help": _asks_for_help,
}
"""How a block, known by how it begins, is run."""

RUN_ELSEWHERE: Final = {
    "python3 -m venv .venv && .venv/bin/pip install . ": "test_packaging.py",
    "upstream winlogd": "proxies.py",
    "http://winlog.example.org {": "proxies.py",
}
"""Blocks that another file of this folder runs."""

NOT_RUN: Final = {
    "python3 -m venv .venv && .venv/bin/pip install -e": "is what runs this test; test_packaging.py looks for it in CI",
    "sudo useradd": "makes a user and files of the system; test_systemd.py compares its paths with the unit's",
    "sudo systemctl daemon-reload\nsudo systemctl enable": "needs systemd as the first process",
    "sudo ufw": "changes the firewall of the machine",
    "sudo firewall-cmd": "changes the firewall of the machine",
    "sudo systemctl restart": "needs systemd as the first process",
    "setx": "is for Windows",
    "sudo chown": "needs the user winlogd",
    "journalctl": "needs systemd's journal",
    "sudo /opt/winlogd/bin/pip install --upgrade": "changes files of the system",
    "sudo systemctl disable": "needs systemd as the first process",
}
"""Blocks that no test can run, and why."""


@pytest.mark.parametrize("beginning", RUN)
def test_a_block_does_what_the_text_says(beginning: str, tmp_path: Path) -> None:
    RUN[beginning](block(beginning), tmp_path)


@pytest.mark.parametrize("each", blocks(), ids=lambda each: each.text.splitlines()[0][:60])
def test_every_block_is_run_or_listed_with_the_reason_why_not(each: Block) -> None:
    assert len([known for known in (*RUN, *RUN_ELSEWHERE, *NOT_RUN) if each.text.startswith(known)]) == 1


@pytest.mark.parametrize("beginning", [*RUN_ELSEWHERE, *NOT_RUN])
def test_the_lists_name_only_blocks_that_are_there(beginning: str) -> None:
    assert block(beginning)
    if file := RUN_ELSEWHERE.get(beginning):
        assert f'block("{beginning}' in (ROOT / "tests" / "docs" / file).read_text()


def _rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(sql))
