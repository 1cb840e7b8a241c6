"""What a reload reads, what it reports, and what it leaves as it was."""

import json
import os
import re
import shutil
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.daemon.test_privileges import give
from tests.support.locks import locked_before_the_start
from tests.support.paths import DATA
from tests.support.reloading import hang_up, reload, write
from tests.support.running import CLIENT_HEADERS, PATIENCE_S, Winlogd, a_steady_port, an_event, running, wait_for
from winlogd.config.sections import Config, Database, Limits, Rooms, Security, Server
from winlogd.daemon.differences import changed, in_force

pytestmark = pytest.mark.long

TOKEN, OTHER = "the-token-of-the-old-year", "the-token-of-the-new-year"
LIST: Final = "hostname,room\nA102-07,Blue\n"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can give files to another user")


# ── which options ─────────────────────────────────────────────────────────────────────────────────────


def test_the_options_that_differ_are_named_in_the_order_of_the_sections() -> None:
    config = Config(
        security=Security(ingest_token=TOKEN),
        rooms=Rooms(patterns=(("Blue", ("A-*",)),), aliases=(("Red", "Blue"),), list_text=LIST),
        limits=Limits(body=2000),
    )
    names = ["security.ingest_token", "[rooms]", "rooms.aliases", "rooms.rooms_file", "limits.body"]
    assert changed(Config(), config) == names
    assert changed(config, config) == []


def test_a_running_server_keeps_its_ports_its_database_and_its_places() -> None:
    read = Config(
        server=Server(host="::1", port=1, max_connections=2, event_timeout=3.0, timezone="UTC"),
        database=Database(path="/other.db", pragma_cache_size=7),
        limits=Limits(body=2000),
    )
    taken = in_force(Config(), read)
    assert changed(Config(), taken) == ["server.timezone", "limits.body"]
    assert changed(taken, read) == [
        *("server.host", "server.port", "server.max_connections", "server.event_timeout"),
        *("database.path", "database.pragma_cache_size"),
    ]


@pytest.mark.parametrize(
    ("running_port", "port", "is_taken"), [(1, 1, True), (1, 2, True), (0, 1, False), (1, 0, False)]
)
def test_a_certificate_can_change_where_there_is_a_port_with_tls(running_port: int, port: int, is_taken: bool) -> None:
    before = Config(server=Server(tls_port=running_port, tls_certificate="/a"))
    after = Config(server=Server(tls_port=port, tls_certificate="/b"))
    assert in_force(before, after).server == before.server.replaced(tls_certificate="/b" if is_taken else "/a")


# ── a wrong file ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("[limits]\nbody = 1\nbodi = 2\n", r"ERROR .*limits\.body = 1: .*\n.*ERROR .*limits\.bodi.*\n.*faults=2"),
        ("[limits\n", r"ERROR .*is not valid TOML.*\n.*faults=1"),
        ('[rooms]\nrooms_file = "absent.csv"\n', r"ERROR .*rooms\.rooms_file.*No such file.*\n.*faults=1"),
        ('[rooms.aliases]\n"A" = "B"\n"B" = "A"\n', r"ERROR .*\[rooms\.aliases\].*\n.*faults=1"),
        ('[security]\ningest_token_file = "absent"\n', r"ERROR .*ingest_token_file.*No such file.*\n.*faults=1"),
    ],
)
def test_a_wrong_file_keeps_the_old_configuration(settings: str, fault: str, tmp_path: Path) -> None:
    old = f'[security]\ningest_token = "{TOKEN}"\n'
    with running(tmp_path, old) as server:
        assert "has faults; the old one stays in force" in reload(server, settings)
        assert re.search(fault, server.log)
        assert server.post(an_event()).status == 403
        assert server.post(an_event(), {"Authorization": f"Bearer {TOKEN}"}).status == 200
        assert "changed=nothing" in reload(server, old)


def test_without_its_file_a_server_keeps_what_it_has(tmp_path: Path) -> None:
    with running(tmp_path, f'[security]\ningest_token = "{TOKEN}"\n') as server:
        (tmp_path / "config.toml").unlink()
        assert "has faults" in hang_up(server)
        assert "No such file" in server.log
        assert server.post(an_event()).status == 403
        assert "changed=security.ingest_token" in reload(server, "")
        assert server.post(an_event()).status == 200


def test_the_file_that_was_found_in_the_working_directory_is_read_again(tmp_path: Path) -> None:
    server = Winlogd(tmp_path, "")
    server.command = server.command[:-2]
    try:
        server.start()
        assert "changed=limits.body" in reload(server, "[limits]\nbody = 2000\n")
        (tmp_path / "config.toml").unlink()
        assert "has faults" in hang_up(server)
    finally:
        server.kill()


def test_the_environment_still_overrides_the_file(tmp_path: Path) -> None:
    with running(tmp_path, environ={"WINLOGD_LIMITS_BODY": "5000"}) as server:
        assert "changed=limits.headers" in reload(server, "[limits]\nbody = 2000\nheaders = 3000\n")


def test_what_needs_a_restart_is_named_each_time_until_it_is_taken_back(server: Winlogd) -> None:
    settings = '[server]\nhost = "127.0.0.2"\n[database]\npath = "other.db"\n[limits]\nbody = 2000\n'
    assert "changed=limits.body" in reload(server, settings)
    assert "changed=nothing" in hang_up(server)
    line = 'WARN some changed options need a restart of winlogd options="server.host database.path backup.folder"'
    wait_for(lambda: server.log.count(line) == 2, "both lines", server.process)
    assert "changed=limits.body" in reload(server, "")
    assert server.post(an_event()).status == 200
    assert server.stop() == 0
    assert server.log.count("need a restart") == 2


def test_what_is_allowed_but_will_hurt_is_a_warning_as_at_the_start(server: Winlogd) -> None:
    reload(server, "[security]\ningest_networks = []\n")
    server.wait_for_log(r"WARN \"security\.ingest_networks = \[\]: nobody may send events")


# ── when ──────────────────────────────────────────────────────────────────────────────────────────────


def test_of_many_signals_at_once_the_last_one_finds_the_last_file(server: Winlogd) -> None:
    for body in range(2020, 1999, -1):
        write(server, f"[limits]\nbody = {body}\n")
        server.process.send_signal(signal.SIGHUP)
    event = json.dumps(an_event()).encode()

    def is_in_force() -> bool:
        return server.request("POST", "/api/v1/events", event.ljust(2001), CLIENT_HEADERS).status == 413

    wait_for(is_in_force, "the last file", server.process)
    assert server.request("POST", "/api/v1/events", event.ljust(2000), CLIENT_HEADERS).status == 200
    assert "ERROR" not in server.log


def test_a_signal_while_the_database_is_locked_is_obeyed_at_once(tmp_path: Path) -> None:
    with locked_before_the_start(tmp_path) as other, running(tmp_path) as server:
        settings = f'[security]\ningest_token = "{TOKEN}"\n[rotation]\nat = "02:00"\n'
        assert "changed=" in reload(server, settings)
        assert server.post(an_event()).status == 403
        other.execute("COMMIT")
        assert server.post(an_event(), {"Authorization": f"Bearer {TOKEN}"}).status == 200
        server.wait_until_settled()


def test_a_signal_during_a_stop_delays_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_open()
        server.process.send_signal(signal.SIGHUP)
        server.process.send_signal(signal.SIGTERM)
        for _ in range(50):
            server.process.send_signal(signal.SIGHUP)
        assert server.wait() == 0
        assert "Traceback" not in server.log


def test_a_file_that_hangs_holds_up_neither_the_events_nor_a_stop(tmp_path: Path) -> None:
    """A pipe in place of the file is refused without waiting; a disk that hangs is the thread's own matter."""
    with running(tmp_path) as server:
        (tmp_path / "config.toml").unlink()
        os.mkfifo(tmp_path / "config.toml")
        assert "has faults" in hang_up(server)
        assert server.post(an_event()).status == 200
        assert server.stop() == 0


# ── what only root can read ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def place() -> Iterator[Path]:
    """Make a folder of root that everybody may search. In it, make `data` for another user."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        give(folder / "data")
        yield folder


@needs_root
def test_what_only_root_can_read_keeps_its_content_and_the_rest_changes(place: Path) -> None:
    port = a_steady_port()
    for name, text in (("token", TOKEN), ("rooms.csv", LIST)):
        (place / name).write_text(text)
    for name in ("tls.crt", "tls.key"):
        shutil.copy(DATA / name, place)
    for name in ("token", "rooms.csv", "tls.key"):
        (place / name).chmod(0o600)
    settings = (
        f'[server]\ntls_port = {port}\ntls_certificate = "tls.crt"\ntls_key = "tls.key"\n'
        '[security]\ningest_token_file = "token"\n[rooms]\nrooms_file = "rooms.csv"\n'
    )
    authorized = {"Authorization": f"Bearer {TOKEN}"}
    with running(place, settings) as server:
        (place / "token").write_text(OTHER)
        for name in ("crt", "key"):
            (place / f"tls.{name}").write_bytes((DATA / f"tls-renewed.{name}").read_bytes())
        line = reload(server, settings + "[limits]\nbody = 2000\n")
        assert line.endswith("changed=limits.body")
        for option in ("security.ingest_token_file", "rooms.rooms_file", "server.tls_key"):
            server.wait_for_log(
                "WARN only root can read this file; what it held at the start stays until a restart"
                rf" option={option} path={place}"
            )
        assert server.post(an_event(), authorized).status == 200
        assert len(server.request("GET", "/api/v1/sessions/current?room=Blue").json) == 1
        assert ssl.get_server_certificate(("127.0.0.1", port), timeout=PATIENCE_S).split() == (
            ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert((DATA / "tls.crt").read_text())).split()
        )

        (place / "token").chmod(0o644)
        assert "changed=security.ingest_token" in hang_up(server)
        assert server.post(an_event(), authorized).status == 403


@needs_root
def test_another_file_that_only_root_can_read_is_a_fault(place: Path) -> None:
    for name in ("token", "other"):
        (place / name).write_text(TOKEN)
        (place / name).chmod(0o600)
    with running(place, '[security]\ningest_token_file = "token"\n') as server:
        assert "has faults" in reload(server, '[security]\ningest_token_file = "other"\n')
        server.wait_for_log("ingest_token_file.*Permission denied")
        (place / "config.toml").chmod(0o600)
        assert "has faults" in hang_up(server)
        server.wait_for_log("config.toml: cannot be read: Permission denied")
        assert server.post(an_event(), {"Authorization": f"Bearer {TOKEN}"}).status == 200
