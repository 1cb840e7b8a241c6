"""Who may read the database by a command: what root, the owner, a group and a stranger get, and what they leave."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw
import pytest

from tests.support.commands import command
from tests.support.questions import at, receive, sent
from tests.support.running import A_SMALL_DISK_WILL_DO, COMMAND_PATIENCE_S, Winlogd, an_event, run_to_end, running
from tests.support.school_rows import ClockedServer

pytestmark = pytest.mark.long

OWNER: Final = 54_321
GROUP: Final = 54_322
STRANGER: Final = 54_323
NOW_US: Final = at(0, 10)

_AS: Final = """
import os, sys, tomllib
user, group = int(sys.argv.pop(1)), int(sys.argv.pop(1))
from winlogd.cli import main
from winlogd.daemon import privileges
privileges._load_what_comes_later()  # only root can read a Python below /root
os.setgroups(())
os.setgid(group)
os.setuid(user)
sys.exit(main())
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can become another user")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of root that everybody may search. In it, a folder with a database at rest that belongs to the owner."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        make(folder)
        give(folder / "data", OWNER)
        yield folder


def make(folder: Path) -> None:
    (folder / "config.toml").touch()
    (folder / "data").mkdir()
    with ClockedServer(folder / "data" / "winlog.db", at(0, 7)) as server:
        receive(server, sent(at(0, 8), "alice", "C"))


def give(data: Path, user: int, mode: int = 0o750) -> None:
    """Give a folder and its files to a user and the group, as the service has them."""
    for path in (data, *data.iterdir()):
        os.chown(path, user, GROUP)
    data.chmod(mode)


def run_as(folder: Path, user: int, group: int, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _AS, str(user), str(group), *words],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=COMMAND_PATIENCE_S,
        check=False,
    )


def users(folder: Path) -> dict[str, int]:
    """Return the owner of each file of the database."""
    return {path.name: path.stat().st_uid for path in (folder / "data").iterdir()}


# ── root ──────────────────────────────────────────────────────────────────────────────────────────────


@needs_root
def test_root_leaves_only_the_readers_log_beside_a_database_at_rest(place: Path) -> None:
    ended = command(place, NOW_US, "who")
    assert (ended.status, ended.notes[-1]) == (0, "certain: 0, presumed: 1, doubtful: 0")
    assert users(place) == {"winlog.db": OWNER, "winlog.access": OWNER}


@needs_root
def test_root_leaves_nothing_of_roots_after_a_kill(place: Path) -> None:
    with running(place) as server:
        assert server.post(an_event(username="bob")).status == 200
        server.kill()
    (place / "data" / "winlog.db-shm").unlink()
    ended = run_to_end(place, "sessions", "--csv")
    assert (ended.returncode, ended.stdout.count("\n")) == (0, 3)
    assert set(users(place).values()) == {OWNER}
    with running(place) as server:
        assert server.post(an_event(username="carol")).status == 200


@needs_root
def test_root_does_not_follow_a_strangers_link(place: Path) -> None:
    link = place / "link"
    link.symlink_to(place / "data")
    os.lchown(link, STRANGER, STRANGER)
    ended = run_to_end(place, "who", environ={"WINLOGD_DATABASE_PATH": str(link / "winlog.db")})
    assert ended.returncode == 1
    assert f"is a symbolic link of user {STRANGER}" in ended.stderr


# ── others ────────────────────────────────────────────────────────────────────────────────────────────


@needs_root
def test_a_stranger_is_told_which_user_to_become(place: Path) -> None:
    ended = run_as(place, STRANGER, STRANGER, "who", "--room", "A 102")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"winlogd: {place}/data/winlog.db cannot be looked at: Permission denied; run this as the user that winlogd"
        f" runs as: sudo -u '#{OWNER}' winlogd who --room 'A 102'\n"
    )


@needs_root
def test_the_user_is_told_by_name_and_with_the_databases_path(place: Path) -> None:
    owner = next(entry for entry in pwd.getpwall() if entry.pw_uid not in (0, 65_534))
    give(place / "data", owner.pw_uid, mode=0o755)
    (place / "data" / "winlog.db").chmod(0o600)
    path = f"{place}/data/winlog.db"
    ended = run_as(place, STRANGER, STRANGER, "rooms", WINLOGD_DATABASE_PATH=path)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"winlogd: {path} cannot be read: Permission denied; run this as the user that winlogd runs as:"
        f" sudo -u {owner.pw_name} WINLOGD_DATABASE_PATH={path} winlogd rooms\n"
    )


@needs_root
def test_a_configuration_that_is_closed_says_who_may_read_it(place: Path) -> None:
    (place / "config.toml").chmod(0o600)
    ended = run_as(place, STRANGER, STRANGER, "who", "--config", "config.toml")
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.endswith("Permission denied; run this as the user that winlogd runs as, or as root")


@needs_root
def test_who_is_in_the_group_may_read_what_is_no_look_and_makes_no_file(place: Path) -> None:
    """The readers' log belongs to winlogd's user, also where the group may write into the folder."""
    template = {"WINLOGD_ROOMS_FROM_HOSTNAME": "{room}-*"}
    assert run_as(place, STRANGER, GROUP, "rooms", "--csv", **template).stdout.count("\n") == 2
    shows_nobody(place)
    assert users(place) == {"winlog.db": OWNER}
    give(place / "data", OWNER, mode=0o770)
    shows_nobody(place)
    assert users(place) == {"winlog.db": OWNER}
    with running(place) as server:
        assert server.post(an_event(username="bob", hostname="B1-01")).status == 200
        ended = run_as(place, STRANGER, GROUP, "rooms", "--csv", **template)
        assert (ended.returncode, ended.stdout.count("\n")) == (0, 3)
        shows_nobody(place)
        server.kill()
    (place / "data" / "winlog.db-shm").unlink()
    ended = run_as(place, STRANGER, GROUP, "rooms")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "run this as the user that winlogd runs as: sudo -u" in ended.stderr
    assert set(users(place).values()) == {OWNER}


def shows_nobody(place: Path) -> None:
    ended = run_as(place, STRANGER, GROUP, "who", "--room", "A102")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "winlogd: the readers' log has no row of this: only root and the user that winlogd runs as can write it, and"
        " nothing is shown without a row in the readers' log; run this as the user that winlogd runs as:"
        f" sudo -u '#{OWNER}' winlogd who --room A102\n"
    )


# ── no database that can be read ──────────────────────────────────────────────────────────────────────


def test_a_missing_database_says_what_to_do(tmp_path: Path) -> None:
    for words in (("who",), ("sessions",), ("machines",), ("rooms",), ("user", "a"), ("machine", "a"), ("search", "a")):
        ended = run_to_end(tmp_path, *words)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == (
            f"winlogd: {tmp_path}/data/winlog.db does not exist: name the server's configuration with --config FILE, or"
            " its database with WINLOGD_DATABASE_PATH; the server makes the database at its first start\n"
        )
    assert os.listdir(tmp_path) == []


def test_a_database_that_is_not_upgraded_yet_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(apsw.Connection(str(tmp_path / "data" / "winlog.db"))) as older:
        older.execute("CREATE TABLE events_today (id INTEGER PRIMARY KEY, username, action, timestamp, hostname)")
    ended = run_to_end(tmp_path, "who")
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert line.endswith("has not been upgraded to this version of winlogd yet: start the server, which upgrades it")


def test_a_locked_database_says_so(tmp_path: Path) -> None:
    make(tmp_path)
    database = tmp_path / "data" / "winlog.db"
    with closing(apsw.Connection(str(database))) as other:
        other.execute("PRAGMA journal_mode = DELETE").fetchall()
        other.execute("BEGIN EXCLUSIVE")
        ended = run_to_end(tmp_path, "who")
    assert ended.returncode == 1
    assert ended.stderr == f"winlogd: {database} is locked by another program; run the command again\n"


def test_a_journal_that_a_kill_has_left_says_what_to_do(tmp_path: Path) -> None:
    make(tmp_path)
    database = tmp_path / "data" / "winlog.db"
    with closing(apsw.Connection(str(database))) as other:
        other.execute("PRAGMA journal_mode = DELETE").fetchall()
        other.execute("PRAGMA cache_size = 1")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE events_today SET username = zeroblob(100000)")
        copy = tmp_path / "copy"
        shutil.copytree(database.parent, copy)
        other.execute("ROLLBACK")
    assert (copy / "winlog.db-journal").exists()
    ended = run_to_end(tmp_path, "who", environ={"WINLOGD_DATABASE_PATH": str(copy / "winlog.db")})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "a server was perhaps killed and has left work behind: start it, and it ends that" in ended.stderr


def test_a_server_beside_the_command_goes_on(server: Winlogd, tmp_path: Path) -> None:
    assert server.post(an_event()).status == 200
    environ = {**A_SMALL_DISK_WILL_DO, "COLUMNS": "200"}
    ended = run_to_end(tmp_path, "who", environ=environ)
    assert (ended.returncode, ended.stdout.split()[7:9]) == (0, ["alice", "A102-07"])
    assert server.post(an_event(action="D", timestamp="2026-01-13T10:00:00Z")).status == 200
    assert "nobody was on" in run_to_end(tmp_path, "who").stderr
    assert server.stop() == 0
    assert "WARN" not in server.log
