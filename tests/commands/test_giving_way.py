"""Commands that may take long let the server go first on the processor, where it cannot wait for them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.older import csv_of, older_row
from tests.support.running import A_SMALL_DISK_WILL_DO, wait_for
from tests.support.small_site import READING, make_site

pytestmark = pytest.mark.long

_NICE = max(10, os.nice(0))


@contextmanager
def waiting(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that waits at its end, because nobody reads the pipe that is its standard output."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, bytes(4096)):
            pass
    os.set_blocking(writing, True)
    command = subprocess.Popen(
        (sys.executable, "-m", "winlogd", *words), cwd=folder, env={**os.environ, **A_SMALL_DISK_WILL_DO},
        stdout=writing, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        yield command
    finally:
        os.close(reading)
        command.wait()


def nice(command: subprocess.Popen[bytes]) -> int:
    return os.getpriority(os.PRIO_PROCESS, command.pid)


@pytest.mark.parametrize("words", [*READING, ("export",), ("export", "--person", "--user", "alice"), ("doctor",)])
def test_a_command_that_reads_gives_way(site: Path, words: tuple[str, ...]) -> None:
    with waiting(site, *words) as command:
        wait_for(lambda: nice(command) == _NICE, "the low priority", command)


def test_an_import_gives_way(tmp_path: Path) -> None:
    own_site = make_site(tmp_path)
    rows = csv_of(tmp_path / "rows.csv", (older_row(number) for number in range(5000)))
    with waiting(own_site, "import", str(rows), "--yes") as command:
        wait_for(lambda: list((own_site / "data").glob("winlogd-import-*")), "the staging file", command)
        assert nice(command) == _NICE


def test_a_reader_gives_way_once_and_not_if_a_commit_waits_for_it() -> None:
    code = """
import os
from winlogd.commands.giving_way import give_way
from winlogd.config.sections import Config, Database
give_way(Config(database=Database(pragma_journal_mode="DELETE")))
print(os.nice(0))
give_way(Config())
give_way(Config())
print(os.nice(0))
"""
    ended = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert ended.stdout.split() == [str(os.nice(0)), str(_NICE)]
