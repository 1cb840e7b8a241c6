"""`winlogd rotate` without a server also deletes what is too old, as a server does after each rotation."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.commands import command
from tests.support.small_site import NOW_US, make_site, run
from winlogd.sessions.session import US
from winlogd.store.jobs.replaced import replaced_path

pytestmark = pytest.mark.long

DAY_US = 86_400 * US


def rotate(site: Path, days_later: int) -> str:
    ended = command(site, NOW_US + days_later * DAY_US, "rotate")
    assert ended.status == 0, ended.notes
    return ended.out


def rotate_again(site: Path, days_later: int) -> str:
    """Rotate twice: after a clock that jumped ahead the first rotation deletes nothing."""
    rotate(site, days_later)
    return rotate(site, days_later)


def rows(site: Path, sql: str, values: Sequence[object] = (), file: str = "winlog.db") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(site / "data" / file)) as connection, connection:
        return connection.execute(sql, values).fetchall()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site whose events of 12 and 13 January have all moved to the archive."""
    make_site(tmp_path)
    for day in (2, 3):
        assert "old events deleted" not in rotate(tmp_path, day)
    return tmp_path


def test_old_events_go_with_all_that_follows_from_them(site: Path) -> None:
    old = "SELECT session_uuid FROM events_history WHERE server_timestamp < '2026-01-13'"
    [(events,)] = rows(site, f"SELECT count(*) FROM events_history WHERE session_uuid IN ({old})")
    assert rotate_again(site, 365).endswith(f"; old events deleted: {events}\n")
    assert rows(site, old) == []
    [(first,)] = rows(site, "SELECT min(received_at) FROM sessions")
    assert str(first).startswith("2026-01-13")
    assert "old events deleted" not in rotate(site, 365)


def test_after_a_clock_that_jumped_ahead_nothing_goes_that_time(site: Path) -> None:
    before = rows(site, "SELECT count(*) FROM events_all")
    ended = command(site, NOW_US + 365 * DAY_US, "rotate")
    assert (ended.status, "old events deleted" in ended.out) == (0, False)
    assert ended.notes == [
        "winlogd: the last rotation was long ago, or is in the future: set the clock if it is wrong; old events stay"
        " until the next rotation (362 days)"
    ]
    assert rows(site, "SELECT count(*) FROM events_all") == before
    assert "; old events deleted: " in rotate(site, 366)


def test_a_rotation_of_the_future_shows_that_the_clock_is_wrong(site: Path) -> None:
    rows(site, "UPDATE winlogd_meta SET value = '9999-12-31' WHERE key = 'rotated_day'")
    assert "old events deleted" not in rotate(site, 400)
    assert "; old events deleted: " in rotate(site, 400)


def test_a_file_that_was_replaced_stays_after_a_clock_that_jumped_ahead(site: Path) -> None:
    replaced = Path(replaced_path(str(site / "data" / "winlog.db"), NOW_US / 1_000_000))
    replaced.touch()
    rotate(site, 365)
    assert replaced.exists()
    rotate(site, 366)
    assert not replaced.exists()


def test_a_database_that_was_taken_over_is_kept_until_the_days_are_set(site: Path) -> None:
    rows(site, "INSERT INTO winlogd_meta (key, value) VALUES ('taken_over', '1')")
    assert "old events deleted" not in rotate_again(site, 900)
    config = site / "config.toml"
    config.write_text(config.read_text() + "[retention]\nhistory_days = 0\n")
    assert "old events deleted" not in rotate(site, 900)
    config.write_text(config.read_text().replace("days = 0", "days = 365"))
    assert "; old events deleted: " in rotate(site, 900)
    assert rows(site, "SELECT count(*) FROM events_all") == [(0,)]


def test_what_is_held_stays(site: Path) -> None:
    run(site, "hold", "add", "--user", "alice", "--reason", "case 7")
    rotate_again(site, 900)
    assert rows(site, "SELECT DISTINCT username FROM events_all") == [("alice",)]


def test_old_looks_go(site: Path) -> None:
    for name in ("alice", "bob"):
        run(site, "user", name)
    rows(site, "UPDATE looks SET at_us = at_us - ? WHERE filter LIKE '%alice'", (366 * DAY_US,), "winlog.access")
    rotate(site, 4)
    assert rows(site, "SELECT filter FROM looks", (), "winlog.access") == [("username=bob",)]


def test_what_a_killed_backup_has_left_goes_after_a_day(site: Path) -> None:
    (site / "data" / "backups").mkdir()
    parts = {
        days: site / "data" / "backups" / name for days, name in ((2, "winlog.db.part"), (0, "winlog.access.part"))
    }
    for days, part in parts.items():
        part.write_bytes(b"alice")
        moment_s = NOW_US / US - days * 86_400
        os.utime(part, (moment_s, moment_s))
    rotate(site, 0)
    assert [each.exists() for each in parts.values()] == [False, True]
