"""While the running server carries out an order, a person sees the progress and a script does not."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.control.speaking import serving
from tests.support.running import PATIENCE_S
from tests.support.terminals import run_on_a_terminal
from winlogd import cli
from winlogd.commands import remote
from winlogd.commands.terminal import warn
from winlogd.control.server import Order

SENTENCE: Final = "80000 rows moved"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Make a file for the database: before the command asks the server, it looks only whether the file exists."""
    database = tmp_path / "data" / "winlog.db"
    database.parent.mkdir()
    database.touch()
    return database


def control(database: Path) -> Path:
    return database.with_name("winlog.db.control")


def rotate(order: Order) -> None:
    order.progress(rows_moved=4096, rows_in_all=80000)
    order.progress(rows_moved="8\x1b[2J\n")
    order.progress(text="x" * 500)
    order.done(sentence=SENTENCE)


def rotate_in_vain(order: Order) -> None:
    order.progress(rows_moved=4096)
    order.failed("the disk is full")


def test_on_a_terminal_one_line_shows_the_progress_and_is_gone_at_the_end(database: Path) -> None:
    with serving(control(database), rotate=rotate):
        status, printed, shown = run_on_a_terminal(database.parents[1], "rotate")

    assert (status, printed) == (0, f"{SENTENCE}\n")
    first, second, third, blank, end = shown.split("\r")[1:]
    assert first == "rows moved: 4096, rows in all: 80000"
    assert second.rstrip() == r"rows moved: 8\x1b[2J\n"
    assert third == f"text: {'x' * 73}"
    assert (blank, end) == (" " * 79, "")
    assert len(second) == len(first)  # the second covers the first


def test_on_a_terminal_the_progress_is_gone_before_a_fault_is_told(database: Path) -> None:
    with serving(control(database), rotate=rotate_in_vain):
        status, printed, shown = run_on_a_terminal(database.parents[1], "rotate")

    assert (status, printed) == (1, "")
    assert shown == f"\rrows moved: 4096\r{' ' * 16}\rwinlogd: the disk is full\r\n"


def test_a_script_sees_no_progress(database: Path) -> None:
    with serving(control(database), rotate=rotate):
        ended = subprocess.run(COMMAND, cwd=database.parents[1], capture_output=True, text=True, timeout=PATIENCE_S)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{SENTENCE}\n", "")


def test_a_fault_of_the_order_is_told_with_status_1(database: Path) -> None:
    with serving(control(database), rotate=rotate_in_vain):
        ended = subprocess.run(COMMAND, cwd=database.parents[1], capture_output=True, text=True, timeout=PATIENCE_S)

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "winlogd: the disk is full\n")


def test_who_waits_for_long_is_told_why(
    database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(database.parents[1])
    monkeypatch.setattr(remote, "_PATIENCE_S", 0.1)
    with serving(control(database)) as desk:
        desk.handle("rotate", desk.waiting.put)

        def warn_and_go_on(sentence: str) -> None:
            warn(sentence)
            order = desk.waiting.get(timeout=PATIENCE_S)
            desk.do(lambda: order.done(sentence=SENTENCE))

        monkeypatch.setattr(remote, "warn", warn_and_go_on)
        assert cli.main(["rotate"]) == 0

    told = capsys.readouterr()
    assert told.out == f"{SENTENCE}\n"
    [line] = told.err.splitlines()
    assert line.startswith("winlogd: the running winlogd is working on it. Many rows take minutes")


def test_a_person_who_ends_the_command_gets_one_line_and_status_1(database: Path) -> None:
    with serving(control(database)) as desk:
        desk.handle("rotate", desk.waiting.put)
        process = subprocess.Popen(
            COMMAND, cwd=database.parents[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        desk.waiting.get(timeout=PATIENCE_S)
        process.send_signal(signal.SIGINT)
        printed, shown = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, printed) == (1, "")
    assert shown == "winlogd: ended by Ctrl-C before the command was done\n"


def test_a_server_of_another_version_is_told_of_with_status_1(database: Path) -> None:
    with serving(control(database), rotate=lambda order: order.done(rows=5)):
        ended = subprocess.run(COMMAND, cwd=database.parents[1], capture_output=True, text=True, timeout=PATIENCE_S)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "winlogd: the running winlogd answers as another version does; restart it, then try again\n"


COMMAND: Final = (sys.executable, "-m", "winlogd", "rotate")
