"""``winlogd token`` with a running server and without one, and the looks of commands."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.daemon.test_privileges import GROUP, OWNER, give, owners
from tests.support.readers import add_reader, ask, looks, token
from tests.support.running import an_event, run_to_end, running
from winlogd.commands.readers_file import login_user, note_look
from winlogd.config.load import load

pytestmark = pytest.mark.long  # each command is a process

ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can give files to another user")


@pytest.fixture(params=["with a server", "without a server"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder with a database, which a server uses or not."""
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        if request.param == "without a server":
            assert server.stop() == 0
        yield tmp_path


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "data" / "winlog.access")) as connection:
        return connection.execute(sql).fetchall()


def refused(folder: Path, *words: str, status: int = 1) -> str:
    """Return the one line with which a command ends that is not carried out."""
    ended = run_to_end(folder, "token", *words)
    assert (ended.returncode, ended.stdout) == (status, "")
    return ended.stderr.splitlines()[0]


def listed(folder: Path) -> dict[str, list[str]]:
    """Return the cells of ``token list`` by name."""
    lines = [re.split(r" {2,}", line) for line in token(folder, "list").splitlines()]
    return {line[0]: line[1:] for line in lines[1:]}


def test_a_token_is_shown_once_and_only_its_hash_is_kept(folder: Path) -> None:
    first = run_to_end(folder, "token", "add", "Frau Meier", "--scope", "now")
    assert first.returncode == 0
    assert re.fullmatch(r"[0-9a-f]{32}\n", first.stdout)
    [line] = first.stderr.splitlines()
    assert "This is the first reader" in line
    assert "security.read_networks" in line
    second = run_to_end(folder, "token", "add", "wall", "--scope", "wall", "--rooms", "A1*")
    assert second.stderr == ""
    assert second.stdout != first.stdout
    assert first.stdout.strip() not in token(folder, "list")
    octets = b"".join(path.read_bytes() for path in (folder / "data").glob("winlog.access*"))
    assert sha256(first.stdout.strip().encode()).digest() in octets
    assert first.stdout.strip().encode() not in octets


def test_readers_are_listed_with_what_became_of_them(folder: Path) -> None:
    assert token(folder, "list") == "nobody has a token; winlogd token add makes one\n"
    add_reader(folder, "Frau Meier", "--scope", "now", "--expires", "2099-12-31")
    add_reader(folder, "wall", "--scope", "wall", "--rooms", "A1*")
    assert token(folder, "revoke", "WALL") == "wall is revoked; its token is not valid any more\n"
    found = listed(folder)
    assert found["Frau Meier"][0] == "now"
    assert found["Frau Meier"][-1] == "valid"
    assert any(cell.startswith("2099-12-31T23:59:59") for cell in found["Frau Meier"])
    assert found["wall"][:2] == ["wall", "A1*"]
    assert found["wall"][-1] == "revoked"


def test_a_name_is_never_used_again(folder: Path) -> None:
    add_reader(folder, "wall", "--scope", "wall")
    assert "the name 'wall' is in use" in refused(folder, "add", "Wall", "--scope", "all")
    token(folder, "revoke", "wall")
    assert "a name is never used again" in refused(folder, "add", "wall", "--scope", "wall")
    assert "is revoked already" in refused(folder, "revoke", "wall")
    assert "there is no reader 'nobody'" in refused(folder, "revoke", "nobody")


def test_a_code_has_eight_characters_and_ends_after_ten_minutes(folder: Path) -> None:
    add_reader(folder, "wall", "--scope", "wall")
    codes = [token(folder, "pair", "wall") for _ in range(2)]
    assert all(re.fullmatch(r"[2-9A-HJ-NP-Z]{8}  \(valid once, for 10 minutes\)\n", code) for code in codes)
    assert codes[0] != codes[1]
    assert "no valid reader 'nobody'" in refused(folder, "pair", "nobody")


def test_a_code_is_kept_as_its_hash(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        add_reader(tmp_path, "wall", "--scope", "wall")
        code = token(tmp_path, "pair", "wall")[:8]
        assert server.stop() == 0
    [(kept, lasts_us)] = rows(tmp_path, "SELECT code, ends_us - created_us FROM codes JOIN readers ON number = reader")
    assert kept == sha256(code.encode()).digest()
    assert isinstance(lasts_us, int)
    assert 600e6 <= lasts_us < 700e6


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ((), "the following arguments are required: action"),
        (("burn",), "invalid choice: 'burn'"),
        (("add",), "add needs a NAME"),
        (("add", "x"), "add needs --scope: one of wall, metrics, now, all, audit"),
        (("add", "x", "--scope", "everything"), "invalid choice: 'everything'"),
        (("add", "x", "--scope", "network"), "invalid choice: 'network'"),
        (("add", "x", "--scope", "all", "--rooms", "A*"), "--rooms goes with --scope wall alone"),
        (("add", "x", "--scope", "wall", "--rooms", "*****"), "--rooms: '*****' has more than 4 stars"),
        (("add", "x", "--scope", "all", "--expires", "2000-01-01"), "--expires must be in the future"),
        (("add", "x", "--scope", "all", "--expires", "soon"), "--expires: A time is RFC 3339"),
        (("add", "x", "--scope", "all", "--json"), "add does not take --json"),
        (("add", "a:b", "--scope", "all"), "NAME must have no colon"),
        (("add", " x", "--scope", "all"), "NAME must have no colon, and no space at its ends"),
        (("add", "", "--scope", "all"), "NAME must have 1 to 64 visible characters"),
        (("add", "x", "--scope", "wall", "--rooms", "x" * 65), "--rooms must have 1 to 64 visible characters"),
        (("revoke", "\udcff"), "NAME must have 1 to 64 visible characters"),
        (("log", "--reader", "\x1b[2J"), "--reader must have 1 to 64 visible characters"),
        (("add", "x\ny", "--scope", "all"), "NAME must have"),
        (("add", "x" * 65, "--scope", "all"), "NAME must have"),
        (("add", "Loopback", "--scope", "all"), "stands in the readers' log"),
        (("add", "network", "--scope", "all"), "stands in the readers' log"),
        (("list", "x"), "list takes no NAME"),
        (("revoke",), "revoke needs a NAME"),
        (("log", "--since", "tomorow"), "--since: A time is RFC 3339"),
        (("pair", "x", "--scope", "wall"), "pair does not take --scope"),
    ],
)
def test_a_wrong_command_line_is_told_and_nothing_is_done(words: tuple[str, ...], fault: str, tmp_path: Path) -> None:
    assert fault in refused(tmp_path, *words, status=2)
    assert list(tmp_path.iterdir()) == []


def test_without_a_database_there_is_nobody_to_read(tmp_path: Path) -> None:
    assert refused(tmp_path, "list").endswith("winlog.db does not exist: nothing to read yet")


def test_a_change_counts_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        assert ask(server, "/api/v1/rooms").status == 200
        secret = add_reader(tmp_path, "alice", "--scope", "all")
        assert ask(server, "/api/v1/rooms").status == 403
        assert ask(server, "/api/v1/rooms", secret).status == 200
        assert not re.search(r"never +valid", token(tmp_path, "list"))
        token(tmp_path, "revoke", "alice")
        assert ask(server, "/api/v1/rooms", secret).status == 403
        assert ask(server, "/api/v1/rooms").status == 403  # a reader was added, once


def test_what_was_added_without_a_server_counts_for_the_next_one(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        assert server.stop() == 0
        secret = add_reader(tmp_path, "alice", "--scope", "all")
        server.restart()
        server.wait_until_it_obeys()
        assert ask(server, "/api/v1/rooms").status == 403
        assert ask(server, "/api/v1/rooms", secret).status == 200


def test_the_log_is_shown_newest_first_and_whole(folder: Path) -> None:
    config = load(str(folder / "config.toml"), {})
    for number in range(3):
        note_look(config, "user", f"user={number}")
    assert [row["filter"] for row in looks(folder)] == ["user=2", "user=1", "user=0"]
    lines = token(folder, "log").splitlines()
    assert lines[0].split("  ")[1:] == [f"user:{login_user()}", "user", "user=2", "command"]
    assert looks(folder, "--reader", "nobody") == []
    assert looks(folder, "--since", "2099-01-01") == []
    assert len(looks(folder, "--since", "today")) == 3


def test_a_row_of_a_command_is_cut_to_what_an_order_can_hold(folder: Path) -> None:
    config = load(str(folder / "config.toml"), {})
    for text in ("\x1b" * 2000, "\U0001f600" * 2000, "\udcff" * 2000, "user=alice"):
        note_look(config, "user", text)
    found = [row["filter"] for row in looks(folder)]
    assert found == ["user=alice", " " * 600, "\U0001f600" * 150, " " * 600]


def test_a_long_log_is_shown_whole(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        ask(server, "/api/v1/stats")
        assert server.stop() == 0
    numbers = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)"
    many = f"{numbers} SELECT i, 'x', 'user', 'user=' || i, '' FROM n"
    with closing(sqlite3.connect(tmp_path / "data" / "winlog.access")) as connection, connection:
        connection.execute(f"INSERT INTO looks (at_us, reader, kind, filter, address) {many}")
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        found = [row["filter"] for row in looks(tmp_path, "--reader", "x")]
        assert found == [f"user={number}" for number in range(1700, 0, -1)]


def test_text_from_outside_cannot_control_a_terminal(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        ask(server, "/api/v1/users/%1B%5B2Jx%0Ay")
        assert "\x1b" not in token(tmp_path, "log")
        assert len(token(tmp_path, "log").splitlines()) == 1


def test_a_file_that_cannot_be_used_is_told(folder: Path) -> None:
    (folder / "data" / "winlog.access").write_bytes(os.urandom(9_000))
    for words in (("list",), ("add", "x", "--scope", "all")):
        assert "winlog.access is damaged" in refused(folder, *words)


@pytest.mark.parametrize("environ", [{}, {"SUDO_USER": "jeanne"}])
def test_the_login_user_is_the_one_of_the_login_then_sudos_then_the_process(environ: dict[str, str]) -> None:
    program = "from winlogd.commands.readers_file import login_user; print(login_user())"
    env = {key: value for key, value in os.environ.items() if key != "SUDO_USER"} | environ
    shown = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True).stdout
    has_login = int(Path("/proc/self/loginuid").read_text()) != 2**32 - 1
    assert has_login or not environ or shown == "jeanne\n"
    assert shown.strip()


# ── root, and the folder of another user ──────────────────────────────────────────────────────────────


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may search. In it, `data` belongs to another user than root."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        give(folder / "data")
        yield folder


@ONLY_ROOT
def test_root_leaves_nothing_of_roots_in_the_owners_folder(place: Path) -> None:
    with running(place) as server:
        server.wait_until_it_obeys()
        add_reader(place, "one", "--scope", "all")
        assert set(owners(place / "data").values()) == {(OWNER, GROUP)}
        assert server.stop() == 0
    (place / "data" / "winlog.access").unlink()
    add_reader(place, "two", "--scope", "all")
    assert owners(place / "data")["winlog.access"] == (OWNER, GROUP)


@ONLY_ROOT
def test_a_file_that_the_server_may_not_read_closes_reading_and_not_the_collector(place: Path) -> None:
    (place / "data" / "winlog.access").touch(0o600)
    with running(place) as server:
        server.wait_until_it_obeys()
        assert ask(server, "/api/v1/sessions").status == 503
        assert server.post(an_event()).status == 200
        server.wait_for_log("ERROR the readers' file cannot be used; nobody reads cause=.*winlog.access")
        assert "Traceback" not in server.log
    assert owners(place / "data")["winlog.access"] == (0, 0)
