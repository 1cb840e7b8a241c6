"""What other programs change in the archive is changed in the past, after a build."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.support.builds import ROWS
from tests.support.pasts import NOW_S, built, built_afresh, fill, finish, opened
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import rules
from winlogd.store.past.progress import needs_rebuild


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[apsw.Connection]:
    """Return a database with an older archive."""
    with opened(tmp_path / "winlog.db") as connection:
        fill(connection, "events_history", ROWS)
        yield connection


CHANGES = {
    "username": "'zoe'", "action": "'D'", "hostname": "'PC-99'", "source_ip": "'192.0.2.99'", "os_name": "'BeOS'",
    "os_version": "'5'", "session_uuid": "'zoe@PC-99@abcdef'", "timestamp": "'2026-01-12T23:00:00Z'",
    "server_timestamp": "'2026-01-12T23:00:00.000000+00:00'", "origin": "'expired'",
    "hardware_info": """'{"cpu":"z"}'""",
}  # fmt: skip
"""A new value of each column, as SQL."""


@pytest.mark.parametrize("column", CHANGES)
def test_what_somebody_changes_in_the_archive_is_changed_in_the_past(
    archive: apsw.Connection, tmp_path: Path, column: str
) -> None:
    before = built(archive)
    archive.execute(f"UPDATE events_history SET {column} = {CHANGES[column]} WHERE id > 20")

    found = built(archive)

    assert found != before
    assert found == built_afresh(archive, tmp_path / "afresh.db")


def test_a_change_of_what_the_past_does_not_know_starts_no_rebuild(archive: apsw.Connection) -> None:
    built(archive)
    archive.execute("UPDATE events_history SET kernel_version = '7', archived_at = NULL")

    assert not needs_rebuild(archive)


def test_somebodys_trigger_on_copied_rows_starts_no_rebuild_after_each_rotation(archive: apsw.Connection) -> None:
    built(archive)
    archive.execute(
        "CREATE TRIGGER mine AFTER INSERT ON events_history BEGIN"
        " UPDATE events_history SET hostname = upper(hostname) WHERE id = new.id; END"
    )
    fill(archive, "events_today", 20, is_older=False)
    finish(Rotation(rules(NOW_S, NOW_S - 3600, 24.0), None), archive)

    assert not needs_rebuild(archive)
