"""If root runs winlogd, it becomes the owner of the database's folder before it opens any file there."""

import ast
import os
import pwd
import re
import shutil
import sqlite3
import ssl
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.support.activated import activated, open_port
from tests.support.paths import DATA, ROOT
from tests.support.running import PATIENCE_S, Winlogd, an_event, run_to_end, running
from winlogd.daemon.privileges import _LATER

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can give files to another user"),
]

OWNER: Final = 54_321
GROUP: Final = 54_322
"""A user and a group for which this system has no name."""
STRANGER: Final = 54_323
NOBODY: Final = 65_534

SERVICE: Final = f"""
import os, sys, tomllib
from winlogd.cli import main
from winlogd.daemon import privileges
privileges._load_what_comes_later()  # only root can read a Python below /root
os.setgroups(())
os.setgid({GROUP})
os.setuid({OWNER})
sys.exit(main())
"""
"""Run winlogd as the service manager starts it: as the owner of its folder, and never as root."""


@pytest.fixture
def place() -> Iterator[Path]:
    """Make a folder of root that everybody may search, unlike pytest's folders. In it, make `data` for the owner."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        give(folder / "data")
        yield folder


def give(folder: Path, user: int = OWNER, group: int = GROUP) -> None:
    """Make a folder that belongs to this user."""
    folder.mkdir()
    os.chown(folder, user, group)


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the user and the group of each file in a folder."""
    return {path.name: (path.lstat().st_uid, path.lstat().st_gid) for path in folder.iterdir()}


def identities(pid: int) -> set[tuple[str, ...]]:
    """Return the distinct users, groups and supplementary groups of a process' threads (proc(5))."""
    status = [(task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return {tuple(re.findall(r"^(?:Uid|Gid|Groups):\t(.*?) *$", text, re.MULTILINE)) for text in status}


def four(number: int) -> str:
    return "\t".join([str(number)] * 4)


@contextmanager
def service(folder: Path) -> Iterator[Winlogd]:
    """Run a server as the owner of its folder."""
    server = Winlogd(folder)
    server.command = (sys.executable, "-c", SERVICE, "--config", "config.toml")
    try:
        yield server.start()
    finally:
        server.kill()


def fails_with_one_line(folder: Path, pattern: str) -> None:
    """Assert that the server and the command both end with status 1, and say why in one line."""
    (folder / "config.toml").touch()
    for words in ((), ("rotate",)):
        ended = run_to_end(folder, *words)
        assert (ended.returncode, ended.stdout) == (1, "")
        [line] = ended.stderr.splitlines()
        assert re.search(pattern, line)


# ── the server ────────────────────────────────────────────────────────────────────────────────────────


def test_what_root_starts_leaves_nothing_of_roots_in_the_owners_folder(place: Path) -> None:
    with running(place) as server:
        assert server.post(an_event()).status == 200
        names = {"winlog.db", "winlog.db-wal", "winlog.db-shm", "winlog.db.lock", "winlog.db.control"}
        assert owners(place / "data") == dict.fromkeys(names, (OWNER, GROUP))
        assert identities(server.process.pid) == {(four(OWNER), four(GROUP), "")}
        assert "0 rows moved" in server.rotate()
        assert server.stop() == 0
    with service(place) as server:
        assert [row["username"] for row in server.rows()] == ["alice"]
        assert server.post(an_event(username="bob")).status == 200


def test_an_owner_with_a_name_is_become_with_the_groups_of_that_name(place: Path) -> None:
    owner = next(entry for entry in pwd.getpwall() if entry.pw_uid not in (0, NOBODY))
    os.chown(place / "data", owner.pw_uid, GROUP)
    groups = " ".join(map(str, sorted(os.getgrouplist(owner.pw_name, owner.pw_gid))))
    with running(place) as server:
        assert server.post(an_event()).status == 200
        assert identities(server.process.pid) == {(four(owner.pw_uid), four(owner.pw_gid), groups)}
        assert set(owners(place / "data").values()) == {(owner.pw_uid, owner.pw_gid)}


def test_what_only_root_can_have_is_had_before(place: Path) -> None:
    """Only root can read the key of TLS, and only root can bind a port below 1024."""
    for name in ("tls.crt", "tls.key"):
        shutil.copy(DATA / name, place)
        (place / name).chmod(0o600)
    settings = '[server]\ntls_port = 1023\ntls_certificate = "tls.crt"\ntls_key = "tls.key"\n'
    context = ssl.create_default_context(cafile=DATA / "tls.crt")
    context.check_hostname = False
    with running(place, settings) as server:
        server.wait_for_log("listening with TLS address=127.0.0.1 port=1023")
        assert ssl.get_server_certificate(("127.0.0.1", 1023), timeout=PATIENCE_S)
        assert identities(server.process.pid) == {(four(OWNER), four(GROUP), "")}


def test_a_port_of_systemds_stays_with_what_root_has_started(place: Path) -> None:
    with open_port() as port, activated(place, {"http": port}) as server:
        server.start()
        assert server.port == port.getsockname()[1]
        assert server.post(an_event()).status == 200
        assert identities(server.process.pid) == {(four(OWNER), four(GROUP), "")}
        assert set(owners(place / "data").values()) == {(OWNER, GROUP)}


def test_what_is_loaded_at_first_use_works_though_the_owner_cannot_read_it(place: Path) -> None:
    """The requests here need such modules: forwarded addresses, repaired numbers, wrong timestamps, and a listing."""
    with running(place, '[logging]\nlevel = "debug"\n') as server:
        forwarded = {"X-Forwarded-For": "192.0.2.7"}
        assert server.post(an_event(hardware_info={"a": 10**400}), forwarded).status == 200
        assert server.post(an_event(timestamp="now"), forwarded).status == 400
        assert [row["source_ip"] for row in server.request("GET", "/api/v1/sessions/current").json] == ["192.0.2.7"]
        assert server.stop() == 0
        assert "ERROR" not in server.log


def test_all_that_is_loaded_at_first_use_is_loaded_before_the_change() -> None:
    later = set()
    for path in (ROOT / "winlogd").rglob("*.py"):
        functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
        for node in (inner for function in functions for inner in ast.walk(function)):
            if isinstance(node, ast.Import):
                later |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                later.add(node.module)
    known_before = {"tomllib", "pwd", "importlib", "pkgutil"}  # loaded with the configuration, or for the change
    assert {name for name in later if name.partition(".")[0] != "winlogd"} - known_before <= set(_LATER)


def test_a_folder_with_a_very_long_name_works_for_another_owner_too(place: Path) -> None:
    folder = place / ("long" * 40)
    folder.mkdir()
    give(folder / "data")
    with running(folder) as server:
        server.wait_until_it_obeys()
        assert "0 rows moved" in run_to_end(folder, "rotate", "--config", "config.toml").stdout


# ── winlogd rotate ────────────────────────────────────────────────────────────────────────────────────


def test_a_rotation_by_root_alone_leaves_nothing_of_roots(place: Path) -> None:
    with service(place) as server:
        assert server.post(an_event(action="M")).status == 200
        server.execute("UPDATE events_today SET server_timestamp = '2026-01-13T08:00:00+00:00'")
        server.kill()  # leaves a WAL
    (place / "data" / "winlog.db.lock").unlink()
    ended = run_to_end(place, "rotate")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("1 rows moved")
    names = {"winlog.db", "winlog.db.lock", "winlog.db.control"}
    assert owners(place / "data") == dict.fromkeys(names, (OWNER, GROUP))
    with service(place) as server:
        assert server.post(an_event()).status == 200


def test_a_rotation_by_root_is_carried_out_by_the_running_service(place: Path) -> None:
    with service(place) as server:
        assert server.post(an_event()).status == 200
        ended = run_to_end(place, "rotate")
        assert (ended.returncode, ended.stderr) == (0, "")
        server.wait_for_log("rotated moved=0")
        assert set(owners(place / "data").values()) == {(OWNER, GROUP)}


# ── a folder of root's ────────────────────────────────────────────────────────────────────────────────


def test_in_a_folder_of_roots_the_owner_of_the_database_is_become(place: Path) -> None:
    with running(place) as server:
        server.wait_until_open()
        server.stop()
    os.chown(place / "data", 0, GROUP)
    (place / "data").chmod(0o770)
    (place / "data" / "winlog.db.lock").unlink()
    assert run_to_end(place, "rotate").returncode == 0
    assert set(owners(place / "data").values()) == {(OWNER, GROUP)}
    with running(place) as server:
        assert server.post(an_event()).status == 200
        assert set(owners(place / "data").values()) == {(OWNER, GROUP)}


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_of_roots_without_a_database_stays_roots(place: Path, is_there: bool) -> None:
    (place / "data").rmdir()
    if is_there:
        (place / "data").mkdir()
    with running(place) as server:
        assert server.post(an_event()).status == 200
        assert {user for user, _ in (*owners(place).values(), *owners(place / "data").values())} == {0}
        assert identities(server.process.pid) != {(four(OWNER), four(GROUP), "")}
        assert run_to_end(place, "rotate").returncode == 0


# ── what ends the start ───────────────────────────────────────────────────────────────────────────────


def test_an_owner_that_the_system_does_not_know_ends_it(place: Path) -> None:
    os.chown(place / "data", NOBODY, GROUP)
    fails_with_one_line(
        place, f"winlogd runs as root, and {place}/data belongs to user 65534, which stands for an owner"
    )
    assert owners(place / "data") == {}


@pytest.mark.parametrize("right", ["setuid", "setgid"])
def test_a_change_that_is_refused_ends_it(place: Path, right: str) -> None:
    server = Winlogd(place)
    server.command = ("setpriv", f"--bounding-set=-{right}", f"--inh-caps=-{right}", *server.command)
    server.spawn()
    assert server.wait() == 1
    [line] = server.log.splitlines()
    assert f"{place}/data belongs to user {OWNER}, and winlogd cannot become that user: Operation not permitted" in line
    assert owners(place / "data") == {}


@pytest.mark.parametrize("linked", ["data", "data/winlog.db"])
@pytest.mark.parametrize("planter", [OWNER, STRANGER])
def test_a_planted_link_does_not_make_root_open_what_is_not_the_planters(
    place: Path, linked: str, planter: int
) -> None:
    (place / "roots").mkdir()
    with closing(sqlite3.connect(place / "roots" / "winlog.db")) as database:
        database.execute("CREATE TABLE mine (x)")
    before = (place / "roots" / "winlog.db").read_bytes()
    if linked == "data":
        (place / "data").rmdir()
        (place / "data").symlink_to("roots")
    else:
        (place / linked).symlink_to(place / "roots" / "winlog.db")
    os.chown(place / linked, planter, GROUP, follow_symlinks=False)

    fails_with_one_line(
        place, f"{place}/{linked} is a symbolic link of user {planter}, who is neither root nor the owner"
    )

    assert os.listdir(place / "roots") == ["winlog.db"]
    assert (place / "roots" / "winlog.db").read_bytes() == before


@pytest.mark.parametrize("owner", [OWNER, 0])
def test_a_planted_link_in_the_place_of_the_lock_makes_no_file_elsewhere(place: Path, owner: int) -> None:
    (place / "roots").mkdir()
    with running(place) as server:
        server.wait_until_open()
        server.stop()
    lock = place / "data" / "winlog.db.lock"
    lock.unlink()
    lock.symlink_to(place / "roots" / "made")
    os.chown(lock, OWNER, GROUP, follow_symlinks=False)
    for path in (place / "data", place / "data" / "winlog.db"):
        os.chown(path, owner, -1)

    fails_with_one_line(place, "the database's folder cannot be used: Too many levels of symbolic links: .*lock")

    assert os.listdir(place / "roots") == []


def test_roots_own_link_is_followed_and_the_owner_of_what_it_leads_to_is_become(place: Path) -> None:
    (place / "data").rename(place / "elsewhere")
    (place / "data").symlink_to("elsewhere")
    with running(place) as server:
        assert server.post(an_event()).status == 200
        assert set(owners(place / "elsewhere").values()) == {(OWNER, GROUP)}
        assert run_to_end(place, "rotate").returncode == 0


def test_root_imports_a_file_of_its_own_and_exports_into_a_folder_of_its_own(place: Path) -> None:
    """Only root can read and write there; the database's files stay the owner's."""
    with running(place) as server:
        server.post(an_event())
        server.stop()
    own = place / "roots"
    own.mkdir(mode=0o700)
    shutil.copy(DATA / "older.db", own / "old.db")
    (own / "old.csv").write_text("\ufeffusername,action,timestamp\nzoe,C,2026-01-13T08:00:00Z\n", "utf-8")
    (own / "old.db").chmod(0o600)
    assert run_to_end(place, "import", "roots/old.db", "--yes").stdout.startswith("50 rows imported")
    assert run_to_end(place, "import", "roots/old.csv", "--yes").stdout.startswith("1 rows imported")
    for form in ("csv", "jsonl", "sqlite"):
        words = ("export", "--events", "--format", form, "--output", f"roots/out.{form}", "--reason", "x")
        done = run_to_end(place, *words)
        assert (done.returncode, done.stderr) == (0, f"52 events written to roots/out.{form}; C: 31, D: 18, M: 3\n")
    assert len((own / "out.jsonl").read_text("utf-8").splitlines()) == 52
    refused = run_to_end(place, "export", "--room", "nowhere", "--output", "roots/no.csv")
    assert refused.stderr == "winlogd: --room: is not a known room\n"
    assert not list(own.glob("no.csv*"))
    assert set(owners(own).values()) == {(0, 0)}
    assert set(owners(place / "data").values()) == {(OWNER, GROUP)}
