"""The sessions of today in a reader's tables: as if all rows had been read at once, whatever came when."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.support.paths import ROOT
from tests.support.reading import settings_of
from winlogd.store.file import schema
from winlogd.store.past.rows import SELECTED, session_of
from winlogd.store.read import tail as tail_module
from winlogd.store.read.access import Access
from winlogd.store.read.limits import Limits
from winlogd.store.read.tail import Tail

ALL: Final = f"""SELECT {SELECTED} FROM temp.today_sessions p
    JOIN temp.today_names u ON u.id = p.user JOIN temp.today_names h ON h.id = p.host
    JOIN temp.today_names a ON a.id = p.ip JOIN temp.today_names n ON n.id = p.os_name
    JOIN temp.today_names v ON v.id = p.os_version ORDER BY p.key"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def other(path: Path) -> Iterator[apsw.Connection]:
    """Another program's connection to an empty database of winlogd."""
    with closing(apsw.Connection(str(path))) as connection:
        schema.prepare(connection)
        yield connection


@pytest.fixture
def access(path: Path, other: apsw.Connection) -> Iterator[Access]:
    with closing(an_access(path)) as opened:
        yield opened


def an_access(path: Path) -> Access:
    return Access(settings_of(path), Limits(), lambda: False)


def store(other: apsw.Connection, action: str, at: str, session: str | None, **columns: object) -> int:
    """Store a row that was received at ``HH:MM:SS``, and return its id."""
    row: dict[str, object] = {"username": "alice", "hostname": "A", "action": action, "session_uuid": session}
    row |= {"timestamp": f"2026-01-13T{at}.5Z", "server_timestamp": f"2026-01-13T{at}.250000+00:00"} | columns
    table = row.pop("table", "events_today")
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    other.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
    return other.last_insert_rowid()


def seen(access: Access) -> list[tuple[str, str | None]]:
    """Return user and ending of the sessions and orphans of today, in the order of their receipt."""
    with access.snapshot() as connection:
        sessions = map(session_of, connection.execute(ALL).fetchall())
        return [(each.username, "orphan" if each.is_orphan else each.ended_by) for each in sessions]


def state(access: Access) -> list[tuple[object, ...]]:
    with access.snapshot() as connection:
        return connection.execute(ALL).fetchall()


def test_a_logoff_ends_a_session_that_was_read_before(access: Access, other: apsw.Connection) -> None:
    store(other, "C", "08:00:00", "x")
    assert seen(access) == [("alice", None)]
    store(other, "D", "09:00:00", "x")
    assert seen(access) == [("alice", "client")]


@pytest.mark.parametrize("origin", ["auto", "expired"])
def test_how_a_session_ended_is_read_with_its_logoff(access: Access, other: apsw.Connection, origin: str) -> None:
    store(other, "C", "08:00:00", "x")
    seen(access)
    store(other, "D", "09:00:00", "x", origin=origin)
    assert seen(access) == [("alice", origin)]


def test_the_first_logoff_counts_also_when_they_are_read_one_by_one(access: Access, other: apsw.Connection) -> None:
    for action, at in (("C", "08:00:00"), ("D", "09:00:00"), ("D", "10:00:00")):
        store(other, action, at, "x")
        state(access)
    [row] = state(access)
    assert row[8] == 3600 * 1_000_000  # the logoff's receipt, after that of the logon
    store(other, "D", "08:30:00", "x")  # the server's clock was set back
    [row] = state(access)
    assert row[8] == 1800 * 1_000_000


def test_a_logoff_without_a_logon_is_an_orphan_until_its_logon_comes(access: Access, other: apsw.Connection) -> None:
    store(other, "D", "09:00:00", "x")
    store(other, "D", "09:00:01", None)
    assert seen(access) == [("alice", "orphan")] * 2
    store(other, "C", "08:00:00", "x")
    assert seen(access) == [("alice", "client"), ("alice", "orphan")]


def test_a_logoff_whose_logon_has_moved_to_the_archive_is_no_orphan(access: Access, other: apsw.Connection) -> None:
    store(other, "C", "08:00:00", "x", table="events_history")
    store(other, "D", "09:00:00", "x")
    assert seen(access) == []


def test_bytes_that_are_no_text_are_read_as_such(access: Access, other: apsw.Connection) -> None:
    other.execute("PRAGMA ignore_check_constraints = ON")
    store(other, "C", "08:00:00", "x", username=b"\xe9ric")
    other.execute("UPDATE events_today SET username = CAST(x'e9726963' AS TEXT)")
    assert seen(access) == [("\ufffdric", None)]
    store(other, "C", "08:00:01", "y", username=b"bob", hostname=b"B", session_uuid=b"y", os_name=b"\xff")
    store(other, "D", "08:00:02", "y", username="bob", session_uuid=b"y")
    assert seen(access) == [("\ufffdric", None), ("bob", "client")]


def test_times_that_are_numbers_or_missing_are_no_fault(access: Access, other: apsw.Connection) -> None:
    store(other, "C", "08:00:00", "x", timestamp="20260113", server_timestamp="1.5", created_at=None)
    store(other, "C", "08:00:00", "y", server_timestamp=None, created_at="2026-01-13 08:00:01")
    assert len(seen(access)) == 2


def some_rows(drawn: random.Random, count: int) -> list[tuple[str, str, str | None, dict[str, object]]]:
    """Draw rows with few identifiers, so that all orders of logons and logoffs come: action, time, identifier."""
    rows: list[tuple[str, str, str | None, dict[str, object]]] = []
    for _ in range(count):
        at = f"08:{drawn.randrange(60):02d}:{drawn.randrange(3):02d}"
        user = drawn.choice(["alice", "Alice", "bob"])
        columns: dict[str, object] = {"username": user, "hostname": drawn.choice(["A", None]), "source_ip": "192.0.2.7"}
        rows.append((drawn.choice("CCDDM"), at, drawn.choice([*"uvwxyz", None]), columns))
    return rows


@pytest.mark.parametrize("seed", range(20))
def test_read_in_pieces_the_sessions_are_those_of_one_reading(
    access: Access, other: apsw.Connection, path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = random.Random(seed)
    for action, at, session, columns in some_rows(drawn, 60):
        store(other, action, at, session, **columns)
        if drawn.random() < 0.3:
            state(access)
    with closing(an_access(path)) as at_once:
        assert state(access) == state(at_once)


def test_rows_that_have_moved_are_forgotten_piece_by_piece(
    access: Access, other: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "_LAST_OF_PIECE", tail_module._LAST_OF_PIECE.replace("OFFSET 1999", "OFFSET 9"))
    for number in range(35):
        store(other, "C" if number % 5 else "M", "08:00:00", f"x{number}")
    kept = store(other, "C", "08:00:01", "kept")
    assert len(seen(access)) == 29
    other.execute("DELETE FROM events_today WHERE id <> ?", (kept,))
    other.execute("UPDATE winlogd_meta SET value = 0 WHERE key = 'today_deletions'")  # as the rotation does
    other.execute(f"INSERT INTO winlogd_runs VALUES (1, 1, {kept - 1}, 0)")
    assert [len(seen(access)) for _ in range(4)] == [21, 13, 5, 1]
    with access.snapshot() as connection:
        assert connection.execute("SELECT count(*) FROM temp.today_inventory").get == 0
        assert connection.execute("SELECT id FROM temp.today_events").get == kept


def test_the_tables_of_a_new_connection_are_empty(access: Access, other: apsw.Connection, path: Path) -> None:
    store(other, "C", "08:00:00", "x")
    seen(access)
    with closing(apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)) as connection:
        tail = Tail(connection)
        assert tail.behind() == 1
        assert connection.execute("SELECT count(*) FROM temp.today_sessions").get == 0


MEMORY: Final = """
import asyncio, sys
from pathlib import Path
import apsw
from tests.support.reading import SESSIONS, Asking
from winlogd.store.errors import QuestionRefusedError

async def idle():
    import threading
    while any(thread.name == "reader" for thread in threading.enumerate()):
        await asyncio.sleep(0.01)

async def main():
    asked = Asking(Path(sys.argv[1]), idle_s=0.05)
    await asked.rows("SELECT 1")  # loads the modules
    await idle()
    for _ in range(3):
        before = apsw.memory_used()
        while True:
            try:
                await asked.rows("SELECT count(*) FROM temp.today_sessions")
                break
            except QuestionRefusedError:
                pass
        during = apsw.memory_used()
        await idle()
        print(before, during, apsw.memory_used())
    await asked.stop()

asyncio.run(main())
"""


@pytest.mark.long
def test_when_nobody_asks_the_memory_of_the_tables_is_given_back(path: Path, other: apsw.Connection) -> None:
    with other:
        for number in range(49_000):
            store(other, "C", "08:00:00", f"user{number}@A@{number:06x}", username=f"user{number}")
    command = [sys.executable, "-c", MEMORY, str(path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    print(said)
    rounds = [list(map(int, line.split())) for line in said.splitlines()]
    assert len(rounds) == 3
    # SQLite's own count: the memory that is resident changes by MiB for the sake of C's allocator.
    for before, during, after in rounds:
        assert during - before > 2**20
        assert after - before < (during - before) / 100
