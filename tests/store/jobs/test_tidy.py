"""After a deletion old hours, unused names and free pages go, a few in each step."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from tests.store.jobs.deleting import delete
from tests.store.jobs.tiny import settings_of
from tests.store.test_load_book import load
from tests.support.builds import rotate
from tests.support.pasts import DAY, EIGHT, built, contents, fill, finish, insert, nanoseconds, opened, step
from winlogd.sessions.session import US
from winlogd.store.file.database import Database
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import Rules
from winlogd.store.jobs.tidy import Tidy
from winlogd.store.past.unused import _WITHOUT_SESSION

ADDRESSES = "SELECT count(*) FROM winlogd_names WHERE kind = 3 AND name IS NOT NULL"
ALL_NAMES = "SELECT name FROM winlogd_names WHERE kind BETWEEN 1 AND 3 AND name IS NOT NULL ORDER BY name"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[apsw.Connection]:
    database = Database(settings_of(tmp_path / "winlog.db"), lambda _: False)
    with closing(database.connection) as connection:
        yield connection


def tidy(connection: apsw.Connection, hours_before_us: int = 0, kept_percent: int = 0) -> Tidy:
    job = Tidy(hours_before_us, kept_percent, EIGHT)
    finish(job, connection)
    return job


def report(connection: apsw.Connection, user: str, **columns: object) -> None:
    row = {"action": "M", "username": user, "session_uuid": f"hardware_{user}", "hardware_info": "{}"}
    times = {"timestamp": "2026-01-12T08:00:00Z", "server_timestamp": nanoseconds(DAY)}
    insert(connection, "events_history", **row, **times, **columns)


def names(connection: apsw.Connection) -> list[object]:
    return [name for (name,) in connection.execute(ALL_NAMES)]


def test_names_that_nothing_uses_go_and_the_others_stay(archive: apsw.Connection) -> None:
    for number in range(20):
        report(archive, f"user{number}", hostname=f"PC-{number}", source_ip=f"192.0.2.{number}")
    built(archive)
    finish(delete("id > 3"), archive)
    job = tidy(archive)

    assert names(archive) == [
        "192.0.2.0", "192.0.2.1", "192.0.2.2", "PC-0", "PC-1", "PC-2", "user0", "user1", "user2",
    ]  # fmt: skip
    assert job.outcome.names == 34  # the deletion has removed the hosts


def test_many_addresses_go_a_few_in_each_step(archive: apsw.Connection) -> None:
    for number in range(100):
        report(archive, "alice", source_ip=f"192.0.2.{number}")
    built(archive)
    archive.execute("DELETE FROM winlogd_past")
    before = archive.execute(ADDRESSES).get
    finish(delete("id > 10"), archive)
    job, book, removed = Tidy(0, 0, EIGHT), load(archive), []
    is_last = False
    while not is_last:
        done = step(job, archive, book)
        is_last = done.is_last
        removed.append(done.names)  # type: ignore[attr-defined]  # of a TidyStep

    assert (before, archive.execute(ADDRESSES).get) == (100, 10)
    assert max(removed) <= EIGHT.most


def test_an_address_that_comes_again_between_the_steps_stays(archive: apsw.Connection) -> None:
    for number in range(40):
        report(archive, "alice", source_ip=f"192.0.2.{number}")
    built(archive)
    finish(delete("1"), archive)
    job, book = Tidy(0, 0, EIGHT), load(archive)
    while archive.execute(ADDRESSES).get == 40:
        step(job, archive, book)
    for number in range(40):
        report(archive, "alice", source_ip=f"192.0.2.{number}")
    count = archive.execute(ADDRESSES).get
    finish(job, archive, book)

    assert 0 < count < 40
    assert archive.execute(ADDRESSES).get == count


def test_a_step_looks_at_its_own_names_alone(archive: apsw.Connection) -> None:
    """By the index of kinds, each step would read all addresses."""
    plan = archive.execute(f"EXPLAIN QUERY PLAN {_WITHOUT_SESSION}", ("[1]",))
    assert "SEARCH n USING INTEGER PRIMARY KEY (rowid=?)" in [row[-1] for row in plan]


def test_without_a_deletion_no_name_is_looked_at(archive: apsw.Connection) -> None:
    fill(archive, "events_history", 400)
    built(archive)
    steps = []
    for leaves in (False, True):
        job = Tidy(0, 0, EIGHT)
        if leaves:
            job.leave_names()
        steps.append(finish(job, archive))

    assert steps[1] == 2  # of the hours, and of the pages
    assert steps[0] > steps[1] + 2


def test_a_number_is_never_a_second_names(archive: apsw.Connection) -> None:
    """Readers keep numbers of names while the highest one is known."""
    report(archive, "alice")
    built(archive)
    highest = archive.execute("SELECT max(id) FROM winlogd_names").get
    finish(delete("1"), archive)
    tidy(archive)
    report(archive, "bob")
    built(archive)

    assert names(archive) == ["192.0.2.7", "A102-07", "bob"]
    assert archive.execute("SELECT min(id) FROM winlogd_names WHERE name IN ('bob', 'A102-07')").get > highest
    tidy(archive)
    assert archive.execute("SELECT count(*) FROM winlogd_names WHERE kind = 0").get == 0


def test_a_rotation_between_its_steps_keeps_its_names(archive: apsw.Connection) -> None:
    """While space is low, names may go in the middle of a rotation, which has their numbers in memory."""
    fill(archive, "events_today", 60, DAY + timedelta(hours=5), is_older=False)
    rules = Rules("2026-01-13T00:00:00", "2026-01-12T01:00:00", 24.0)
    rotation, book = Rotation(rules, None, EIGHT), load(archive)
    for _ in range(3):
        step(rotation, archive, book)
    finish(delete("1"), archive, book)
    finish(Tidy(0, 0, EIGHT), archive, book)
    while not step(rotation, archive, book).is_last:
        pass

    found = contents(archive)
    assert len(found.sessions) == archive.execute("SELECT count(*) FROM winlogd_past").get
    assert archive.execute("SELECT count(*) FROM winlogd_past").get


def test_old_hours_go(archive: apsw.Connection) -> None:
    fill(archive, "events_history", 60)
    before = built(archive).hours
    noon = int((DAY + timedelta(hours=2)).timestamp())
    tidy(archive, noon * US)

    assert contents(archive).hours == [each for each in before if each[0] >= noon // 3600]
    assert len(contents(archive).hours) < len(before)


def test_a_new_file_becomes_smaller_and_stays_whole(archive: apsw.Connection, tmp_path: Path) -> None:
    fill(archive, "events_history", 400)
    rotate(archive)
    built(archive)
    archive.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    before = (tmp_path / "winlog.db").stat().st_size
    finish(delete("1"), archive)
    job = tidy(archive)
    archive.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    assert archive.pragma("freelist_count") == 0
    assert (tmp_path / "winlog.db").stat().st_size == before - 4096 * job.outcome.pages
    assert job.outcome.pages > 20
    assert archive.pragma("integrity_check") == "ok"


def test_a_part_may_stay_free_for_the_next_days(archive: apsw.Connection) -> None:
    fill(archive, "events_history", 400)
    built(archive)
    finish(delete("1"), archive)
    tidy(archive, kept_percent=50)

    free, pages = archive.pragma("freelist_count"), archive.pragma("page_count")
    assert pages // 3 <= free <= pages // 2  # SQLite gives back a page of its own, too


def test_an_older_file_keeps_its_pages(tmp_path: Path) -> None:
    with opened(tmp_path / "older.db") as connection:  # not made by `Database`
        fill(connection, "events_history", 100)
        built(connection)
        finish(delete("1"), connection)
        assert tidy(connection).outcome.pages == 0
        assert connection.pragma("freelist_count")
