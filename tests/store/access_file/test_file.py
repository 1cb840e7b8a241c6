"""The file of readers: how it is made and refused, and what its rows do."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import apsw
import pytest

from winlogd.store.access_file.errors import AccessFileError, OrderRefusedError
from winlogd.store.access_file.file import AccessFile, Work
from winlogd.store.access_file.looks import Look, LooksAsked, find_looks, remove_old, write_look
from winlogd.store.access_file.orders import work_of
from winlogd.store.access_file.readers import PAIRING_US, add_code, add_reader, list_readers, note_use, revoke_reader
from winlogd.store.access_file.tables import access_path

TOKEN: Final = sha256(b"token").digest()
DAY_US: Final = 86_400_000_000
NOW_US: Final = 500 * DAY_US


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.access"


@pytest.fixture
def file(path: Path) -> Iterator[AccessFile]:
    opened = AccessFile(str(path))
    yield opened
    opened.close()


def done(file: AccessFile, work: Work) -> Any:  # noqa: ANN401  # a row, or a refusal
    return file.run([work])[0]


def added(file: AccessFile, name: str, token: bytes = TOKEN, expires_us: int | None = None) -> Any:  # noqa: ANN401
    return done(file, lambda connection: add_reader(connection, name, "all", None, token, NOW_US, expires_us))


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("/data/winlog.db", "/data/winlog.access"),
        ("/data/winlog", "/data/winlog.access"),
        ("/da.ta/winlog.sqlite", "/da.ta/winlog.access"),
        ("/data/winlog.access", "/data/winlog.access.access"),
    ],
)
def test_it_stands_beside_the_database(database: str, expected: str) -> None:
    assert access_path(database) == expected


def test_a_missing_file_is_made_and_only_its_owner_reads_it(path: Path, file: AccessFile) -> None:
    added(file, "alice")
    assert {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {
        "winlog.access": 0o600, "winlog.access-wal": 0o600,
    }  # fmt: skip


def test_what_was_stored_is_there_when_it_is_opened_again(path: Path) -> None:
    for _ in range(2):
        file = AccessFile(str(path))
        if not done(file, list_readers):
            added(file, "alice")
        assert [row.name for row in done(file, list_readers)] == ["alice"]
        file.close()
    assert [each.name for each in path.parent.iterdir()] == ["winlog.access"]


def test_a_mode_that_lets_others_read_is_narrowed(path: Path) -> None:
    AccessFile(str(path)).close()
    path.chmod(0o644)
    AccessFile(str(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_a_damaged_one(path: Path) -> None:
    """The file is made with its tables. A disk that was full, or a copy that broke off, has left nothing of it."""
    path.touch()
    with pytest.raises(AccessFileError, match="is damaged"):
        AccessFile(str(path))
    assert path.stat().st_size == 0


def test_what_was_left_of_a_file_that_was_being_made_is_replaced(path: Path) -> None:
    """The process was killed before the file had its name."""
    for left in ("winlog.access.new", "winlog.access.new-journal"):
        path.with_name(left).write_bytes(b"half")
    file = AccessFile(str(path))
    assert done(file, list_readers) == []
    file.close()
    assert [each.name for each in path.parent.iterdir()] == ["winlog.access"]


def test_the_wal_of_a_file_that_is_gone_brings_no_reader_back(path: Path) -> None:
    file = AccessFile(str(path))
    added(file, "alice")
    wal = path.with_name("winlog.access-wal")
    left = wal.read_bytes()
    file.close()
    path.unlink()
    wal.write_bytes(left)
    file = AccessFile(str(path))
    assert done(file, list_readers) == []
    file.close()


def test_no_secret_stands_in_a_new_file(file: AccessFile) -> None:
    assert done(file, lambda connection: connection.execute("SELECT count(*) FROM secrets").get) == 0


def fill_with_noise(path: Path) -> None:
    path.write_bytes(os.urandom(8192))


def damage(path: Path) -> None:
    file = AccessFile(str(path))
    for number in range(200):
        added(file, f"reader {number}", sha256(b"%d" % number).digest())
    file.close()
    octets = bytearray(path.read_bytes())
    octets[4096:] = bytes(len(octets) - 4096)
    path.write_bytes(octets)


def cut(path: Path) -> None:
    damage(path)
    path.write_bytes(path.read_bytes()[:6000])


def make_anothers(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def make_newer(path: Path) -> None:
    AccessFile(str(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")


def make_link(path: Path) -> None:
    target = path.with_name("target")
    AccessFile(str(target)).close()
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (fill_with_noise, "is damaged"),
        (damage, "is damaged"),
        (cut, "is damaged"),
        (make_anothers, "is a file of another program"),
        (make_newer, "is of a newer winlogd"),
        (make_link, "is no file"),
        (Path.mkdir, "is no file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_left_alone(spoil: Any, why: str, path: Path) -> None:  # noqa: ANN401
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(AccessFileError, match=why):
        AccessFile(str(path))
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessFileError, match="cannot be made: No such file"):
        AccessFile(str(tmp_path / "none" / "winlog.access"))


def test_a_second_program_does_not_get_it(path: Path, file: AccessFile) -> None:
    added(file, "alice")
    program = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('SELECT * FROM readers')"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "database is locked" in other.stderr


@pytest.mark.parametrize("way", ["replaced", "deleted"])
def test_a_file_that_is_replaced_is_not_written_any_more(way: str, path: Path, file: AccessFile) -> None:
    added(file, "alice")
    path.rename(path.with_name("old"))
    if way == "replaced":
        path.touch()
    with pytest.raises(AccessFileError, match="was replaced or deleted"):
        added(file, "bob", b"other")


def test_a_refusal_concerns_its_own_work_alone(file: AccessFile) -> None:
    outcomes = file.run(
        [
            lambda connection: add_reader(connection, "alice", "all", None, TOKEN, NOW_US, None),
            lambda connection: revoke_reader(connection, "nobody", NOW_US),
            lambda connection: add_reader(connection, "bob", "all", None, b"other", NOW_US, None),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [bool, OrderRefusedError, bool]
    assert [row.name for row in done(file, list_readers)] == ["alice", "bob"]


def test_deleted_rows_leave_nothing_in_the_file(path: Path) -> None:
    file = AccessFile(str(path))
    done(file, lambda connection: write_look(connection, Look(NOW_US, "alice", "user", "user=Rumpelstilz", "::1")))
    done(file, lambda connection: write_look(connection, Look(NOW_US + 2 * DAY_US, "alice", "user", "", "::1")))
    done(file, lambda connection: remove_old(connection, NOW_US + 2 * DAY_US, 1))
    file.close()
    assert b"Rumpelstilz" not in path.read_bytes()


# ── readers ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_reader_is_told_from_the_next_ones(file: AccessFile) -> None:
    assert added(file, "alice") is True
    assert added(file, "bob", b"other") is False


@pytest.mark.parametrize("name", ["Frau Meier", "FRAU MEIER", "frau meier"])
def test_a_name_is_used_once_whatever_its_letter_case(name: str, file: AccessFile) -> None:
    added(file, "Frau Meier")
    assert "is in use" in str(added(file, name, b"other"))
    assert done(file, lambda connection: revoke_reader(connection, name, NOW_US)) == "Frau Meier"
    assert "a name is never used again" in str(added(file, name, b"other"))
    assert "revoked already" in str(done(file, lambda connection: revoke_reader(connection, name, NOW_US)))


def test_a_reader_is_valid_until_it_expires_or_is_revoked(file: AccessFile) -> None:
    added(file, "alice", expires_us=NOW_US + 10)
    (row,) = done(file, list_readers)
    assert [row.is_valid(NOW_US + after) for after in (0, 9, 10, 11)] == [True, True, False, False]
    done(file, lambda connection: revoke_reader(connection, "alice", NOW_US))
    (row,) = done(file, list_readers)
    assert not row.is_valid(NOW_US)


def test_the_last_use_is_kept(file: AccessFile) -> None:
    added(file, "alice")
    done(file, lambda connection: note_use(connection, 1, NOW_US + 5))
    assert [row.used_us for row in done(file, list_readers)] == [NOW_US + 5]


def test_a_code_replaces_the_one_before_and_a_revoked_reader_gets_none(file: AccessFile) -> None:
    added(file, "Wall")
    assert done(file, lambda connection: add_code(connection, "wall", b"one", NOW_US)) == "Wall"
    assert done(file, lambda connection: add_code(connection, "wall", b"two", NOW_US)) == "Wall"
    rows = done(file, lambda connection: connection.execute("SELECT code, ends_us FROM codes").fetchall())
    assert rows == [(b"two", NOW_US + PAIRING_US)]
    done(file, lambda connection: revoke_reader(connection, "wall", NOW_US))
    assert done(file, lambda connection: connection.execute("SELECT count(*) FROM codes").get) == 0
    assert "no valid reader" in str(done(file, lambda connection: add_code(connection, "wall", b"x", NOW_US)))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "burn"},
        {"do": "add", "name": "alice"},
        {"do": "add", "name": 1, "scope": "all", "token": "00" * 32},
        {"do": "add", "name": "alice", "scope": "all", "token": "00"},
        {"do": "add", "name": "alice", "scope": "all", "token": "zz" * 32},
        {"do": "log", "reader": None, "since_us": "x", "before": None},
    ],
)
def test_an_order_of_another_version_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(OrderRefusedError, match="of another version"):
        work_of(fields, NOW_US)


# ── looks ─────────────────────────────────────────────────────────────────────────────────────────────


def written(file: AccessFile, look: Look) -> None:
    done(file, lambda connection: write_look(connection, look))


def test_a_row_that_is_written_again_is_there_once(file: AccessFile) -> None:
    look = Look(NOW_US, "alice", "user", "username=zoe", "::1")
    others = [look._replace(at_us=NOW_US + 1), look._replace(filter=""), look._replace(reader="bob")]
    for each in (look, *others, look):
        written(file, each)
    assert looks(file).looks == [*reversed(others), look]


def looks(file: AccessFile, **asked: Any) -> Any:  # noqa: ANN401  # the parts of a question
    wanted = LooksAsked(**({"reader": None, "since_us": 0, "before": None, "limit": 100} | asked))
    return done(file, lambda connection: find_looks(connection, wanted))


def test_pages_of_the_log_neither_skip_nor_repeat_a_row(file: AccessFile) -> None:
    for number in range(25):
        written(file, Look(NOW_US + number, "alice" if number % 2 else "bob", "user", f"user={number}", "::1"))
    found, before = [], None
    while True:
        page = looks(file, before=before, limit=10)
        found += page.looks
        if page.before is None:
            break
        before = page.before
    assert [look.filter for look in found] == [f"user={number}" for number in range(24, -1, -1)]
    assert {look.reader for look in looks(file, reader="alice").looks} == {"alice"}
    assert len(looks(file, since_us=NOW_US + 20).looks) == 5
    assert [look.at_us - NOW_US for look in looks(file, since_us=NOW_US + 3, until_us=NOW_US + 4).looks] == [4, 3]
    assert looks(file, limit=25).before is None


def test_rows_are_kept_for_so_many_days(file: AccessFile) -> None:
    for day in range(10):
        written(file, Look(NOW_US - day * DAY_US, "alice", "user", "", "::1"))
    done(file, lambda connection: remove_old(connection, NOW_US, 7))
    assert len(looks(file).looks) == 8


def test_a_clock_that_is_far_ahead_for_a_moment_removes_no_row_of_the_days_that_count(file: AccessFile) -> None:
    for day in range(10):
        written(file, Look(NOW_US - day * DAY_US, "alice", "user", f"day={day}", "::1"))
    done(file, lambda connection: remove_old(connection, NOW_US + 400 * DAY_US, 30))
    assert len(looks(file).looks) == 10
    done(file, lambda connection: remove_old(connection, NOW_US + 400 * DAY_US, 7))
    assert [look.filter for look in looks(file).looks] == [f"day={day}" for day in reversed(range(7))]


def test_nothing_is_removed_from_a_log_without_a_row(file: AccessFile) -> None:
    done(file, lambda connection: remove_old(connection, NOW_US, 7))
    assert looks(file).looks == []


@pytest.mark.parametrize(
    ("asked", "plans"),
    [
        ({}, ["SEARCH looks USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]),
        ({"reader": "alice"}, ["SEARCH looks USING INDEX looks_of_reader (reader=? AND number>? AND number<?)"]),
        (
            {"since_us": NOW_US},
            [
                "SEARCH looks USING COVERING INDEX looks_by_time (at_us>?)",
                "SEARCH looks USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
            ],
        ),
    ],
)
def test_each_question_about_looks_uses_an_index(asked: dict[str, Any], plans: list[str], file: AccessFile) -> None:
    written(file, Look(NOW_US, "alice", "user", "", "::1"))

    def planned(connection: apsw.Connection) -> list[str]:
        asks: list[tuple[str, Any]] = []

        def note(_: object, sql: str, values: Any) -> bool:  # noqa: ANN401  # SQLite's bindings
            asks.append((sql, values))
            return True

        connection.exec_trace = note
        find_looks(connection, LooksAsked(**({"reader": None, "since_us": 0, "before": None, "limit": 100} | asked)))
        connection.exec_trace = None
        rows = [row for sql, values in asks for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        return [str(row[3]) for row in rows]

    assert done(file, planned) == plans


def test_a_clock_that_was_set_back_hides_no_row(file: AccessFile) -> None:
    for number, at_us in enumerate((NOW_US + 5, NOW_US, NOW_US + 6)):
        written(file, Look(at_us, "alice", "user", f"user={number}", "::1"))
    assert [look.filter for look in looks(file, since_us=NOW_US + 5).looks] == ["user=2", "user=0"]
    assert looks(file, since_us=NOW_US + 7).looks == []
