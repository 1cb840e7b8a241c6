"""Run the commands of docs/api.md: who is where, who was where, over HTTP and with SQL."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.docs.pages import ADDRESS, DATABASE, LOGON, Block, Runner, comparable, run
from tests.support.running import running
from tests.support.served import served, two_days


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
        server.post(LOGON | {"username": "carol", "timestamp": "2026-01-13T20:00:00Z"})  # the client sends no logoff
        assert run(block.text, {DATABASE: server.database}) == (
            "bob|A102-07|2026-01-13T08:30:00Z|9000.0\nalice|A102-07|2026-01-13T08:30:00Z|3600.0\n"
        )


def _asks_for_health(block: Block, folder: Path) -> None:
    with running(folder) as server:
        answer = run(block.text, {ADDRESS: f"127.0.0.1:{server.port}"})
        assert comparable(answer) == comparable(block.answer)


def _asks_about_two_days(block: Block, folder: Path) -> None:
    with served(folder, two_days()) as server:
        answer = run(block.text, {ADDRESS: f"127.0.0.1:{server.port}"})
        assert comparable(answer) == comparable(block.answer)


def _asks_about_a_moment(block: Block, folder: Path) -> None:
    with served(folder, two_days()) as server:
        answer = run(block.text, {ADDRESS: f"127.0.0.1:{server.port}"})
        assert _without_now(answer) == _without_now(block.answer)


def _without_now(answer: str) -> str:
    return re.sub(r'"now":"2026-01-13T10:15:[^"]+"', "", comparable(answer))


def _downloads(block: Block, folder: Path) -> None:
    file = folder / "week.csv"
    with served(folder, two_days()) as server:
        run(block.text, {ADDRESS: f"127.0.0.1:{server.port}", "week.csv": file})
    assert len(file.read_bytes().split(b"\r\n")) == 1 + 6 + 1


RUN: Final[Mapping[str, Runner]] = {
    "curl http://127.0.0.1:3000/api/v1/sessions/current": _asks_who_is_where,
    "curl http://127.0.0.1:3000/health": _asks_for_health,
    "curl 'http://127.0.0.1:3000/api/v1/sessions?host": _asks_about_two_days,
    "curl 'http://127.0.0.1:3000/api/v1/moment?at": _asks_about_a_moment,
    "curl 'http://127.0.0.1:3000/api/v1/events?user": _asks_about_two_days,
    "curl 'http://127.0.0.1:3000/api/v1/machines?room": _asks_about_two_days,
    "curl http://127.0.0.1:3000/api/v1/machines/A102-10": _asks_about_two_days,
    "curl http://127.0.0.1:3000/api/v1/users/bob": _asks_about_two_days,
    "curl 'http://127.0.0.1:3000/api/v1/rooms": _asks_about_two_days,
    "curl 'http://127.0.0.1:3000/api/v1/stats": _asks_about_two_days,
    "curl -G http://127.0.0.1:3000/api/v1/search": _asks_about_two_days,
    "curl 'http://127.0.0.1:3000/api/v1/hardware": _asks_about_two_days,
    "curl -o week.csv": _downloads,
    'sudo sqlite3 -readonly /var/lib/winlogd/winlog.db "SELECT hostname': _queries_open_sessions,
    'sudo sqlite3 -readonly /var/lib/winlogd/winlog.db \\\n    "SELECT username, hostname': _queries_long_sessions,
}
