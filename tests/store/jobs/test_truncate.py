"""Pages as they were before a deletion do not stay in the WAL, or in a journal that SQLite keeps."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from winlogd.store.jobs.truncate import Truncate


@pytest.mark.parametrize(("mode", "log"), [("WAL", "-wal"), ("PERSIST", "-journal")])
def test_it_has_nothing_afterwards(tmp_path: Path, mode: str, log: str) -> None:
    path = tmp_path / "winlog.db"
    with closing(apsw.Connection(str(path))) as connection:
        fill(connection, mode)
        before = path.with_name(path.name + log)
        assert b"zacharias" in before.read_bytes()
        job = Truncate()
        job.step(connection, None, 0.0)  # type: ignore[arg-type]  # it needs no Book

        assert job.outcome is True
        assert not before.exists() or b"zacharias" not in before.read_bytes()
        assert connection.pragma("journal_mode") == mode.lower()
        assert b"zacharias" not in path.read_bytes()


def test_a_reader_is_waited_for_and_in_the_end_it_gives_up(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with closing(apsw.Connection(str(path))) as connection, closing(apsw.Connection(str(path))) as reader:
        fill(connection, "WAL")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        connection.execute("INSERT INTO t VALUES ('late')")
        job, attempts = Truncate(), 0
        while not job_ends(job, connection):
            attempts += 1

        assert attempts > 100
        assert job.outcome is False


def job_ends(job: Truncate, connection: apsw.Connection) -> bool:
    try:
        return job.step(connection, None, 0.0).is_last  # type: ignore[arg-type]
    except apsw.BusyError:
        return False


def fill(connection: apsw.Connection, mode: str) -> None:
    """Make a table whose deleted row is still in the log."""
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES ('zacharias')")
    connection.execute("DELETE FROM t")
