"""Objects that are not winlogd's are refused by their names, and stay as they are."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.support.paths import DATA
from winlogd.store.errors import UnusableError
from winlogd.store.file.database import Database
from winlogd.store.file.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


def opened(path: Path) -> Database:
    return Database(Settings(str(path), "WAL", "FULL", 1000, 1000), lambda attempts: attempts < 100)


def made_by(path: Path, *statements: str) -> bytes:
    """Make a database as another program does, and return its bytes."""
    with closing(apsw.Connection(str(path))) as connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


def upgraded_and_changed(path: Path, *statements: str) -> bytes:
    opened(path).close()
    return made_by(path, *statements)


def refused(path: Path, before: bytes) -> str:
    with pytest.raises(UnusableError) as caught:
        opened(path)
    assert path.read_bytes() == before, "the file was changed"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_programs_database_is_refused_with_its_tables(path: Path) -> None:
    before = made_by(path, "CREATE TABLE recipes (id)", "CREATE TABLE cooks (id)", "PRAGMA user_version = 7")

    assert "another program's database (it has the tables recipes, cooks)" in refused(path, before)


def test_tables_of_an_administrator_beside_winlogs_own_disturb_nobody(path: Path) -> None:
    upgraded_and_changed(path, "CREATE TABLE notes (text)", "CREATE VIEW mine AS SELECT * FROM notes")
    opened(path).close()

    with closing(apsw.Connection(str(path))) as connection:
        assert connection.table_exists("main", "notes")


def test_a_database_in_utf_16_is_refused(path: Path) -> None:
    before = made_by(path, "PRAGMA encoding = 'UTF-16le'", "CREATE TABLE events_today (id INTEGER PRIMARY KEY)")

    assert "has the encoding UTF-16le" in refused(path, before)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (("CREATE TABLE sessions (id)",), "a table sessions"),
        (("CREATE VIEW sessions AS SELECT 1 AS id",), "a view sessions"),
        (("CREATE TABLE open_sessions (id)",), "a table open_sessions"),
        (("CREATE TABLE Sessions (id)",), "a table Sessions"),
        (("CREATE VIEW Open_Sessions AS SELECT 1 AS id",), "a view Open_Sessions"),
        (("CREATE TABLE Winlogd_Meta (a, b)",), "a table Winlogd_Meta"),
        (("CREATE TABLE winlogd_meta (id, text)",), "a table winlogd_meta"),
        (("CREATE VIEW winlogd_meta AS SELECT 1 AS key",), "a view winlogd_meta"),
        (("CREATE TABLE notes (id)", "CREATE INDEX idx_today_logoff ON notes (id)"), "an index idx_today_logoff"),
        (("CREATE TABLE winlogd_past (id INTEGER PRIMARY KEY, note TEXT)",), "a table winlogd_past"),
        (("CREATE TABLE Winlogd_Names (id)",), "a table Winlogd_Names"),
        (("CREATE VIEW winlogd_runs AS SELECT 1 AS today_id",), "a view winlogd_runs"),
        (("CREATE TABLE notes (id)", "CREATE INDEX winlogd_past_user ON notes (id)"), "an index winlogd_past_user"),
        (
            ("CREATE TRIGGER winlogd_history_deleted AFTER DELETE ON events_history BEGIN SELECT 1; END",),
            "a trigger winlogd_history_deleted",
        ),
        (
            ("CREATE TRIGGER Winlogd_History_Deleted AFTER DELETE ON events_today BEGIN SELECT 1; END",),
            "a trigger Winlogd_History_Deleted",
        ),
    ],
)
def test_an_object_under_one_of_winlogds_names_is_named_with_what_to_do(
    path: Path, statements: tuple[str, ...], said: str
) -> None:
    path.write_bytes((DATA / "older.db").read_bytes())
    before = made_by(path, *statements)

    message = refused(path, before)

    assert f"has {said} that is not winlogd's" in message
    assert "RENAME TO" in message or "DROP" in message


def test_a_view_of_winlogds_own_that_was_changed_is_the_administrators(path: Path) -> None:
    before = upgraded_and_changed(path, "DROP VIEW sessions", "CREATE VIEW sessions AS SELECT * FROM events_today")

    assert "a view sessions" in refused(path, before)


def test_a_changed_view_of_both_tables_is_the_administrators_once_winlogd_has_used_the_file(path: Path) -> None:
    view = (
        "CREATE VIEW events_all AS SELECT id, 'mine' AS mycolumn FROM events_today"
        " UNION ALL SELECT id, 'mine' FROM events_history"
    )
    before = upgraded_and_changed(path, "DROP VIEW events_all", view)

    assert "a view events_all" in refused(path, before)


def test_a_trigger_may_have_any_name_but_that_of_winlogds_trigger(path: Path) -> None:
    opened(path).close()
    made_by(
        path,
        "CREATE TABLE other (id)",
        *(
            f"CREATE TRIGGER {name} AFTER INSERT ON other BEGIN SELECT 1; END"
            for name in ("sessions", "winlogd_past", "winlogd_past_user")
        ),
    )
    before = path.read_bytes()

    opened(path).close()

    assert path.read_bytes() == before, "the file was upgraded again"


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE winlogd_past ADD COLUMN note TEXT",),
        ("DROP TRIGGER winlogd_history_deleted",
         "CREATE TRIGGER winlogd_history_deleted AFTER DELETE ON events_history BEGIN SELECT 1; END"),
    ],
)  # fmt: skip
def test_an_object_of_the_past_that_was_changed_is_the_administrators(path: Path, statements: tuple[str, ...]) -> None:
    before = upgraded_and_changed(path, *statements)

    assert "that is not winlogd's, and winlogd needs the name" in refused(path, before)


@pytest.mark.parametrize(
    "statement",
    ["DROP TRIGGER winlogd_history_deleted", "DROP INDEX winlogd_past_user", "DROP TABLE winlogd_hours"],
)
def test_an_object_of_the_past_that_was_dropped_is_made_again(path: Path, statement: str) -> None:
    objects = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    opened(path).close()
    with closing(apsw.Connection(str(path))) as connection:
        before = list(connection.execute(objects))
        connection.execute(statement)

    opened(path).close()

    with closing(apsw.Connection(str(path))) as connection:
        assert list(connection.execute(objects)) == before


def test_tables_of_an_older_server_in_other_letter_case_are_taken_over(path: Path) -> None:
    path.write_bytes((DATA / "older.db").read_bytes())
    made_by(
        path,
        "CREATE TABLE other (id)",
        "ALTER TABLE events_today RENAME TO aside",
        "ALTER TABLE aside RENAME TO Events_Today",
    )

    opened(path).close()

    with closing(apsw.Connection(str(path))) as connection:
        assert list(connection.execute("SELECT count(*) > 0 FROM events_today")) == [(1,)]


def test_an_older_servers_view_in_other_words_is_replaced(path: Path) -> None:
    path.write_bytes((DATA / "older.db").read_bytes())
    view = (
        "CREATE VIEW events_all AS select *, 'today' as source from events_today"
        " union all select *, 'history' from events_history"
    )
    made_by(path, "DROP VIEW events_all", view)

    opened(path).close()

    with closing(apsw.Connection(str(path))) as connection:
        assert len(list(connection.execute("PRAGMA table_info(events_all)"))) == 15


def test_a_file_with_a_second_name_is_refused(path: Path) -> None:
    before = upgraded_and_changed(path)
    os.link(path, path.with_name("second.db"))

    assert "has 2 names" in refused(path, before)
    assert "has 2 names" in refused(path.with_name("second.db"), before)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_new_database_is_the_owners_and_its_groups(path: Path, umask: None) -> None:
    database = opened(path)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    database.close()

    assert modes == dict.fromkeys(("winlog.db", "winlog.db-wal", "winlog.db-shm"), 0o640)


def test_what_is_deleted_is_not_left_in_the_file(path: Path) -> None:
    database = opened(path)
    assert database.connection.pragma("secure_delete") == 1
    database.close()
