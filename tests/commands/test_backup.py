"""``winlogd backup`` and ``winlogd restore``: what is made, what is refused, and what another user's server needs."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw
import pytest

from tests.support.running import MORE_THAN_THERE_IS, Winlogd, an_event, run_to_end, running, wait_for
from tests.support.terminals import run_on_a_terminal

pytestmark = pytest.mark.long

OWNER: Final = 54_321
ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can give files to another user")
NEVER: Final = '[rotation]\nat = ""\n'
BACKUP: Final = (sys.executable, "-m", "winlogd", "backup")
SLOW_COPY: Final = """
import sys, time
from winlogd.cli import main
from winlogd.store.jobs.backup import Backup
copy_some = Backup._copy_some
def copy_slowly(self):
    time.sleep(0.05)
    return copy_some(self)
Backup._copy_some = copy_slowly
sys.exit(main())
"""
"""winlogd, with a disk that takes so long for a copy that a test comes before its end."""


def ended_well(folder: Path, *words: str) -> str:
    done = run_to_end(folder, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failed(folder: Path, *words: str, environ: dict[str, str] | None = None, status: int = 1) -> str:
    """Run a command that fails. Return its one line."""
    done = run_to_end(folder, *words, environ=environ)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == status
    return lines[0]


def users(path: Path) -> list[object]:
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        return [name for (name,) in connection.execute("SELECT username FROM events_today ORDER BY id")]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def copy_slowly(server: Winlogd) -> None:
    """Start the server again, with a disk that is slow for copies."""
    assert server.stop() == 0
    server.command = (sys.executable, "-c", SLOW_COPY, "--config", "config.toml")
    server.restart()
    server.wait_until_it_obeys()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Winlogd]:
    with running(tmp_path, NEVER + '[logging]\nlevel = "info"\n') as server:
        server.wait_until_it_obeys()
        server.post(an_event())
        yield server


@pytest.fixture
def folder(server: Winlogd) -> Path:
    return server.folder


@pytest.fixture
def backups(server: Winlogd) -> Path:
    return server.database.parent / "backups"


# ── backup ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("has_server", [True, False])
def test_a_backup_is_named_by_date_and_only_its_owner_reads_it(
    server: Winlogd, folder: Path, backups: Path, has_server: bool
) -> None:
    ended_well(folder, "token", "add", "Frau Meier", "--scope", "all")
    if not has_server:
        assert server.stop() == 0
    said = ended_well(folder, "backup")

    [access, database] = sorted(backups.iterdir())
    assert said.startswith(f"{database} is checked, and complete: events_today 1 rows, events_history 0 rows;")
    assert users(database) == ["alice"]
    assert (mode(backups), mode(database), mode(access)) == (0o700, 0o600, 0o600)
    with closing(apsw.Connection(str(access))) as connection:
        assert connection.execute("SELECT name FROM readers").fetchall() == [("Frau Meier",)]
    assert (database.suffix, access.suffix, access.stem) == (".db", ".access", database.stem)


def test_an_empty_file_with_the_name_of_a_backup_is_none_and_goes(folder: Path, backups: Path) -> None:
    """A process that is killed on a disk without hard links may leave it."""
    backups.mkdir(exist_ok=True)
    empty = backups / "winlog-20260113T083000Z.db"
    empty.touch()
    empty.with_suffix(".access").write_text("a whole copy")
    before = ended_well(folder, "status")
    ended_well(folder, "backup")
    assert not empty.exists()
    assert not empty.with_suffix(".access").exists()
    assert "none; winlogd backup makes one" in before
    assert len(list(backups.glob("*.db"))) == 1


def test_two_backups_in_one_second_have_two_names_and_keep_removes_the_oldest(folder: Path, backups: Path) -> None:
    made = [ended_well(folder, "backup").split()[0] for _ in range(3)]
    mine = backups / "mine.db"
    mine.touch()
    assert len(set(made)) == 3

    kept = ended_well(folder, "backup", "--keep", "2")

    assert "older backups removed: 2" in kept
    assert set(map(str, backups.iterdir())) == {made[2], kept.split()[0], str(mine)}


@pytest.mark.parametrize("has_server", [True, False])
def test_a_link_on_the_path_of_the_folder_is_followed(
    server: Winlogd, folder: Path, tmp_path: Path, has_server: bool
) -> None:
    if not has_server:
        server.stop()
    (tmp_path / "moved").mkdir()
    (folder / "data" / "backups").symlink_to(tmp_path / "moved")
    ended_well(folder, "backup")
    assert [users(made) for made in (tmp_path / "moved").iterdir()] == [["alice"]]


def test_keep_counts_no_backup_of_another_database_of_the_same_name(
    server: Winlogd, folder: Path, backups: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with running(other, NEVER, {"WINLOGD_BACKUP_FOLDER": str(backups)}) as second:
        second.wait_until_it_obeys()
        second.post(an_event(username="bob"))
        for _ in range(2):
            ended_well(folder, "backup", "--keep", "1")
            ended_well(other, "backup", "--keep", "1")
    assert sorted(users(made) for made in backups.iterdir()) == [["alice"], ["bob"]]


@pytest.mark.parametrize("has_server", [True, False])
def test_only_one_backup_is_made_in_a_folder_at_a_time(
    server: Winlogd, folder: Path, backups: Path, has_server: bool
) -> None:
    if not has_server:
        server.stop()
    backups.mkdir()
    part = backups / "winlog.db.part"
    part.write_text("of the other one")
    descriptor = os.open(backups, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert f"another backup is being made in {backups}: try again when it is done" in failed(folder, "backup")
        assert part.read_text() == "of the other one"
    finally:
        os.close(descriptor)


def test_a_backup_to_a_file_leaves_nothing_in_the_folder(folder: Path, backups: Path) -> None:
    ended_well(folder, "token", "add", "Frau Meier", "--scope", "all")
    said = ended_well(folder, "backup", "mine.db")

    assert said.startswith(f"{folder / 'mine.db'} is checked, and complete")
    assert users(folder / "mine.db") == ["alice"]
    assert mode(folder / "mine.db") == mode(folder / "mine.access") == 0o600
    assert list(backups.iterdir()) == []


@pytest.mark.parametrize("existing", ["mine.db", "mine.access"])
def test_an_existing_file_is_never_replaced(folder: Path, existing: str) -> None:
    (folder / existing).write_text("mine")
    assert failed(folder, "backup", "mine.db") == f"winlogd: {folder / existing} exists already, and is not replaced"
    assert (folder / existing).read_text() == "mine"


def test_a_folder_that_is_missing_is_told_before_anything_is_copied(folder: Path, backups: Path) -> None:
    assert "no folder" in failed(folder, "backup", "there/mine.db")
    assert not backups.exists()


@pytest.mark.parametrize("words", [("--keep", "0"), ("--keep", "x"), ("mine.db", "--keep", "2"), ("a.db", "b.db")])
def test_a_wrong_command_line_makes_no_backup(folder: Path, backups: Path, words: tuple[str, ...]) -> None:
    done = run_to_end(folder, "backup", *words)
    assert done.returncode == 2
    assert "usage: winlogd backup [FILE] [--keep N]" in done.stderr
    assert not backups.exists()


def test_a_disk_without_enough_space_is_left_alone(server: Winlogd, folder: Path, backups: Path) -> None:
    server.stop()
    with running(folder, NEVER, MORE_THAN_THERE_IS) as low:
        low.wait_until_it_obeys()
        assert "limits.min_free_disk" in failed(folder, "backup")
    assert "limits.min_free_disk" in failed(folder, "backup", environ=MORE_THAN_THERE_IS)
    assert list(backups.iterdir()) == []


@ONLY_ROOT
def test_a_full_disk_of_the_backups_harms_no_event(server: Winlogd, folder: Path, backups: Path) -> None:
    for number in range(200):
        server.post(an_event(username=f"user{number}"))
    backups.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(backups)], check=False)
    if mounted.returncode:
        pytest.skip("missing: the right to mount a small disk")
    try:
        said = failed(folder, "backup")
        assert "MB free" in said or "full" in said
        assert server.post(an_event(username="bob")).status == 200
        assert list(backups.iterdir()) == []
    finally:
        subprocess.run(["umount", str(backups)], check=True)
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_a_folder_that_cannot_be_written_is_named(folder: Path, backups: Path) -> None:
    backups.write_text("a file")
    assert str(backups) in failed(folder, "backup")


def test_another_folder_counts_after_a_reload(server: Winlogd, folder: Path) -> None:
    (folder / "config.toml").write_text(NEVER + f'[logging]\nlevel = "info"\n[backup]\nfolder = "{folder}/other"\n')
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("configuration reloaded")
    assert ended_well(folder, "backup").startswith(f"{folder}/other/winlog-")


def test_a_server_that_is_killed_during_a_backup_loses_nothing_and_makes_it_again(
    server: Winlogd, folder: Path, backups: Path
) -> None:
    server.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO events_history"
        " (username, action, timestamp, hostname) SELECT 'u' || i, 'C', '2026-01-01T00:00:00Z', 'h' || i FROM n"
    )
    fast = server.command
    copy_slowly(server)
    with subprocess.Popen(BACKUP, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        wait_for(lambda: list(backups.glob("*.part")), "a part")
        server.post(an_event(username="bob"))
        server.kill()
        _, said = command.communicate()
    assert command.returncode == 1
    assert b"Traceback" not in said
    server.command = fast
    server.restart()
    server.wait_until_it_obeys()
    assert [row["username"] for row in server.rows()] == ["alice", "bob"]
    assert not list(backups.glob("*.db"))

    ended_well(folder, "backup")

    [made] = backups.iterdir()
    assert users(made) == ["alice", "bob"]


def test_a_stop_does_not_wait_for_a_backup(server: Winlogd, folder: Path, backups: Path) -> None:
    server.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO events_history"
        " (username, action, timestamp, hostname) SELECT 'u' || i, 'C', '2026-01-01T00:00:00Z', 'h' || i FROM n"
    )
    copy_slowly(server)
    with subprocess.Popen(BACKUP, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        wait_for(lambda: list(backups.glob("*.part")), "a part")
        assert server.stop() == 0
        _, said = command.communicate()
    assert (command.returncode, said.count(b"\n")) == (1, 1)
    assert "Traceback" not in server.log


# ── restore ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_restored_backup_is_started_and_serves(server: Winlogd, folder: Path) -> None:
    ended_well(folder, "backup", "mine.db")
    server.post(an_event(username="bob"))
    server.kill()  # leaves a WAL, which has bob
    access = server.database.with_suffix(".access")
    access.write_bytes(b"never touched")

    said = ended_well(folder, "restore", "mine.db")

    [replaced] = server.database.parent.glob("*.replaced-*")
    assert said.startswith(f"{server.database} is restored: events_today 1 rows, events_history 0 rows;")
    assert said.rstrip().endswith(str(replaced))
    assert users(replaced) == ["alice", "bob"]
    assert (folder / "mine.db").exists()
    assert access.read_bytes() == b"never touched"
    access.unlink()
    server.restart()
    assert server.post(an_event(username="carol")).status == 200
    current = server.request("GET", "/api/v1/sessions/current").json
    assert sorted(session["username"] for session in current) == ["alice", "carol"]


def test_a_restore_shows_a_person_how_far_it_is(server: Winlogd, folder: Path) -> None:
    file = ended_well(folder, "backup").split()[0]
    server.stop()

    status, _, shown = run_on_a_terminal(folder, "restore", file)

    size_bytes = Path(file).stat().st_size
    assert status == 0
    assert f"\rbytes copied: {size_bytes}, bytes in all: {size_bytes}\rchecking the bytes: {size_bytes}" in shown
    assert shown.endswith("\r")


def test_holds_that_were_added_after_the_backup_stay_in_force(server: Winlogd, folder: Path) -> None:
    ended_well(folder, "hold", "add", "--user", "alice", "--reason", "before")
    ended_well(folder, "backup", "mine.db")
    ended_well(folder, "hold", "end", "1")
    ended_well(folder, "hold", "add", "--user", "bob", "--reason", "after")
    server.kill()

    said = ended_well(folder, "restore", "mine.db")

    assert "; holds that were added after the backup and stay in force: 1; the file that was there before is " in said
    assert server.rows("SELECT id, user FROM winlogd_holds") == [{"id": 1, "user": "alice"}, {"id": 2, "user": "bob"}]


def test_a_backup_without_a_table_of_holds_gets_one_and_stays_taken_over(server: Winlogd, folder: Path) -> None:
    """Otherwise the default of the retention would delete its archive."""
    ended_well(folder, "hold", "add", "--user", "alice", "--reason", "court")
    ended_well(folder, "backup", "mine.db")
    server.stop()
    with closing(apsw.Connection(str(folder / "mine.db"))) as connection:
        connection.execute("DROP TABLE winlogd_holds")
        connection.execute("DROP TABLE winlogd_meta")

    ended_well(folder, "restore", "mine.db")
    server.restart()
    server.wait_until_open()

    assert server.rows("SELECT user FROM winlogd_holds") == [{"user": "alice"}]
    server.wait_for_log("the archive is kept for ever, until retention.history_days is set")


def test_a_database_that_cannot_be_read_is_replaced_and_the_lost_holds_are_named(server: Winlogd, folder: Path) -> None:
    ended_well(folder, "backup", "mine.db")
    server.stop()
    server.database.write_bytes(b"rubbish" * 2000)

    assert "; the holds of the file before cannot be read: winlogd hold list" in ended_well(
        folder, "restore", "mine.db"
    )
    assert users(server.database) == ["alice"]


def test_a_backup_is_restored_where_there_is_no_database_yet(server: Winlogd, folder: Path, tmp_path: Path) -> None:
    ended_well(folder, "backup", "mine.db")
    other = tmp_path / "other"
    other.mkdir()
    ended_well(other, "restore", str(folder / "mine.db"))
    assert users(other / "data" / "winlog.db") == ["alice"]


def test_nothing_is_restored_while_a_server_runs(server: Winlogd, folder: Path) -> None:
    ended_well(folder, "backup", "mine.db")
    server.post(an_event(username="bob"))
    assert "stop it first" in failed(folder, "restore", "mine.db")
    assert [row["username"] for row in server.rows()] == ["alice", "bob"]


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_backup_changes_nothing(server: Winlogd, folder: Path, content: bytes) -> None:
    server.stop()
    (folder / "mine.db").write_bytes(content)
    said = failed(folder, "restore", "mine.db")
    assert said.startswith("winlogd: mine.db was not restored, and nothing was changed: ")
    assert users(server.database) == ["alice"]
    assert not list(server.database.parent.glob("*.re*"))


def test_another_programs_database_and_a_copy_without_its_wal_are_refused(server: Winlogd, folder: Path) -> None:
    server.stop()
    with closing(apsw.Connection(str(folder / "other.db"))) as connection:
        connection.execute("CREATE TABLE songs (name)")
    assert "no table events_today" in failed(folder, "restore", "other.db")
    (folder / "other.db-wal").write_bytes(b"rows")
    assert "no complete backup" in failed(folder, "restore", "other.db")
    assert "cannot be read" in failed(folder, "restore", "missing.db")
    assert users(server.database) == ["alice"]


# ── root, and the server of another user ──────────────────────────────────────────────────────────────


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may search. In it, `data` belongs to another user, and `roots` to root alone."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "data").mkdir()
        os.chown(folder / "data", OWNER, OWNER)
        (folder / "roots").mkdir(0o700)
        yield folder


def owners(folder: Path) -> set[int]:
    return {path.stat().st_uid for path in folder.rglob("*")}


@ONLY_ROOT
@pytest.mark.parametrize("has_server", [True, False])
def test_root_backs_up_and_restores_for_the_server_of_another_user(place: Path, has_server: bool) -> None:
    with running(place, NEVER) as server:
        server.wait_until_it_obeys()
        server.post(an_event())
        ended_well(place, "token", "add", "Frau Meier", "--scope", "all")
        if not has_server:
            assert server.stop() == 0
        ended_well(place, "backup")
        ended_well(place, "backup", "roots/mine.db")
        if has_server:
            assert server.stop() == 0
    assert owners(place / "data") == {OWNER}
    assert owners(place / "roots") == {0}
    assert {mode(path) for path in (place / "roots").iterdir()} == {0o600}
    assert users(place / "roots" / "mine.db") == ["alice"]

    ended_well(place, "restore", "roots/mine.db")

    assert owners(place / "data") == {OWNER}
    with running(place, NEVER) as server:
        server.wait_until_it_obeys()
        assert [row["username"] for row in server.rows()] == ["alice"]


@ONLY_ROOT
def test_an_export_of_root_is_roots_also_in_a_folder_of_roots(place: Path) -> None:
    with running(place, NEVER) as server:
        server.wait_until_it_obeys()
        server.stop()
    ended_well(place, "export", "--output", "roots/out.csv", "--reason", "x")
    found = sorted((place / "roots").iterdir())
    assert [(each.name, each.stat().st_uid, mode(each)) for each in found] == [
        ("out.csv", 0, 0o600),
        ("out.csv.manifest.json", 0, 0o600),
    ]


@ONLY_ROOT
def test_root_follows_no_link_to_a_backup(place: Path) -> None:
    with running(place, NEVER) as server:
        server.wait_until_it_obeys()
        ended_well(place, "backup", "roots/mine.db")
        server.stop()
    (place / "data" / "link.db").symlink_to(place / "roots" / "mine.db")
    assert "cannot be read" in failed(place, "restore", "data/link.db")
