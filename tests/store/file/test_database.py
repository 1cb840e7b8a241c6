"""The writer's connection: how it opens the file, what a checkpoint moves, and which files it does not touch."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from winlogd.store.errors import ReplacedError, UnusableError
from winlogd.store.file.database import Database
from winlogd.store.file.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """Return a database with pages in its WAL."""
    database = Database(Settings(str(path), "WAL", "FULL", 30_000, 10_000), lambda _: False)
    database.connection.execute("CREATE TABLE other (octets BLOB)")
    yield database
    database.abandon()


def rows_without_the_wal(path: Path) -> list[object]:
    """Return the rows of the file without its WAL: SQLite reads no WAL of a file that is opened as immutable."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with closing(apsw.Connection(f"file:{path}?immutable=1", flags)) as connection:
        return [row[0] for row in connection.execute("SELECT octets FROM other")]


def test_a_checkpoint_moves_what_is_in_the_wal_into_the_database(database: Database, path: Path) -> None:
    database.connection.execute("INSERT INTO other VALUES (1)")
    with pytest.raises(apsw.SQLError, match="no such table"):
        rows_without_the_wal(path)

    database.checkpoint()

    assert rows_without_the_wal(path) == [1]


def test_what_a_reader_needs_where_it_is_waits_for_the_next_checkpoint(database: Database, path: Path) -> None:
    database.checkpoint()
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM other").fetchall()
    database.connection.execute("INSERT INTO other VALUES (1)")
    database.checkpoint()
    assert rows_without_the_wal(path) == []

    reader.close()
    database.checkpoint()

    assert rows_without_the_wal(path) == [1]


def test_a_checkpoint_does_not_touch_a_file_that_is_no_longer_at_its_path(database: Database, path: Path) -> None:
    moved = path.rename(path.with_name("moved.db"))
    before = moved.read_bytes()

    with pytest.raises(ReplacedError):
        database.checkpoint()

    assert moved.read_bytes() == before


@pytest.fixture
def without_shared_memory() -> Iterator[None]:
    """Let SQLite open files as on a disk on which no WAL can be used."""
    disk = apsw.VFS("without shared memory", "unix-dotfile", makedefault=True)
    yield
    disk.unregister()


@pytest.mark.usefixtures("without_shared_memory")
def test_a_journal_mode_that_the_disk_does_not_allow_is_refused_and_not_replaced_in_silence(path: Path) -> None:
    with pytest.raises(UnusableError, match=r"winlog\.db cannot have the journal mode WAL where it is, only DELETE"):
        Database(Settings(str(path), "WAL", "FULL", 30_000, 10_000), lambda _: False)

    Database(Settings(str(path), "DELETE", "FULL", 30_000, 10_000), lambda _: False).close()


@pytest.mark.parametrize("has_file", [False, True])
@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_new_file_can_give_pages_back_and_leaves_nothing_of_deleted_rows(
    path: Path, mode: str, has_file: bool
) -> None:
    if has_file:
        path.touch()
    for _ in range(2):
        database = Database(Settings(str(path), mode, "FULL", 30_000, 10_000), lambda _: False)
        assert database.connection.pragma("auto_vacuum") == 2
        assert database.connection.pragma("secure_delete") == 1
        database.close()
