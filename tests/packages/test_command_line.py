"""The manual and the completion of bash say what the commands themselves say."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packages.building import EPOCH
from tests.support.paths import ROOT
from winlogd.cli import COMMANDS, main

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def completion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The completion of bash, as a file."""
    file = tmp_path_factory.mktemp("completion") / "winlogd"
    file.write_text(_printed("completion.py"))
    return file


@pytest.fixture
def helps(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The help of winlogd as ``""``, and that of each command."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    texts = {}
    for name in ("", *COMMANDS):
        assert main([*filter(None, [name]), "--help"]) == 0
        texts[name] = capsys.readouterr().out
    return texts


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed (Debian: man-db)")
def test_the_manual_shows_the_help_of_every_command_as_it_is(helps: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "winlogd.1"
    file.write_text(_printed("manpage.py"))
    environ = {**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"}
    command = ["man", "--warnings", "-E", "UTF-8", "-P", "cat", "-l", str(file)]
    shown = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert shown.stderr == ""
    assert "WINLOGD(1)" in shown.stdout
    assert [name for name, text in helps.items() if text.strip() not in shown.stdout] == []


def test_bash_completes_the_commands(completion: Path) -> None:
    assert _completed(completion, "") == {*COMMANDS, "--config", "--help", "--version"}
    assert _completed(completion, "to") == {"token"}


def test_bash_completes_the_flags_of_each_command(completion: Path, helps: dict[str, str]) -> None:
    for name in COMMANDS:
        options = helps[name].partition("\noptions:\n")[2].partition("\nexample")[0]
        flags = {flag for line in options.splitlines() for flag in re.findall(r"^  (?:-\w, )?(--[\w-]+)", line)}
        assert "--config" in flags
        assert _completed(completion, name, "--") == flags


def test_bash_completes_the_words_and_choices_of_a_command(completion: Path) -> None:
    assert {"add", "list", "revoke"} <= _completed(completion, "token", "")
    assert _completed(completion, "token", "add", "wall", "--scope", "") == {"wall", "metrics", "now", "all", "audit"}


def test_bash_completes_names_of_files_after_a_flag_with_a_value(completion: Path) -> None:
    assert _completed(completion, "who", "--config", "") == set()  # then bash takes files: "complete -o default"
    assert "complete -o default -F _winlogd winlogd\n" in completion.read_text()


def _printed(script: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": EPOCH}
    command = [sys.executable, str(ROOT / "packaging" / script)]
    return subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout


def _completed(completion: Path, *words: str) -> set[str]:
    """Return what bash offers for the last of `words` of a command line."""
    script = (
        'set -eu; . "$1"; shift; COMP_WORDS=(winlogd "$@"); COMP_CWORD=$#; _winlogd; printf "%s\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script, "bash", completion, *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())
