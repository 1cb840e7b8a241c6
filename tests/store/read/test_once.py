"""One question in a process of its own: no file is left behind, and a server may start meanwhile."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from tests.support.questions import at, receive, sent
from tests.support.reading import PATIENT
from tests.support.school_rows import ClockedServer
from winlogd.store.errors import ReplacedError, UnusableError
from winlogd.store.file.settings import Settings
from winlogd.store.pauses import Pauses
from winlogd.store.read.access import Access
from winlogd.store.read.limits import Limits
from winlogd.store.read.once import answer_once

SUM = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT sum(i) FROM n"
NAMES = "SELECT username FROM main.events_today ORDER BY id"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database at rest in WAL mode."""
    with ClockedServer(tmp_path / "winlog.db", at(0, 7)) as server:
        receive(server, sent(at(0, 8), "alice", "C"))
    return tmp_path / "winlog.db"


def settings(path: Path) -> Settings:
    return Settings(str(path), "WAL", "FULL", 30_000, 10_000)


def names(access: Access) -> list[object]:
    with access.snapshot() as connection:
        return [row[0] for row in connection.execute(NAMES)]


def files(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_a_database_at_rest_stays_as_it_is(database: Path) -> None:
    before = database.read_bytes(), database.stat().st_mtime_ns
    assert answer_once(settings(database), names) == ["alice"]
    assert (database.read_bytes(), database.stat().st_mtime_ns) == before
    assert files(database) == ["winlog.db"]


@pytest.mark.parametrize("mode", ["DELETE", "TRUNCATE", "PERSIST"])
def test_the_other_journal_modes_leave_nothing_either(database: Path, mode: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    before = files(database)
    assert answer_once(settings(database), names) == ["alice"]
    assert files(database) == before


def test_what_a_server_has_not_moved_from_the_wal_is_read(database: Path) -> None:
    with ClockedServer(database, at(0, 7)) as server:
        receive(server, sent(at(0, 9), "bob", "C"))
        before = files(database)
        assert before == ["winlog.db", "winlog.db-shm", "winlog.db-wal"]
        assert answer_once(settings(database), names) == ["alice", "bob"]
        assert files(database) == before


def test_what_a_killed_server_has_left_in_the_wal_is_read(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "winlog.db"
    copy.parent.mkdir()
    with ClockedServer(database, at(0, 7)) as server:
        receive(server, sent(at(0, 9), "bob", "C"))
        for suffix in ("", "-wal"):
            Path(f"{copy}{suffix}").write_bytes(Path(f"{database}{suffix}").read_bytes())
    assert answer_once(settings(copy), names) == ["alice", "bob"]
    assert Path(f"{copy}-wal").exists()


def test_a_server_that_starts_meanwhile_is_read_too(database: Path) -> None:
    started: list[ClockedServer] = []

    def question(access: Access) -> list[object]:
        found = names(access)
        if not started:
            started.append(ClockedServer(database, at(0, 8)))
            receive(started[0], sent(at(0, 9), "bob", "C"))
        return found

    try:
        assert answer_once(settings(database), question) == ["alice", "bob"]
    finally:
        started[0].close()


def test_a_server_that_has_started_and_stopped_meanwhile_is_seen(database: Path) -> None:
    asked: list[list[object]] = []
    others = iter(("bob", "carol"))

    def question(access: Access) -> list[object]:
        asked.append(names(access))
        if len(asked) == 1:
            with ClockedServer(database, at(0, 8)) as server:
                receive(server, sent(at(0, 9), next(others), "C"))
        return asked[-1]

    assert answer_once(settings(database), question) == ["alice", "bob"]
    asked.clear()
    with pytest.raises(ReplacedError, match="was changed by a server that has just started"):
        answer_once(settings(database), question, is_repeatable=False)
    assert len(asked) == 1


@pytest.mark.long
def test_many_events_of_today_are_read_first(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
            " INSERT INTO events_today (username, action, timestamp, server_timestamp, session_uuid)"
            " SELECT 'u' || i, 'M', '2026-01-12T08:00:00Z', '2026-01-12 08:00:00', 'hardware_' || i FROM n"
        )
    assert len(answer_once(settings(database), names)) == 60_000


def test_with_pauses_today_is_read_a_few_rows_at_a_time(database: Path) -> None:
    with ClockedServer(database, at(0, 7)) as server:
        for number in range(500):
            receive(server, sent(at(0, 9), f"user{number}", "C"))
    slept_s: list[float] = []

    def found(access: Access) -> tuple[int, list[object]]:
        return len(slept_s), names(access)

    before, users = answer_once(settings(database), found, pauses=Pauses(count().__next__, slept_s.append))

    assert before > 1
    assert len(users) == 501


def test_rows_that_come_faster_than_they_are_read_with_pauses_do_not_keep_a_question_from_its_answer(
    database: Path,
) -> None:
    with ClockedServer(database, at(0, 7)) as server:
        for number in range(200):
            receive(server, sent(at(0, 9), f"user{number}", "C"))

        def sleep(_: float) -> None:
            for number in range(60):
                receive(server, sent(at(0, 10), f"later{number}", "C"))

        users = answer_once(settings(database), names, pauses=Pauses(count().__next__, sleep))
    assert "user199" in users


@pytest.mark.long
def test_pauses_keep_no_snapshot_open_for_long(database: Path) -> None:
    slept_s: list[float] = []

    def sleep(pause_s: float) -> None:
        time.sleep(pause_s)
        slept_s.append(pause_s)

    pauses = Pauses(count().__next__, sleep)
    with closing(Access(settings(database), Limits(**PATIENT), lambda: False, pauses=pauses)) as access:
        access.begin_question()
        with access.snapshot() as connection:
            assert connection.execute(SUM).get == 500_000_500_000
    assert sum(slept_s[:-1]) <= 0.25  # the last one began in time


def older(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE events_today (id INTEGER PRIMARY KEY, username, action, timestamp)")


def newer(path: Path) -> None:
    with ClockedServer(path, at(0, 7)) as server:
        server.database.connection.execute("PRAGMA user_version = 99")


def before_this_version(path: Path) -> None:
    with ClockedServer(path, at(0, 7)) as server:
        server.database.connection.execute("DROP INDEX winlogd_past_host")


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE mails (id)")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (older, "has not been upgraded to this version of winlogd yet: start the server, which upgrades it"),
        (before_this_version, "has not been upgraded to this version of winlogd yet: start the server"),
        (newer, "was written by a newer winlogd"),
        (foreign, "is another program's database"),
        (lambda path: path.write_bytes(b"no database at all" * 100), "is not a database, or a damaged one"),
        (lambda path: path.write_bytes(b""), "has not been upgraded to this version of winlogd yet: start the server"),
    ],
    ids=["older", "without an index", "newer", "foreign", "text", "empty"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_yet_is_refused_and_left_alone(
    make: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "a ?#% é.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(UnusableError, match=reason):
        answer_once(settings(path), names)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
