"""systemd understands systemd/winlogd.service. The unit confines the server, and fits winlogd and docs/install.md."""

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import block
from tests.support.paths import ROOT
from tests.support.running import an_event, running
from winlogd.commands.terminal import MISUSED
from winlogd.config.load import load
from winlogd.config.sections import Config

UNIT: Final = ROOT / "systemd" / "winlogd.service"
LARGEST_EXPOSURE: Final = 1.5
"""The largest exposure that systemd-analyze may find, of 10. A server needs the rest: the network and LAN addresses."""

RESERVED_DESCRIPTORS: Final = 192
"""The number of files that winlogd reserves besides connections."""

PR_SET_MDWE: Final = 65  # prctl(2): MemoryDenyWriteExecute= sets this for a process since Linux 6.3
PR_GET_MDWE: Final = 66
PR_MDWE_REFUSE_EXEC_GAIN: Final = 1

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Write the unit, with a program that exists on this machine. Return its path."""
    copy = tmp_path / "winlogd.service"
    copy.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text()))
    return copy


@needs_systemd
def test_systemd_finds_nothing_to_complain_about(unit: Path) -> None:
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


@needs_systemd
def test_the_unit_confines_the_server(unit: Path) -> None:
    threshold = str(round(LARGEST_EXPOSURE * 10))
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={threshold}", str(unit)]
    judged = subprocess.run(command, capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout + judged.stderr


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


def test_the_units_variables_are_options_and_point_where_it_may_write(tmp_path: Path) -> None:
    environ = dict(setting.split("=", 1) for setting in _settings("Environment"))
    config = tmp_path / "config.toml"
    config.write_text('[database]\npath = "elsewhere.db"\n')
    assert Path(load(str(config), environ).database.path).parent == Path("/var/lib") / _setting("StateDirectory")
    assert _setting("WorkingDirectory") == f"/var/lib/{_setting('StateDirectory')}"


def test_a_reload_sends_the_signal_that_reloads() -> None:
    assert _setting("Type") == "notify"
    assert _setting("ExecReload") == "/bin/kill -HUP $MAINPID"


def test_the_units_times_and_files_fit_the_defaults() -> None:
    server = Config().server
    assert float(_setting("TimeoutStopSec")) > server.shutdown_timeout
    assert int(_setting("LimitNOFILE")) >= server.max_connections + RESERVED_DESCRIPTORS


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
    assert "systemd/winlogd.service" in installed
    assert [name for name in installed if not (ROOT / name).is_file()] == []


def _settings(name: str) -> list[str]:
    return re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text())


def _setting(name: str) -> str:
    [value] = _settings(name)
    return str(value)
