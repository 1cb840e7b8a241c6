"""The command line: its commands, their help, the exit statuses, and the messages for wrong words."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.configured import verdict_of
from tests.support.running import PATIENCE_S, Winlogd, run_to_end
from winlogd import VERSION
from winlogd.cli import COMMANDS
from winlogd.commands.terminal import FAILED, STATUSES
from winlogd.commands.who_reads import table_of
from winlogd.config.load import load
from winlogd.daemon import signals

pytestmark = pytest.mark.long  # each command is a process


def test_version_and_help_are_told_on_standard_output(tmp_path: Path) -> None:
    version = run_to_end(tmp_path, "--version")
    assert (version.returncode, version.stdout, version.stderr) == (0, f"winlogd {VERSION}\n", "")
    usage = run_to_end(tmp_path, "--help")
    assert (usage.returncode, usage.stderr) == (0, "")
    assert {"--config", "check-config", "--version"} <= set(re.findall(r"[\w-]+", usage.stdout))


WRONG = ["serve x", "--config", "--config a b", "--confi a", "check-config x", "rotate --all", "--verbose"]


@pytest.mark.parametrize("words", WRONG)
def test_what_is_not_understood_is_told_with_the_usage(words: str, tmp_path: Path) -> None:
    ended = run_to_end(tmp_path, *words.split())
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.match(r"winlogd: .*\nusage: ", ended.stderr)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("rotat", "did you mean rotate?"),
        ("check_config", "did you mean check-config?"),
        ("SERVE", "did you mean serve?"),
        ("x" * 5000, "winlogd --help lists the commands"),
        ("\x1b[2J\n", "winlogd --help lists the commands"),
    ],
)
def test_a_command_that_is_not_known_is_told_with_the_nearest_one(word: str, hint: str, tmp_path: Path) -> None:
    ended = run_to_end(tmp_path, word)
    assert (ended.returncode, ended.stdout) == (2, "")
    told, usage = ended.stderr.split("\n", 1)
    assert told.endswith(f" is no command; {hint}")
    assert told.isprintable()
    assert len(told) < 150
    assert usage.startswith("usage: winlogd [COMMAND]")
    assert os.listdir(tmp_path) == []


# ── help ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_help_lists_each_command_and_exit_status(tmp_path: Path) -> None:
    lines = run_to_end(tmp_path, "--help").stdout.splitlines()
    for name, purpose in COMMANDS.items():
        assert [line.split(None, 1) for line in lines if line.startswith(f"  {name} ")] == [[name, purpose]]
    for status, meaning in STATUSES.items():
        assert f"  {status}  {meaning}" in lines
    assert sorted(STATUSES) == [0, 1, 2]


def test_a_server_that_fails_has_the_status_that_the_help_lists() -> None:
    """The room `daemon` is below `commands` and may not import its statuses."""
    assert signals.FAILED == FAILED


OWN_STATUSES: Final = {"status": ("3",)}
"""The exit statuses that a command has besides those of all commands."""


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_help(name: str, flag: str, tmp_path: Path) -> None:
    """The help has the usage, the purpose, the flags, an example and the exit statuses. Nothing else happens."""
    asked = run_to_end(tmp_path, name, flag)
    assert (asked.returncode, asked.stderr) == (0, "")
    usage, does, *flags, example, statuses = asked.stdout.split("\n\n")
    assert re.match(rf"usage: winlogd \[?{name}\b", usage)
    assert does.endswith(".")
    assert {"--help", "--config"} <= set(re.findall(r"--\w+", flags[-1]))
    assert re.search(rf"example:\n(.|\n)* winlogd {name}\b", example)
    assert re.findall(r"^  (\d)  ", statuses, re.MULTILINE) == ["0", "1", "2", *OWN_STATUSES.get(name, ())]
    assert max(map(len, asked.stdout.splitlines())) <= 100
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words", [("--help",), ("--version",), ("check-config",), *((name, "--help") for name in COMMANDS)]
)
def test_a_full_disk_as_standard_output_costs_one_line_and_status_1(words: tuple[str, ...], tmp_path: Path) -> None:
    command = (sys.executable, "-m", "winlogd", *words)
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S)
    assert ended.returncode == 1
    assert ended.stderr == b"winlogd: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("redirection", [">&-", "2>&- >/dev/full", "2>/dev/full >/dev/full"])
def test_without_a_place_for_output_the_status_is_1(redirection: str, tmp_path: Path) -> None:
    script = f'"$@" {redirection}'
    command = ("sh", "-c", script, "sh", sys.executable, "-m", "winlogd", "--help")
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Traceback" not in ended.stderr


TELLS_MODULES = """
import atexit, sys
atexit.register(lambda: print(*sys.modules))
from winlogd.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("words", ["", "serve", "serve --config config.toml", "--config=config.toml"])
def test_serve_may_be_named_or_not_and_loads_no_argparse(words: str, tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    server.command = (sys.executable, "-c", f"import sys; sys.stdout = sys.stderr{TELLS_MODULES}", *words.split())
    try:
        server.start()
        assert server.request("GET", "/health").status == 200
        assert server.stop() == 0
    finally:
        server.kill()
    loaded = set(server.log.splitlines()[-1].split())
    assert {"winlogd.commands.serve", "winlogd.daemon.process"} <= loaded
    assert {name for name in loaded if name.startswith("winlogd.commands.")} == {"winlogd.commands.serve"}
    assert loaded & {"argparse", "difflib", "winlogd.control.client"} == set()


# ── check-config ──────────────────────────────────────────────────────────────────────────────────────


def test_a_good_configuration_is_ok_and_nothing_else_happens(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[server]\nport = 3001\n")
    ended = run_to_end(tmp_path, "check-config", "--config", "mine.toml")
    verdict, table = ended.stdout.split("\n\n")
    assert (ended.returncode, verdict, ended.stderr) == (0, f"{tmp_path / 'mine.toml'}: ok", "")
    assert table == table_of(load(str(tmp_path / "mine.toml"), {}))
    assert os.listdir(tmp_path) == ["mine.toml"]


@pytest.mark.parametrize("words", [("check-config",), ()])
def test_every_fault_of_a_configuration_has_a_line_of_its_own(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[server]\nport = "x"\nprot = 1\n[logging]\nlevel = "loud"\n')
    ended = run_to_end(tmp_path, *words, environ={"WINLOGD_LIMITS_BODY": "1"})
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert len(lines) == 4
    for line, key in zip(lines, ["server.port", "prot", "logging.level", "WINLOGD_LIMITS_BODY"], strict=True):
        assert line.startswith("winlogd: ")
        assert key in line
    assert os.listdir(tmp_path) == ["config.toml"]


def test_a_file_name_that_is_no_text_is_told_escaped(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\n.toml")).write_text("")
    ended = run_to_end(tmp_path, "check-config", "--config", os.fsdecode(b"\xff\n.toml"))
    assert (ended.returncode, verdict_of(ended.stdout), ended.stderr) == (0, f"{tmp_path}/\\udcff\\n.toml: ok\n", "")
