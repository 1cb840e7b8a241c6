"""winlogd and its backup do their work where the units confine them: files, capabilities and system calls.

systemd does not run here. So the tests make what ProtectSystem=, CapabilityBoundingSet= and SystemCallFilter= mean.
"""

import ctypes.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.support.activated import activated, open_port
from tests.support.paths import ROOT
from tests.support.readers import ask_with_tls, with_tls
from tests.support.running import PATIENCE_S, Winlogd, a_steady_port, an_event

PROGRAM: Final = ROOT / "tests" / "support" / "confined_winlogd.py"
NEEDED: Final = ("systemd-analyze", "setpriv", "unshare")
MISSING: Final = [name for name in NEEDED if shutil.which(name) is None]
if ctypes.util.find_library("seccomp") is None:
    MISSING.append("libseccomp.so.2")
if os.geteuid():
    MISSING.append("root")

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(MISSING), reason=f"missing: {', '.join(MISSING)}")]


def allowed_by(unit: str) -> list[str]:
    """Return the system calls that a unit allows (systemd.exec(5), SystemCallFilter=)."""
    printed = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, check=True, text=True).stdout
    groups: dict[str, list[str]] = {}
    for line in printed.splitlines():
        word = line.partition("#")[0].strip()
        if line.startswith("@"):
            members = groups.setdefault(word, [])
        elif word:
            members.append(word)

    def calls(names: Sequence[str]) -> set[str]:
        return {call for name in names for call in (calls(groups[name]) if name in groups else {name})}

    allowed = calls(["@default"])
    for setting in re.findall(r"(?m)^SystemCallFilter=(.*)$", (ROOT / "systemd" / unit).read_text()):
        names = calls(setting.removeprefix("~").split())
        allowed = allowed - names if setting.startswith("~") else allowed | names
    assert "accept4" in allowed
    assert not allowed & {"chown", "reboot", "mount", "setrlimit", "sched_setscheduler"}
    return sorted(allowed)


def confine(server: Winlogd) -> None:
    """Let `server` run as winlogd.service does."""
    (server.folder / "allowed").write_text("\n".join(allowed_by("winlogd.service")))
    at = server.command.index("-m")
    server.command = (*server.command[: at - 1], *confined(server.folder), *server.command[at + 2 :])


def niceness_of_threads(server: Winlogd) -> list[int]:
    """Return the niceness of each thread of the server."""
    threads = os.listdir(f"/proc/{server.process.pid}/task")
    return [os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in threads]


def confined(folder: Path) -> tuple[str, ...]:
    """Return the beginning of a command line that runs winlogd confined to `folder`."""
    program = str(shutil.which("unshare"))
    return program, "--mount", sys.executable, str(PROGRAM), str(folder)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Winlogd]:
    """A confined server with a port of systemd's, and one of its own for TLS."""
    with open_port() as port, activated(tmp_path, {"http": port}, with_tls(a_steady_port())) as made:
        confine(made)
        yield made.start()


def test_the_server_stores_tells_and_stops(server: Winlogd) -> None:
    server.wait_until_it_obeys()
    assert "systemd has opened the port" in server.log
    assert server.post(an_event()).status == 200
    secure = int(server.wait_for_log(r"listening with TLS address=\S+ port=(\d+)")[1])
    assert ask_with_tls(secure, "/health", {}).status == 200
    assert [row["username"] for row in server.request("GET", "/api/v1/sessions/current").json] == ["alice"]
    assert server.request("GET", "/api/v1/sessions").json["sessions"][0]["username"] == "alice"
    assert 10 in niceness_of_threads(server)  # the reader's
    assert server.rotate().startswith("ok ")
    assert server.stop() == 0
    assert not re.search("WARN|ERROR", server.log)


@pytest.mark.parametrize("is_running", [True, False])
def test_the_backup_is_made_by_the_server_or_without_one(is_running: bool, server: Winlogd) -> None:
    server.wait_until_it_obeys()
    assert server.post(an_event()).status == 200
    if not is_running:
        assert server.stop() == 0
    (server.folder / "allowed").write_text("\n".join(allowed_by("winlogd-backup.service")))
    command = [*confined(server.folder), "backup", "--keep", "7", "--config", "config.toml"]
    made = subprocess.run(command, cwd=server.folder, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (made.returncode, made.stderr) == (0, "")
    [backup] = (server.folder / "data" / "backups").iterdir()
    assert made.stdout.startswith(f"{backup} is checked, and complete: events_today 1 rows")
