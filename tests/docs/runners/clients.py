"""Run the commands of docs/clients.md for Linux, with stand-ins for the three clients.

`systemctl` enables units below a folder of the test.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import DATABASE, LAN_ADDRESS, TEXTS, Block, Runner, block, run
from tests.support.running import PATIENCE_S, a_steady_port, an_event, running
from winlogd.config.sections import Config

CLIENTS: Final = {"logon": "C", "logout": "D", "matos": "M"}
"""The three clients and their actions."""

UNITS: Final = {
    "etc/systemd/user/winlog.service": block("[Unit]\nDescription=Report logon"),
    "etc/systemd/system/winlog-matos.service": block("[Unit]\nDescription=Report the hardware"),
}
"""The blocks of the units that the page saves, by their path below /."""


def unit(root: Path, path: str) -> Path:
    """Save below `root` the unit that the page saves at `path`. Return its new path."""
    assert f"`/{path}`" in TEXTS["docs/clients.md"]
    file = root / path
    file.parent.mkdir(parents=True)
    file.write_text(UNITS[path].text)
    return file


def _sets_the_address_on_linux(block: Block, folder: Path) -> None:
    environment = folder / "environment"
    run(block.text, {"/etc/environment": environment})
    name, _, url = environment.read_text().strip().partition("=")
    assert name == "WINLOG_SERVER_URL"
    assert url.endswith(Config().server.event_paths[0])


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
    unit(folder, "etc/systemd/user/winlog.service")
    _enable(enable, folder, "systemctl --global")
    assert (folder / "etc/systemd/user/default.target.wants/winlog.service").is_symlink()


def _enables_the_unit_of_the_machine(enable: Block, folder: Path) -> None:
    unit(folder, "etc/systemd/system/winlog-matos.service")
    _enable(enable, folder, "systemctl")
    assert (folder / "etc/systemd/system/multi-user.target.wants/winlog-matos.service").is_symlink()


def _enable(enable: Block, root: Path, command: str) -> None:
    if shutil.which("systemctl") is None:
        pytest.skip("systemctl is not installed")
    run(enable.text, {f"sudo {command}": f"command {command} --root={root}"})


def _sends_with_curl(send: Block, folder: Path) -> None:
    """The server starts only after the first try."""
    port = a_steady_port()
    answers: list[str] = []
    changes = {LAN_ADDRESS: f"127.0.0.1:{port}", "--retry 2": "--retry 60"}
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
        shown = run(query.text, {DATABASE: server.database})
    assert [line.split("|")[1:] for line in shown.splitlines()] == [
        [f"user{number}", "C", "A102-07"] for number in (5, 4, 3, 2, 1)
    ]


RUN: Final[Mapping[str, Runner]] = {
    "echo 'WINLOG_SERVER_URL": _sets_the_address_on_linux,
    "sudo install -m 0755 logon": _copies_the_programs,
    "sudo systemctl --global": _enables_the_units_of_users,
    "sudo systemctl enable winlog-matos": _enables_the_unit_of_the_machine,
    "curl -sS": _sends_with_curl,
    'sudo sqlite3 -readonly /var/lib/winlogd/winlog.db \\\n    "SELECT server_timestamp': _shows_the_last_events,
}
