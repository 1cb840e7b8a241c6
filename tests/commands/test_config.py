"""`winlogd config`: which value each option has, and where it comes from. What it prints can be read back."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.reloading import reload, write
from tests.support.running import A_SMALL_DISK_WILL_DO, Winlogd, run_to_end, running
from winlogd.config.load import load
from winlogd.config.sections import SECTIONS

SECRET: Final = "a-token-that-nobody-must-see"
FULL: Final = f"""\
[server]
event_paths = [
    "/api/v1/events",
    "/index.php",
]
timezone = "Europe/Paris"
[security]
ingest_token = "{SECRET}"
read_networks = ["192.0.2.0/24"]
[retention]
history_days = 365
[rooms]
"Salle n° 1" = ["S1-*"]
A102 = ["A102-*", "B\\\\102-*"]
[rooms.aliases]
"old \\"name\\"" = "A102"
[sessions]
closing = "19:00"
[sessions.closing_exceptions]
2026-07-14 = ""
[periods]
M1 = "08:00-09:00"
"""
ENVIRON: Final = {"WINLOGD_LOGGING_LEVEL": "debug"}
HANGING_FILE: Final = """
import sys, time
from winlogd.daemon import in_force
def hang(*values):
    print("the file hangs", file=sys.stderr, flush=True)
    time.sleep(600)
in_force.fields_of = hang
from winlogd.cli import main
sys.exit(main())
"""
"""winlogd, whose configuration is on a disk that hangs."""


def told(folder: Path, environ: dict[str, str] | None = None) -> dict[tuple[str, str], Any]:
    """Return the options that the command prints as JSON, by section and key."""
    ended = run_to_end(folder, "config", "--json", environ=environ)
    assert ended.returncode == 0
    sections = json.loads(ended.stdout)["sections"]
    return {(section, option.pop("key")): option for section, options in sections.items() for option in options}


def test_without_a_server_it_prints_what_a_start_would_have_and_that_can_be_read_back(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(FULL)
    before = load(str(file), ENVIRON)

    ended = run_to_end(tmp_path, "config", environ={**ENVIRON, "WINLOGD_SERVER_PORT": "3001"})
    file.write_text(ended.stdout)

    assert ended.returncode == 0
    assert "no server can be asked" in ended.stderr
    assert SECRET not in ended.stdout
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    assert 'event_paths = ["/api/v1/events", "/index.php"] # line 2' in lines
    assert 'level = "debug" # WINLOGD_LOGGING_LEVEL' in lines
    assert "# ingest_token = (not shown) # line 8" in lines
    assert "port = 3001 # WINLOGD_SERVER_PORT" in lines
    assert 'host = "127.0.0.1" # default' in lines
    assert "[rooms.aliases] # line 16" in lines
    after = load(str(file), {})
    assert after.replaced(server=before.server, security=before.security, limits=before.limits) == before
    assert after.server == before.server.replaced(port=3001)
    assert after.security == before.security.replaced(ingest_token="")


def test_the_defaults_can_be_read_back_and_decide_nothing(tmp_path: Path) -> None:
    ended = run_to_end(tmp_path, "config", environ={"WINLOGD_DATABASE_PATH": str(tmp_path / "data" / "winlog.db")})
    (tmp_path / "config.toml").write_text(ended.stdout)

    read = load(str(tmp_path / "config.toml"), {})

    assert read.retention == SECTIONS["retention"]()
    assert read.security == SECTIONS["security"]()


@pytest.mark.long
def test_a_running_server_tells_what_it_has_and_what_a_reload_has_brought(tmp_path: Path) -> None:
    with running(tmp_path, FULL) as server:
        server.wait_until_it_obeys()
        reload(server, FULL.replace("19:00", "18:00"))
        options = told(tmp_path)
        shown = run_to_end(tmp_path, "config")

    assert options["server", "port"] == {"value": 0, "origin": "environment", "variable": "WINLOGD_SERVER_PORT"}
    assert options["server", "timezone"] == {"value": "Europe/Paris", "origin": "file", "line": 6}
    assert options["sessions", "closing"] == {"value": "18:00", "origin": "file", "line": 18, "is_reloaded": True}
    assert options["security", "ingest_token"] == {"is_secret": True, "is_set": True, "origin": "file", "line": 8}
    assert options["rooms", "A102"]["value"] == ["A102-*", "B\\102-*"]
    assert options["rooms", "aliases"] == {"value": {'old "name"': "A102"}, "origin": "file", "line": 16}
    assert shown.stdout.startswith(f"# winlogd config: in force in the server with pid {server.process.pid}; file: ")
    assert (shown.stderr, SECRET in shown.stdout) == ("", False)


@pytest.mark.long
def test_what_the_file_says_now_is_shown_with_what_brings_it(tmp_path: Path) -> None:
    with running(tmp_path, FULL) as server:
        server.wait_until_it_obeys()
        changed = FULL.replace('"Europe/Paris"', '"UTC"\nmax_connections = 5').replace(SECRET, f"{SECRET}-2")
        write(server, changed.replace("M1", "M2"))
        options = told(tmp_path)
        lines = run_to_end(tmp_path, "config").stdout.splitlines()
        write(server, "[server]\nport = no\n")
        faulty = run_to_end(tmp_path, "config")

    assert options["server", "timezone"] == {
        "value": "Europe/Paris", "origin": "earlier", "now": "UTC", "needs": "reload"
    }  # fmt: skip
    assert options["server", "max_connections"]["needs"] == "restart"
    assert options["security", "ingest_token"] == {
        "is_secret": True, "is_set": True, "origin": "earlier", "needs": "reload"
    }  # fmt: skip
    assert "#   a restart brings max_connections = 5" in lines
    assert "#   a reload takes M1 away" in lines
    assert '#   a reload brings M2 = "08:00-09:00"' in lines
    assert faulty.returncode == 2  # the command itself cannot read the file


@pytest.mark.long
def test_the_file_of_a_secret_is_named_and_not_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    (tmp_path / "config.toml").write_text('[security]\ningest_token_file = "token"\n')

    ended = run_to_end(tmp_path, "config")

    assert f'ingest_token_file = "{tmp_path}/token"' in ended.stdout
    assert "# the file of ingest_token_file" in ended.stdout
    assert SECRET not in ended.stdout


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare(1)")
def test_the_service_and_commands_read_the_systems_file_if_no_other_is_there(tmp_path: Path) -> None:
    etc, here = tmp_path / "etc", tmp_path / "here"
    here.mkdir()
    shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True)
    (etc / "winlogd").mkdir(exist_ok=True)
    (etc / "winlogd" / "config.toml").write_text(f'[database]\npath = "{tmp_path}/db/winlog.db"\n[server]\nport = 0\n')
    script = f"""\
        mount --bind {etc} /etc
        {sys.executable} -m winlogd 2>log & server=$!
        until grep -q "database opened" log; do sleep 0.05; done
        {sys.executable} -m winlogd status --json
        {sys.executable} -m winlogd config --json
        kill $server; wait $server"""
    environ = {**os.environ, **A_SMALL_DISK_WILL_DO}
    ended = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "bash", "-ec", script],
        cwd=here, env=environ, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    status, config = map(json.loads, ended.stdout.splitlines())
    assert status["files"]["database"] == f"{tmp_path}/db/winlog.db"
    assert config["file"] == "/etc/winlogd/config.toml"
    assert not (here / "data").exists()


@pytest.mark.long
def test_a_file_on_a_disk_that_hangs_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    server.command = (sys.executable, "-c", HANGING_FILE, "--config", "config.toml")
    try:
        server.start()
        server.wait_until_it_obeys()
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(tmp_path / "data" / "winlog.db.control"))
            asking.sendall(b'{"order":"config"}\n')
            server.wait_for_log("the file hangs")
            assert server.stop() == 0
    finally:
        if server.process.poll() is None:
            server.kill()
