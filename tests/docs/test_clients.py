"""docs/clients.md: its commands for Linux are run, its units and the line for PAM are used, its PowerShell is played.

Stand-ins take the place of the three clients: a shell script that sends what it is told and the name of who runs it.
"""

import ctypes
import ctypes.util
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.docs.readme import TEXT, Block, block, blocks, replaced, run
from tests.support.paths import ROOT
from tests.support.running import PATIENCE_S, Winlogd, a_steady_port, an_event, running, wait_for
from winlogd.config.sections import Config

PAGE: Final = (ROOT / "docs" / "clients.md").read_text("utf-8")
SERVER: Final = "192.168.1.100:3000"
CLIENTS: Final = {"logon": "C", "logout": "D", "matos": "M"}
IS_ROOT: Final = os.geteuid() == 0

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def programs() -> Iterator[Path]:
    """A folder that every user can read, with a stand-in for each client."""
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
    """What pam_exec runs, with the stand-ins; who is not root cannot become another user, and stays who he is."""
    changes = {SERVER: f"127.0.0.1:{server.port}", "/usr/local/bin": programs}
    if not IS_ROOT:
        changes['runuser -u "$PAM_USER" --'] = ""
    script = programs / "winlog-session"
    script.write_text(replaced(block("#!/bin/sh", PAGE).text, changes))
    run(block("sudo chmod", PAGE).text, {"/usr/local/sbin/winlog-session": script})
    return script


def _copies_the_programs(copy: Block, folder: Path) -> None:
    for name in CLIENTS:
        (folder / name).write_text(name)
    (folder / "bin").mkdir()
    run(
        copy.text,
        {"logon logout matos": f"{folder}/logon {folder}/logout {folder}/matos", "/usr/local/bin": folder / "bin"},
    )
    assert {path.name: path.stat().st_mode & 0o777 for path in (folder / "bin").iterdir()} == dict.fromkeys(
        CLIENTS, 0o755
    )


def _enables_the_units_of_users(enable: Block, folder: Path) -> None:
    _unit(folder, "etc/systemd/user/winlog.service")
    _enable(enable, folder, "systemctl --global")
    assert (folder / "etc/systemd/user/default.target.wants/winlog.service").is_symlink()


def _enables_the_unit_of_the_machine(enable: Block, folder: Path) -> None:
    _unit(folder, "etc/systemd/system/winlog-matos.service")
    _enable(enable, folder, "systemctl")
    assert (folder / "etc/systemd/system/multi-user.target.wants/winlog-matos.service").is_symlink()


def _enable(enable: Block, root: Path, command: str) -> None:
    if shutil.which("systemctl") is None:
        pytest.skip("systemctl is not installed")
    run(enable.text, {f"sudo {command}": f"command {command} --root={root}"})


def _sends_with_curl(send: Block, folder: Path) -> None:
    """The server comes up only after the first try."""
    port = a_steady_port()
    answers: list[str] = []
    changes = {SERVER: f"127.0.0.1:{port}", "--retry 2": "--retry 60"}
    sender = threading.Thread(target=lambda: answers.append(run(send.text, changes)))
    sender.start()
    with running(folder, port=port) as server:
        sender.join(PATIENCE_S)
        [row] = server.rows()
    assert answers[0].startswith('{"status":"success"')
    name = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert (row["username"], row["hostname"], row["action"]) == (name, os.uname().nodename, "C")
    assert re.fullmatch(r"[-0-9]+T[:0-9]+\.\d{9}\+00:00", row["timestamp"])


def _shows_the_last_events(query: Block, folder: Path) -> None:
    with running(folder) as server:
        for number in range(6):
            server.post(an_event(username=f"user{number}"))
        shown = run(query.text, {"/var/lib/winlogd/winlog.db": server.database})
    assert [line.split("|")[1:] for line in shown.splitlines()] == [
        [f"user{number}", "C", "A102-07"] for number in (5, 4, 3, 2, 1)
    ]


RUN: Final[dict[str, Callable[[Block, Path], None]]] = {
    "sudo install": _copies_the_programs,
    "sudo systemctl --global": _enables_the_units_of_users,
    "sudo systemctl enable": _enables_the_unit_of_the_machine,
    "curl": _sends_with_curl,
    "sudo sqlite3": _shows_the_last_events,
}
"""How a block, known by how it begins, is run."""

USED_BELOW: Final = (
    "#!/bin/sh",
    "sudo chmod",
    "session optional",
    "[Unit]\nDescription=Report logon",
    "[Unit]\nDescription=Report the hardware",
    "$json =",
)

NOT_RUN: Final = {"setx": "is for Windows"}


@pytest.mark.parametrize("beginning", RUN)
def test_a_command_does_what_the_text_says(beginning: str, tmp_path: Path) -> None:
    RUN[beginning](block(beginning, PAGE), tmp_path)


def test_every_block_is_run_or_used_or_listed_with_the_reason_why_not() -> None:
    known = (*RUN, *USED_BELOW, *NOT_RUN)
    for each in blocks(PAGE):
        assert len([beginning for beginning in known if each.text.startswith(beginning)]) == 1
    assert all(block(beginning, PAGE) for beginning in known)


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
    wait_for(lambda: len(server.rows()) == number, f"{number} events", server.process)


def test_nobody_is_kept_out_when_the_server_does_not_answer(server: Winlogd, programs: Path) -> None:
    script = the_script(server, programs)
    server.kill()
    for kind in ("open_session", "close_session"):
        assert subprocess.run([script], env={"PAM_TYPE": kind, "PAM_USER": "nobody"}).returncode == 0


def test_the_line_for_pam_runs_the_script_when_a_session_begins_and_ends(server: Winlogd, programs: Path) -> None:
    pam = _libpam()
    line = replaced(
        block("session optional", PAGE).text, {"/usr/local/sbin/winlog-session": the_script(server, programs)}
    )
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
    """Linux-PAM from 1.4 on reads a service's file from any folder, so that nothing of the system is changed."""
    name = ctypes.util.find_library("pam")
    pam = ctypes.CDLL(name) if name else None
    if pam is None or not hasattr(pam, "pam_start_confdir"):
        pytest.skip("Linux-PAM 1.4 or newer is not installed")
    for function in (pam.pam_open_session, pam.pam_close_session, pam.pam_end):
        function.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return pam


@needs_systemd
@pytest.mark.parametrize(
    ("path", "manager"),
    [("etc/systemd/user/winlog.service", "--user"), ("etc/systemd/system/winlog-matos.service", "--system")],
)
def test_systemd_finds_nothing_to_complain_about(path: str, manager: str, tmp_path: Path, programs: Path) -> None:
    unit = _unit(tmp_path, path)
    unit.write_text(replaced(unit.read_text(), {"/usr/local/bin": programs}))
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", manager, "verify", str(unit)]
    verified = subprocess.run(command, capture_output=True, text=True, env=environ)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_what_the_units_run_is_what_was_installed() -> None:
    run_by_units = re.findall(r"^Exec(?:Start|Stop)=-?(\S+)$", PAGE, re.MULTILINE)
    assert run_by_units == [f"/usr/local/bin/{name}" for name in CLIENTS]


def _unit(root: Path, path: str) -> Path:
    """The unit that the text saves below /, saved below `root`."""
    name = "hardware" if "matos" in path else "logon"
    assert f"`/{path}`" in PAGE
    unit = root / path
    unit.parent.mkdir(parents=True)
    unit.write_text(block(f"[Unit]\nDescription=Report {'the ' * (name == 'hardware')}{name}", PAGE).text)
    return unit


# Windows


def test_what_windows_powershell_makes_of_the_line_is_taken(server: Winlogd) -> None:
    """Windows PowerShell 5.1 sends these octets: JSON with two spaces after the colon, after a 100 Continue."""
    line = block("$json =", PAGE).text
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
    """The line's own address, agent and type; the rest as .NET Framework sends it."""
    found = re.search(r"-Uri http://\S+?:3000(\S+) -UserAgent '(.+?)' -ContentType '(.+?)'", line)
    assert found is not None
    path, agent, kind = found.groups()
    head = (
        f"POST {path} HTTP/1.1\r\nUser-Agent: {agent}\r\nContent-Type: {kind}\r\nHost: {SERVER}\r\n"
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


def test_the_variables_are_those_of_the_readme() -> None:
    rows = [re.findall(r"^\| `(WINLOG_\w+)` \| `(\S+)` \|", text, re.MULTILINE) for text in (TEXT, PAGE)]
    assert rows[0] == rows[1]
    assert dict(rows[0])["WINLOG_USER_AGENT"] == Config().security.expected_user_agent


def test_every_address_has_the_path_that_takes_events() -> None:
    paths = set(re.findall(r"http://[0-9.]+:3000(/\S*?)[\s`]", PAGE))
    assert paths == {Config().server.event_paths[0], "/health"}


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("https://"):
            continue
        name, _, heading = target.partition("#")
        page = (ROOT / "docs" / name).read_text() if name else PAGE
        headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
        assert heading in [each.lower().replace(",", "").replace(" ", "-") for each in headings]
