"""What README.md says is so: its commands are run, its answers compared, its names and numbers looked up."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.docs.readme import ROOT, TEXT, Block, block, blocks, comparable, run
from tests.running import Winlogd, an_event, running
from winlogd.config import KINDS, Config, environment_name
from winlogd.event import EventDecoder, InvalidEventError
from winlogd.http.message import REASONS

OLDER_DATABASE: Final = ROOT / "tests" / "data" / "older.db"
DATABASE: Final = "/var/lib/winlogd/winlog.db"
ADDRESS: Final = "127.0.0.1:3000"
LOGON: Final = {"username": "alice", "action": "C", "timestamp": "2026-01-13T08:30:00Z", "hostname": "A102-07"}

PROGRAMS: Final = [name for name in ("curl", "sqlite3") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(PROGRAMS), reason=f"not installed: {', '.join(PROGRAMS)}")


# ── how each block is run ─────────────────────────────────────────────────────────────────────────────────


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
        current = server.request("GET", "/api/v1/sessions/current").body
    with running(folder / "elsewhere") as other:
        assert other.request("GET", "/api/v1/sessions/current").body == current


def _restores(restore: Block, folder: Path) -> None:
    backup = folder / "backup.db"
    with running(folder) as server:
        server.post(LOGON)
        run(block("sudo sqlite3 /var/lib").text, {DATABASE: server.database, "/var/backups/winlog.db": backup})
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
        block.text, {"/opt/winlogd/bin/winlogd": program, "/etc/winlogd/config.toml": file}, {"PYTHONPATH": str(ROOT)}
    )
    assert answer.replace(str(file), "/etc/winlogd/config.toml") == block.answer


def _rotates(block: Block, folder: Path) -> None:
    with running(folder) as server:
        program = f"env PYTHONPATH={ROOT} {sys.executable} -m winlogd"
        answer = run(
            block.text,
            {"sudo -u winlogd WINLOGD": "WINLOGD", "/opt/winlogd/bin/winlogd": program, DATABASE: server.database},
        )
        assert answer == block.answer


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
    "sudo sqlite3 /var/lib/winlogd/winlog.db": _backs_up,
    "sudo systemctl stop winlogd\nsudo rm": _restores,
    "sudo /opt/winlogd/bin/winlogd check-config": _checks_the_configuration,
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


# ── names, numbers, links ─────────────────────────────────────────────────────────────────────────────────


def test_the_first_screen_has_the_picture_and_the_two_commands() -> None:
    screen = "\n".join(TEXT.splitlines()[:42])
    assert "docs/overview.svg" in screen
    assert "pip install . && .venv/bin/winlogd\n" in screen
    assert "pip install -e '.[test]' && .venv/bin/pytest\n" in screen


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "CHANGELOG.md"])
def test_every_option_that_is_named_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    options = re.findall(rf"\b({'|'.join(KINDS)})\.([a-z_]+)\b(?! ?\()", re.sub(r"\]\(.*?\)|https?://\S+", "", text))
    options = [(section, key) for section, key in options if key not in ("com", "org", "toml")]
    assert [f"{section}.{key}" for section, key in options if key not in KINDS[section]] == []


def test_every_variable_that_is_named_exists() -> None:
    known = {environment_name(section, key) for section, keys in KINDS.items() for key in keys}
    refused = {"WINLOGD_PORT"}  # the text says so; see below
    assert set(re.findall(r"\bWINLOGD_[A-Z_]+", TEXT)) - refused <= known


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "CHANGELOG.md"])
def test_every_link_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text()
    headings = {heading.lower().replace(",", "").replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("https://"):
            assert (ROOT / target).is_file()


def test_a_variable_that_is_no_option_is_refused_as_the_text_says(tmp_path: Path) -> None:
    checked = _check_config(tmp_path, "", {"WINLOGD_PORT": "tcp://10.0.0.1:3000"})
    assert checked.returncode == 2
    assert "WINLOGD_PORT: unknown variable" in checked.stderr


def test_mistakes_stop_the_start_with_status_2_and_a_line_each(tmp_path: Path) -> None:
    checked = _check_config(tmp_path, '[server]\nport = 70000\nhots = "::"\n', {})
    assert checked.returncode == 2
    assert len(checked.stderr.splitlines()) == 2


def test_a_clients_time_out_is_above_the_servers() -> None:
    [timeout] = re.findall(r"`WINLOG_TIMEOUT` \| `(\d+)`", TEXT)
    assert float(timeout) > Config().server.event_timeout


def test_the_defaults_in_the_text_are_the_programs() -> None:
    config = Config()
    assert f"listens on {config.server.host}, port {config.server.port}," in TEXT
    assert f"database in `{config.database.path}`" in TEXT
    assert f'`"{config.database.pragma_synchronous}"`, the default' in TEXT
    assert f"`WINLOG_USER_AGENT` | `{config.security.expected_user_agent}`" in TEXT


def test_the_columns_and_views_that_are_named_exist(server: Winlogd) -> None:
    server.post(LOGON)
    server.wait_for_log("event stored")
    promised = re.findall(r"^\| `(events_\w+|open_sessions|sessions)` \|", TEXT, re.MULTILINE)
    assert sorted(promised) == ["events_all", "events_history", "events_today", "open_sessions", "sessions"]
    for name in promised:
        assert server.rows(f"SELECT count(*) AS rows FROM {name}")[0]["rows"] == (name != "events_history")


# ── the table of statuses ─────────────────────────────────────────────────────────────────────────────────

_EVENT: Final = orjson.dumps(LOGON)
_CLIENT: Final = b"Host: a\r\nUser-Agent: Winlog/0.1.0\r\nContent-Type: application/json\r\n"
_POST: Final = b"POST /api/v1/events HTTP/1.1\r\n"
_LENGTH: Final = b"Content-Length: %d\r\n\r\n" % len(_EVENT)

PROVOKED: Final = {
    200: _POST + _CLIENT + _LENGTH + _EVENT,
    400: _POST + _CLIENT + b"Content-Length: 2\r\n\r\n{]",
    403: _POST + _CLIENT.replace(b"Winlog/", b"curl/") + _LENGTH + _EVENT,
    404: b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
    405: b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n",
    408: _POST,
    411: _POST + _CLIENT + b"\r\n",
    413: _POST + _CLIENT + b"Content-Length: 99999999\r\n\r\n",
    414: b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n",
    415: _POST + _CLIENT.replace(b"json", b"xml") + _LENGTH + _EVENT,
    417: _POST + _CLIENT + b"Expect: a miracle\r\n" + _LENGTH + _EVENT,
    431: _POST + b"X: y\r\n" * 200 + b"\r\n",
    501: b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    505: b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
}
"""A request for each status of the table that a request alone can bring about."""


def _statuses_in_the_table() -> set[int]:
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", TEXT, re.MULTILINE)
    return {int(status) for row in rows for status in row.split(", ")}


@pytest.mark.parametrize("status", PROVOKED)
def test_a_request_brings_the_status_that_the_table_gives(status: int, tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nheaders_timeout = 0.2\n") as server:
        assert _status_line(server.port, PROVOKED[status]).startswith(f"HTTP/1.1 {status} ")


def test_a_locked_database_brings_503(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nevent_timeout = 0.2\n") as server:
        server.wait_for_log("database opened")
        with closing(sqlite3.connect(server.database)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert server.post(LOGON).status == 503
        assert server.post(LOGON).status == 200


def test_more_events_than_allowed_bring_429(tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nevents_per_second = 0.001\n") as server:
        assert server.post(LOGON).status == 200
        answer = server.post(LOGON)
        assert answer.status == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 1000


def test_the_table_has_every_status_that_winlogd_sends() -> None:
    for_requests_that_carry_no_event = {100, 204}
    assert _statuses_in_the_table() == set(REASONS) - for_requests_that_carry_no_event
    assert _statuses_in_the_table() - set(PROVOKED) == {429, 500, 503}  # 500 takes a fault of the program


# ── the table of fields ───────────────────────────────────────────────────────────────────────────────────


def _levels(count: int) -> orjson.Fragment:
    return orjson.Fragment("[" * count + "]" * count)


@pytest.mark.parametrize(
    ("largest", "too_large"),
    [
        ({"username": "x" * 256}, {"username": "x" * 257}),
        ({"hostname": "x" * 255}, {"hostname": "x" * 256}),
        ({"os_info": {"os_name": "x" * 256}}, {"os_info": {"os_name": "x" * 257}}),
        ({"hardware_info": "x" * (64 * 1024 - 2)}, {"hardware_info": "x" * (64 * 1024 - 1)}),
        ({"hardware_info": _levels(200)}, {"hardware_info": _levels(201)}),
        ({"other": _levels(1023)}, {"other": _levels(1024)}),  # the event itself is one more
    ],
    ids=["username", "hostname", "os_info", "hardware_info's size", "hardware_info's levels", "levels"],
)  # fmt: skip
def test_a_field_may_be_as_large_as_the_text_says(largest: dict[str, object], too_large: dict[str, object]) -> None:
    decode = EventDecoder(("C", "D", "M")).decode
    decode(orjson.dumps(LOGON | largest))
    with pytest.raises(InvalidEventError):
        decode(orjson.dumps(LOGON | too_large))


def _rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(sql))


def _status_line(port: int, request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), 30) as connection, connection.makefile("rb") as answer:
        connection.sendall(request)
        return answer.readline().decode()


def _check_config(folder: Path, text: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    file = folder / "config.toml"
    file.write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "winlogd", "check-config", "--config", str(file)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
    )  # fmt: skip
