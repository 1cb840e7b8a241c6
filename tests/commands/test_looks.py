"""The looks of commands: each one that shows people or the past makes a row in the readers' log, or shows nothing."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.support.commands import Ended
from tests.support.readers import looks
from tests.support.running import PATIENCE_S, Winlogd, running
from tests.support.small_site import HOSTILE, READING, SETTINGS, make_site, run
from tests.system.test_life import files_end_at
from winlogd.commands.readers_file import login_user
from winlogd.control.address import bind_control, path_of
from winlogd.store.access_file.file import AccessFile
from winlogd.store.access_file.orders import work_of
from winlogd.store.access_file.tables import access_path

pytestmark = pytest.mark.long  # each command is a process

OWNER: Final = 54_321
GROUP: Final = 54_322

ROWS: Final = {
    ("who",): ("sessions", "at=now"),
    ("who", "--room", "A102", "--at", "yesterday 10:15"): ("sessions", "room=A102 at=yesterday 10:15"),
    ("who", "--csv"): ("sessions", "at=now"),
    ("sessions",): ("sessions", ""),
    ("sessions", "--user", "alice", "--from", "monday", "--limit", "3"): ("sessions", "user=alice from=monday"),
    ("sessions", "--json", "--ended-by", "auto,expired"): ("sessions", "ended_by=auto,expired"),
    ("machines",): ("machines", ""),
    ("machines", "--room", "A102", "--unseen", "10"): ("machines", "room=A102 unseen=10"),
    ("user", "alice"): ("user", "username=alice"),
    ("machine", "A102-08"): ("machine", "hostname=A102-08"),
    ("search", "A102", "hier"): ("search", "q=A102 hier"),
}
"""The kind and the filter of the row that a command makes."""


@pytest.fixture(scope="module", params=["with a server", "without a server"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site, which a server uses or not."""
    made = make_site(tmp_path_factory.mktemp("site"))
    if request.param == "without a server":
        yield made
        return
    with running(made, SETTINGS) as server:
        server.wait_until_it_obeys()
        yield made


def fails(ended: Ended) -> str:
    """Assert that a command has shown nothing of the past, and return why."""
    assert (ended.status, ended.out) == (1, "")
    [line] = ended.notes
    assert not any(name in line for name in ("alice", "bob", "zoe", *HOSTILE))
    assert line.endswith("nothing is shown without a row in the readers' log")
    return line


@pytest.mark.parametrize("words", ROWS, ids=" ".join)
def test_a_command_that_shows_people_or_the_past_makes_a_row(words: tuple[str, ...], folder: Path) -> None:
    before = looks(folder)
    assert run(folder, *words).status == 0
    kind, filters = ROWS[words]
    row = {"reader": f"user:{login_user()}", "kind": kind, "filter": filters, "address": "command"}
    assert looks(folder) == [row, *before]


def test_every_command_that_reads_is_a_look_but_rooms() -> None:
    assert {words[0] for words in ROWS} == {words[0] for words in READING} - {"rooms"}


def test_rooms_and_a_wrong_command_line_make_no_row(folder: Path) -> None:
    before = looks(folder)
    assert run(folder, "rooms").status == 0
    assert run(folder, "sessions", "--state", "opened").status == 2
    assert looks(folder) == before


def test_a_look_that_finds_nothing_is_a_look(folder: Path) -> None:
    assert run(folder, "user", "nobody").status == 1
    assert run(folder, "who", "--room", "nowhere").status == 2
    assert [row["filter"] for row in looks(folder)][:2] == ["room=nowhere at=now", "username=nobody"]


def test_commands_at_the_same_time_make_a_row_each(folder: Path) -> None:
    names = [f"user{number}" for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        ended = list(pool.map(lambda name: run(folder, "sessions", "--user", name), names))
    assert [each.status for each in ended] == [0] * len(names), [each.notes for each in ended]
    assert sorted(row["filter"] for row in looks(folder)[: len(names)]) == [f"user={name}" for name in names]


@pytest.mark.parametrize("words", [words for words in READING if words[0] != "rooms"], ids=" ".join)
@pytest.mark.parametrize("with_server", [True, False])
def test_without_a_row_a_command_shows_nothing(words: tuple[str, ...], with_server: bool, tmp_path: Path) -> None:
    make_site(tmp_path)
    (tmp_path / "data" / "winlog.access").write_bytes(os.urandom(10_000))
    if not with_server:
        assert "winlog.access is damaged" in fails(run(tmp_path, *words))
        assert run(tmp_path, "rooms").status == 0
        return
    with running(tmp_path, SETTINGS) as server:
        server.wait_until_it_obeys()
        assert "the readers' log cannot be written; winlogd's log says why" in fails(run(tmp_path, *words))
        server.wait_for_log(
            "ERROR the readers' file cannot be written; the past is closed cause=.*winlog.access is damaged"
        )
        assert run(tmp_path, "rooms").status == 0


def test_on_a_full_disk_a_command_of_a_running_server_shows_nothing(tmp_path: Path) -> None:
    make_site(tmp_path)
    with running(tmp_path, SETTINGS) as server:
        server.wait_until_it_obeys()
        assert run(tmp_path, "who").status == 0
        wal = tmp_path / "data" / "winlog.access-wal"
        files_end_at(server, wal.stat().st_size)
        assert "the readers' log cannot be written" in fails(run(tmp_path, "who"))
        files_end_at(server, 1 << 40)
        assert run(tmp_path, "who").status == 0


def test_a_server_that_starts_meanwhile_is_not_held_up(tmp_path: Path) -> None:
    """A command without a server writes its row while it does not own the database."""
    make_site(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        commands = [pool.submit(run, tmp_path, "who") for _ in range(6)]
        for _ in range(3):
            with running(tmp_path, SETTINGS) as server:
                server.wait_until_it_obeys()
                assert server.stop() == 0
        shown = [each.result() for each in commands]
    assert [each.status for each in shown] == [0] * len(shown), [each.notes for each in shown]
    assert len(looks(tmp_path)) == len(shown)


def test_a_server_that_ends_before_it_has_answered_makes_one_row_with_the_command(tmp_path: Path) -> None:
    """The command cannot know if the server has written the row, and writes it again."""
    database = str(make_site(tmp_path) / "data" / "winlog.db")
    with closing(bind_control(path_of(database))) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(PATIENCE_S)
        command = pool.submit(run, tmp_path, "user", "alice")
        connection, _ = listener.accept()
        with closing(connection):
            order = json.loads(connection.recv(4096))
            with closing(AccessFile(access_path(database))) as file:
                file.run([work_of(order, time.time_ns() // 1000)])
        assert command.result().status == 0
    assert [row["filter"] for row in looks(tmp_path)] == ["username=alice"]


@pytest.mark.parametrize(("names", "shown"), [("true", ' filter="username=alice"'), ("false", "")])
def test_a_look_of_a_command_is_in_the_servers_log_too(names: str, shown: str, tmp_path: Path) -> None:
    make_site(tmp_path)
    with running(tmp_path, f"{SETTINGS}[logging]\nnames = {names}\n") as server:
        server.wait_until_it_obeys()
        assert run(tmp_path, "user", "alice").status == 0
        reader = f"user:{login_user()}"
        server.wait_for_log(f" looked reader={reader} kind=user{shown} address=command\n")


def test_the_look_of_a_command_removes_the_rows_that_are_too_old(tmp_path: Path) -> None:
    """Only a running server does that: a command may have another configuration than the server."""
    make_site(tmp_path)
    for name in ("old", "newer"):
        assert run(tmp_path, "sessions", "--user", name).status == 0
    with closing(sqlite3.connect(tmp_path / "data" / "winlog.access")) as connection, connection:
        for name, days in (("old", 8), ("newer", 6)):
            at_us = time.time_ns() // 1000 - days * 86_400_000_000
            connection.execute("UPDATE looks SET at_us = ? WHERE filter = ?", (at_us, f"user={name}"))
    assert run(tmp_path, "sessions", "--user", "alone").status == 0
    assert [row["filter"] for row in looks(tmp_path)] == ["user=alone", "user=newer", "user=old"]
    with running(tmp_path, f"{SETTINGS}[privacy]\naudit_days = 7\n") as server:
        server.wait_until_it_obeys()
        assert run(tmp_path, "sessions", "--user", "newest").status == 0
        assert [row["filter"] for row in looks(tmp_path)] == ["user=newest", "user=alone", "user=newer"]


# ── who it was ────────────────────────────────────────────────────────────────────────────────────────


def test_the_reader_is_the_user_behind_sudo(folder: Path) -> None:
    """The kernel's login user comes first. Where no login has started the tests, there is none."""
    ended = run(folder, "who", SUDO_USER="jeanne")
    assert ended.status == 0
    has_login = int(Path("/proc/self/loginuid").read_text()) != 2**32 - 1
    assert looks(folder)[0]["reader"] == (f"user:{login_user()}" if has_login else "user:jeanne")


@pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can give files to another user")
@pytest.mark.parametrize("with_server", [True, False])
def test_the_reader_is_noted_before_root_becomes_the_owner(with_server: bool) -> None:
    with TemporaryDirectory() as name:
        place = make_site(Path(name))
        place.chmod(0o755)
        for path in (place / "data", *(place / "data").iterdir()):
            os.chown(path, OWNER, GROUP)
        server = Winlogd(place, SETTINGS)
        if with_server:
            server.start()
            server.wait_until_it_obeys()
        try:
            assert run(place, "who").status == 0
            assert [row["reader"] for row in looks(place)] == [f"user:{login_user()}"]
            assert {path.stat().st_uid for path in (place / "data").iterdir()} == {OWNER}
        finally:
            if with_server:
                server.kill()


def test_a_command_that_shows_nobody_loads_no_writer(folder: Path) -> None:
    """``winlogd rooms`` writes nothing, so it needs no right to write."""
    program = (
        "import sys; from winlogd.cli import main; sys.argv[1:] = ['rooms']; main();"
        " print('apsw' in sys.modules, 'winlogd.store.access_file.file' in sys.modules)"
    )
    env = {**os.environ, "WINLOGD_LIMITS_MIN_FREE_DISK": "0"}
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=env, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "True False"
