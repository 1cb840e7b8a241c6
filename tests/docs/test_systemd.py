"""systemd understands the units in systemd/. They confine their programs, and fit winlogd and docs/install.md."""

import ctypes
import re
import shutil
import subprocess
import sys
from datetime import time
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import block
from tests.support.paths import ROOT
from tests.support.running import an_event, running
from winlogd.commands.terminal import MISUSED
from winlogd.config.load import load
from winlogd.config.sections import Config
from winlogd.daemon.inherited import TLS_NAME
from winlogd.http.server import _BACKLOG

UNITS: Final = ROOT / "systemd"
SERVICE: Final = "winlogd.service"
SOCKET: Final = "winlogd.socket"
BACKUP: Final = "winlogd-backup.service"
TIMER: Final = "winlogd-backup.timer"
LARGEST_EXPOSURE: Final = 1.5
"""The largest exposure that systemd-analyze may find, of 10. A server needs the rest: the network and LAN addresses."""

RESERVED_DESCRIPTORS: Final = 192
"""The number of files that winlogd reserves besides connections."""

PR_SET_MDWE: Final = 65  # prctl(2): MemoryDenyWriteExecute= sets this for a process since Linux 6.3
PR_GET_MDWE: Final = 66
PR_MDWE_REFUSE_EXEC_GAIN: Final = 1

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Write the units, with a program that exists on this machine. Return their folder."""
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(_with_a_program(unit.read_text()))
    return tmp_path


@pytest.mark.long
@needs_systemd
def test_systemd_finds_nothing_to_complain_about(units: Path) -> None:
    assert {file.name for file in units.iterdir()} == {SERVICE, SOCKET, BACKUP, TIMER}
    assert _complaints(units) == ""


@pytest.mark.long
@needs_systemd
@pytest.mark.parametrize("name", [SERVICE, BACKUP])
def test_the_units_confine_their_programs(name: str, units: Path) -> None:
    threshold = str(round(LARGEST_EXPOSURE * 10))
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={threshold}"]
    judged = subprocess.run([*command, str(units / name)], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.long
@needs_systemd
def test_systemd_understands_each_change_that_the_text_proposes(units: Path) -> None:
    folder = block("[Unit]\nRequiresMountsFor=")
    proposed = [
        (SOCKET, block("[Socket]\nListenStream=\n")),
        (SERVICE, folder),
        (BACKUP, folder),
        (SERVICE, block("[Service]\nWatchdogSec=")),
        (BACKUP, block("[Service]\nExecStart=\n")),
        (SERVICE, block("[Service]\nLogNamespace=")),
        (TIMER, block("[Timer]\nOnCalendar=\n")),
    ]
    for number, (unit, change) in enumerate(proposed):
        (units / f"{unit}.d").mkdir(exist_ok=True)
        (units / f"{unit}.d" / f"{number}.conf").write_text(_with_a_program(change.text))
    (units / "winlogd-tls.socket").write_text(block("[Unit]\nDescription=Port of winlogd for TLS").text)
    assert _complaints(units) == ""
    (units / f"{SERVICE}.d" / "wrong.conf").write_text("[Service]\nWatchdogSecs=1\n")
    assert "wrong.conf:2: Unknown key" in _complaints(units)


def test_the_port_for_tls_is_like_the_other_and_has_the_name_that_winlogd_knows() -> None:
    tls = dict(re.findall(r"(?m)^(\w+)=(.*)$", block("[Unit]\nDescription=Port of winlogd for TLS").text))
    for name in ("FreeBind", "Backlog", "WantedBy", "RequiredBy"):
        assert tls[name] == _setting(name, SOCKET)
    assert (tls["FileDescriptorName"], tls["Service"]) == (TLS_NAME, SERVICE)
    assert _setting("FileDescriptorName", SOCKET) != TLS_NAME


def test_what_is_kept_of_the_backups_is_the_only_change_of_their_number() -> None:
    changed = block("[Service]\nExecStart=\n").text.splitlines()[-1].removeprefix("ExecStart=")
    assert changed == _setting("ExecStart", BACKUP).replace("--keep 7", "--keep 14")


def test_the_server_runs_without_memory_that_is_both_writable_and_executable(tmp_path: Path) -> None:
    if ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0:
        pytest.skip("the kernel has no PR_SET_MDWE (Linux 6.3)")
    confined = tmp_path / "confined"
    # Python imports this by itself before anything else (site.html).
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes, os, pathlib\n"
        f"if ctypes.CDLL(None).prctl({PR_SET_MDWE}, {PR_MDWE_REFUSE_EXEC_GAIN}, 0, 0, 0): os._exit(9)\n"
        f"pathlib.Path({str(confined)!r}).touch()\n"
    )
    with running(tmp_path, environ={"PYTHONPATH": f"{tmp_path}:{ROOT}"}) as server:
        assert confined.exists()
        assert server.post(an_event()).status == 200
        assert server.request("GET", "/api/v1/sessions/current").status == 200
        assert server.stop() == 0


@pytest.mark.parametrize("name", [SERVICE, BACKUP])
def test_the_text_configures_a_database_where_the_units_may_write_and_no_unit_does(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    shutil.copy(ROOT / "config.toml", config)
    [command] = [line for line in block("sudo useradd").text.splitlines() if line.startswith("sudo sed ")]
    edit = command.removeprefix("sudo ").replace("/etc/winlogd/config.toml", str(config))
    subprocess.run(["bash", "-ec", edit], check=True)

    assert Path(load(str(config), {}).database.path).parent == Path("/var/lib") / _setting("StateDirectory", name)
    assert _setting("WorkingDirectory", name) == f"/var/lib/{_setting('StateDirectory', name)}"
    assert _settings("Environment", name) == []


def test_a_reload_sends_the_signal_that_reloads() -> None:
    assert _setting("Type") == "notify"
    assert _setting("ExecReload") == "/bin/kill -HUP $MAINPID"


def test_the_units_times_and_files_fit_the_defaults() -> None:
    server = Config().server
    assert float(_setting("TimeoutStopSec")) > server.shutdown_timeout
    assert int(_setting("LimitNOFILE")) >= server.max_connections + RESERVED_DESCRIPTORS


def test_the_service_leaves_no_core_file() -> None:
    """The watchdog ends a server that hangs by SIGABRT. Its memory holds names."""
    assert [_setting("LimitCORE", name) for name in (SERVICE, BACKUP)] == ["0", "0"]


def test_the_socket_is_winlogds_own_with_its_default_address_and_queue() -> None:
    server = Config().server
    assert _settings("ListenStream", SOCKET) == [f"{server.host}:{server.port}"]
    assert int(_setting("Backlog", SOCKET)) == _BACKLOG
    assert _settings("Accept", SOCKET) == []  # systemd's default: the service gets the listening socket
    assert _setting("RequiredBy", SOCKET) == SERVICE


def test_the_backup_keeps_seven_and_is_made_as_the_server_is_run() -> None:
    server, backup = _setting("ExecStart").split(), _setting("ExecStart", BACKUP).split()
    assert backup == [server[0], "backup", "--keep", "7", *server[1:]]
    assert _setting("Type", BACKUP) == "oneshot"
    assert _setting("Persistent", TIMER) == "true"
    rotation = time.fromisoformat(Config().rotation.at)
    assert time.fromisoformat(_setting("OnCalendar", TIMER).removeprefix("*-*-* ")) > rotation


def test_the_backup_is_confined_as_the_server_is_and_has_no_network() -> None:
    server, backup = (set(_confinement(name)) for name in (SERVICE, BACKUP))
    assert server - backup == {"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"}
    assert backup - server == {"RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes"}
    assert len(server) > 25


def test_a_wrong_configuration_is_not_tried_again() -> None:
    assert _setting("Restart") == "always"
    assert _setting("RestartPreventExitStatus") == str(MISUSED)


def test_the_commands_of_the_text_put_everything_where_the_unit_looks() -> None:
    commands = block("sudo useradd").text
    program, option, config = _setting("ExecStart").split()
    assert option == "--config"
    assert f"sudo python3 -m venv {Path(program).parents[1]}\n" in commands
    assert f"sudo {Path(program).parent}/pip install .\n" in commands
    assert f" config.toml {config}\n" in commands
    assert f" -o {_setting('User')} -g {_setting('Group')} /var/lib/{_setting('StateDirectory')}\n" in commands
    assert f" --home-dir {_setting('WorkingDirectory')} " in commands
    assert commands.splitlines()[0].endswith(f" {_setting('User')}")
    assert config == f"/etc/{_setting('ConfigurationDirectory')}/config.toml"


@pytest.mark.parametrize("beginning", ["sudo useradd", "sudo /opt/winlogd/bin/pip install --upgrade"])
def test_the_files_that_the_text_installs_are_there(beginning: str) -> None:
    installed = re.findall(r"sudo install (?!-d)(?:-\w \S+ )+(\S+) /", block(beginning).text)
    assert set(installed) >= {f"systemd/{unit.name}" for unit in UNITS.iterdir()}
    assert [name for name in installed if not (ROOT / name).is_file()] == []


def _with_a_program(text: str) -> str:
    """Return a unit or a change of one, with a program that exists on this machine."""
    return re.sub(r"(?m)^ExecStart=/\S+", f"ExecStart={sys.executable}", text)


def _complaints(units: Path) -> str:
    """Return what systemd says about the units of a folder, with the changes beside them."""
    files = [file for file in sorted(units.iterdir()) if file.is_file()]
    verified = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True)
    return verified.stdout + verified.stderr + (f"status {verified.returncode}" if verified.returncode else "")


def _settings(name: str, unit: str = SERVICE) -> list[str]:
    return re.findall(rf"(?m)^{name}=(.*)$", (UNITS / unit).read_text())


def _setting(name: str, unit: str = SERVICE) -> str:
    [value] = _settings(name, unit)
    return str(value)


def _confinement(unit: str) -> list[str]:
    """Return the settings of a service that decide where it runs, as whom, and what it may do."""
    text = (UNITS / unit).read_text().partition("[Service]\n")[2].partition("[Install]")[0]
    settings = re.findall(r"(?m)^\w+=.*$", text)
    others = ("Type", "Exec", "Restart=", "RestartSec", "RestartPrevent", "Timeout", "Watchdog", "LimitNOFILE")
    return [setting for setting in settings if not setting.startswith(others)]
