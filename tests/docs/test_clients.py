"""The script, the units and the line for PAM of docs/clients.md work, and winlogd accepts what its PowerShell sends.

Each of the three clients has a stand-in: a shell script that sends its action and the name of the user who runs it.
"""

import ctypes
import ctypes.util
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import LAN_ADDRESS, TEXTS, block, replaced, run
from tests.docs.runners.clients import CLIENTS, UNITS, unit
from tests.support.running import PATIENCE_S, Winlogd, an_event, wait_for
from winlogd.config.sections import Config

PAGE: Final = TEXTS["docs/clients.md"]
IS_ROOT: Final = os.geteuid() == 0

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def programs() -> Iterator[Path]:
    """Make a folder that every user can read, with a stand-in for each client."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for client, action in CLIENTS.items():
            fields = f'"username":"$(id -un)","action":"{action}","timestamp":"$(date +%FT%T.%N%:z)"'
            body = f"{{{fields}}}".replace('"', '\\"')
            send = "curl -sS $WINLOG_SERVER_URL -A Winlog/0.1.0 -H 'Content-Type: application/json'"
            (folder / client).write_text(f'#!/bin/sh\n{send} -d "{body}"\n')
            (folder / client).chmod(0o755)
        yield folder


def the_script(server: Winlogd, programs: Path) -> Path:
    """Write the script for pam_exec, with the stand-ins. Without root it cannot change the user, so it does not try."""
    server.wait_until_open()
    changes = {LAN_ADDRESS: f"127.0.0.1:{server.port}", "/usr/local/bin": programs}
    if not IS_ROOT:
        changes['runuser -u "$PAM_USER" --'] = ""
    script = programs / "winlog-session"
    script.write_text(replaced(block("#!/bin/sh").text, changes))
    run(block("sudo chmod").text, {"/usr/local/sbin/winlog-session": script})
    return script


# Linux


def test_the_script_reports_the_user_of_the_session_and_not_root(server: Winlogd, programs: Path) -> None:
    script = the_script(server, programs)
    user = "nobody" if IS_ROOT else subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
    for kind, events in (("open_session", 1), ("auth", 1), ("close_session", 2)):
        done = subprocess.run([script], env={"PAM_TYPE": kind, "PAM_USER": user}, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        _wait_for_events(server, events)
    assert [(row["username"], row["action"]) for row in server.rows()] == [(user, "C"), (user, "D")]


def _wait_for_events(server: Winlogd, number: int) -> None:
    server.wait_until_open()  # the server listens before it has made its tables
    wait_for(lambda: len(server.rows()) == number, f"{number} events", server.process)


def test_nobody_is_kept_out_when_the_server_does_not_answer(server: Winlogd, programs: Path) -> None:
    script = the_script(server, programs)
    server.kill()
    for kind in ("open_session", "close_session"):
        assert subprocess.run([script], env={"PAM_TYPE": kind, "PAM_USER": "nobody"}).returncode == 0


def test_the_line_for_pam_runs_the_script_when_a_session_begins_and_ends(server: Winlogd, programs: Path) -> None:
    pam = _libpam()
    line = replaced(block("session optional").text, {"/usr/local/sbin/winlog-session": the_script(server, programs)})
    (programs / "a-service").write_text(line)
    handle = ctypes.c_void_p()
    conversation = (ctypes.c_void_p * 2)()
    user = b"nobody"
    assert pam.pam_start_confdir(b"a-service", user, conversation, os.fsencode(programs), ctypes.byref(handle)) == 0
    assert pam.pam_open_session(handle, 0) == 0
    _wait_for_events(server, 1)
    assert pam.pam_close_session(handle, 0) == 0
    assert pam.pam_end(handle, 0) == 0
    assert [row["action"] for row in server.rows()] == ["C", "D"]


def _libpam() -> ctypes.CDLL:
    """Return Linux-PAM. From 1.4 on it reads a service's file from any folder, so a test need not change the system."""
    name = ctypes.util.find_library("pam")
    pam = ctypes.CDLL(name) if name else None
    if pam is None or not hasattr(pam, "pam_start_confdir"):
        pytest.skip("Linux-PAM 1.4 or newer is not installed")
    for function in (pam.pam_open_session, pam.pam_close_session, pam.pam_end):
        function.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return pam


@needs_systemd
@pytest.mark.parametrize(("path", "manager"), list(zip(UNITS, ("--user", "--system"), strict=True)))
def test_systemd_finds_nothing_to_complain_about(path: str, manager: str, tmp_path: Path, programs: Path) -> None:
    file = unit(tmp_path, path)
    file.write_text(replaced(file.read_text(), {"/usr/local/bin": programs}))
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", manager, "verify", str(file)]
    verified = subprocess.run(command, capture_output=True, text=True, env=environ)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_what_the_units_run_is_what_was_installed() -> None:
    run_by_units = re.findall(r"^Exec(?:Start|Stop)=-?(\S+)$", PAGE, re.MULTILINE)
    assert run_by_units == [f"/usr/local/bin/{name}" for name in CLIENTS]


# Windows


def test_what_windows_powershell_makes_of_the_line_is_taken(server: Winlogd) -> None:
    """Windows PowerShell 5.1 sends these octets, after a 100 Continue: JSON with two spaces after each colon."""
    line = block("$json =").text
    assert len(line.splitlines()) == 1
    keys = re.findall(r"[{;] (\w+) = ", line.partition("}")[0])
    values = {"username": "Zoé", "action": "C", "timestamp": "2026-01-13T08:30:00.1234567+01:00", "hostname": "A102-07"}
    assert sorted(keys) == sorted(values)
    json = "{\r\n" + ",\r\n".join(f'    "{key}":  "{values[key]}"' for key in keys) + "\r\n}"
    assert _posted_as_powershell_does(server, line, json.encode()).startswith(b"HTTP/1.1 200 ")
    [row] = server.rows()
    assert (row["username"], row["hostname"], row["action"]) == ("Zoé", "A102-07", "C")
    assert row["timestamp"] == "2026-01-13T07:30:00.1234567+00:00"
    assert "[Text.Encoding]::UTF8.GetBytes($json)" in line
    assert _posted_as_powershell_does(server, line, json.encode("latin-1")).startswith(b"HTTP/1.1 400 ")


def _posted_as_powershell_does(server: Winlogd, line: str, body: bytes) -> bytes:
    """Send `body` with the address, agent and type in `line`, and with the other fields of .NET Framework."""
    found = re.search(r"-Uri http://\S+?:3000(\S+) -UserAgent '(.+?)' -ContentType '(.+?)'", line)
    assert found is not None
    path, agent, kind = found.groups()
    head = (
        f"POST {path} HTTP/1.1\r\nUser-Agent: {agent}\r\nContent-Type: {kind}\r\nHost: {LAN_ADDRESS}\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: Keep-Alive\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)) as sock:
        sock.sendall(head.encode())
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        return sock.recv(10_000)


# What the text says about events and sessions


def test_the_same_user_twice_on_a_machine_is_one_session(server: Winlogd) -> None:
    first, second = (server.post(an_event(timestamp=f"2026-01-13T08:3{n}:00Z")).json["session_uuid"] for n in (0, 1))
    for n in (2, 3):
        server.post(an_event(action="D", timestamp=f"2026-01-13T08:3{n}:00Z"))
    ends = [(row["origin"], row["session_uuid"]) for row in server.rows() if row["action"] == "D"]
    assert ends[:2] == [("auto", first), ("client", second)]
    assert ends[2][1].startswith("orphan_")


def test_every_address_has_the_path_that_takes_events() -> None:
    paths = set(re.findall(r"http://[0-9.]+:3000(/\S*?)[\s`']", PAGE))
    assert paths == {Config().server.event_paths[0], "/health"}
