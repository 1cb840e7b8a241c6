"""The command line: what its words ask for, and what is told when they are wrong."""

import os
import re
from pathlib import Path

import pytest

from tests.running import run_to_end
from winlogd import VERSION


def test_version_and_help_are_told_on_standard_output(tmp_path: Path) -> None:
    version = run_to_end(tmp_path, "--version")
    assert (version.returncode, version.stdout, version.stderr) == (0, f"winlogd {VERSION}\n", "")
    usage = run_to_end(tmp_path, "--help")
    assert (usage.returncode, usage.stderr) == (0, "")
    assert {"--config", "check-config", "--version"} <= set(re.findall(r"[\w-]+", usage.stdout))


@pytest.mark.parametrize("words", [("serve",), ("--config",), ("--config", "a", "b"), ("check-config", "x")])
def test_what_is_not_understood_is_told_with_the_usage(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = run_to_end(tmp_path, *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.match(r"winlogd: .*\nusage: ", ended.stderr)


def test_a_good_configuration_is_ok_and_nothing_else_happens(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[server]\nport = 3001\n")
    ended = run_to_end(tmp_path, "check-config", "--config", "mine.toml")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{tmp_path / 'mine.toml'}: ok\n", "")
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
