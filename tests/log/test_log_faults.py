"""Nobody reads the lines, or the descriptor fails: no caller waits, and lost lines are reported."""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.piped import Pipe, dropped_counts, fields_of
from winlogd.log import log as log_module
from winlogd.log.form import FORMATS
from winlogd.log.lines import Record
from winlogd.log.log import Log

A_GREAT_MANY = 200_000
"""More lines than a pipe (64 KiB), the log thread and the buffer can hold, and few enough for a short test."""


def test_a_stalled_reader_holds_nobody_up_and_the_lost_lines_are_told(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    for number in range(A_GREAT_MANY // 100):  # each call returns, although nobody reads
        log.each("info", "server", "said", ("n",), [(number * 100 + i,) for i in range(100)])
    dropped = log.dropped
    assert 0 < dropped < A_GREAT_MANY
    told = re.compile(rb"log lines dropped count=(\d+)\n")
    text = pipe.read_until(lambda text: text.count(b" INFO said ") + sum(map(int, told.findall(text))) == A_GREAT_MANY)
    log.info("server", "back")
    log.stop(20)
    lines = text.decode().splitlines() + pipe.read_to_the_end()
    said = [line for line in lines if " INFO said " in line]
    assert sum(dropped_counts(lines)) == log.dropped == dropped
    assert len(said) + dropped == A_GREAT_MANY
    assert lines[-1].endswith("INFO back")


def test_what_a_full_buffer_still_has_room_for_is_kept(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_CAPACITY_LINES", 5)
    log = Log("info", "compact", pipe.writer)
    log.each("info", "server", "said", ("n",), [(n,) for n in range(3)])
    log.each("info", "server", "said", ("n",), [(n,) for n in range(3, 7)])
    log.info("server", "said", n=7)
    assert log.dropped == 3
    log.stop(20)
    *kept, told = pipe.read_to_the_end()
    assert [fields_of(line)["n"] for line in kept] == ["0", "1", "2", "3", "4"]
    assert dropped_counts([told]) == [3]


def test_lost_lines_are_told_at_any_level(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_CAPACITY_LINES", 1)
    log = Log("error", "compact", pipe.writer)
    log.error("server", "first")
    log.error("server", "second")
    log.stop(20)
    assert dropped_counts(pipe.read_to_the_end()) == [1]


def test_the_stop_gives_up_when_the_reader_stalls(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    log.each("info", "server", "said", ("text",), [("x" * 1000,)] * 1000)
    log.stop(0.05)  # returns, although nobody reads
    assert any(thread.name == "log" for thread in threading.enumerate())


def test_a_process_ends_although_nobody_reads_its_standard_error() -> None:
    program = (
        "from winlogd.log.log import Log\n"
        "log = Log('info', 'compact')\n"
        "log.start()\n"
        "log.error('server', 'said', text='x' * 1_000_000)\n"
        "log.stop(0.05)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as process:
        assert process.wait(60) == 0


@contextlib.contextmanager
def non_blocking(fd: int) -> Iterator[None]:
    os.set_blocking(fd, False)
    try:
        yield
    finally:
        os.set_blocking(fd, True)


def test_a_non_blocking_descriptor_loses_nothing_when_it_is_full(pipe: Pipe) -> None:
    with non_blocking(pipe.writer):
        log = Log("info", "compact", pipe.writer)
        log.start()
        log.each("info", "server", "said", ("n", "text"), [(n, "x" * 1000) for n in range(1000)])
        lines = pipe.read_until(lambda text: text.count(b"\n") == 1000).decode().splitlines()
        log.stop(20)
    assert [fields_of(line)["n"] for line in lines] == [str(n) for n in range(1000)]
    assert log.dropped == 0


def test_a_reader_that_left_costs_the_lines_and_nothing_else(pipe: Pipe) -> None:
    pipe.close_reader()
    log = Log("info", "compact", pipe.writer)
    log.start()
    for _ in range(5):
        log.info("server", "said")
    log.stop(20)
    assert log.dropped == 5


def test_a_closed_descriptor_costs_the_lines_and_nothing_else(pipe: Pipe) -> None:
    # A descriptor with a number that no other file can get meanwhile.
    high = os.dup2(pipe.writer, 900)
    os.close(high)
    log = Log("info", "compact", high)
    log.info("server", "said")
    log.stop(20)
    assert log.dropped == 1


def test_a_full_disk_costs_the_lines_and_nothing_else() -> None:
    with open("/dev/full", "wb", buffering=0) as full_disk:
        log = Log("info", "compact", full_disk.fileno())
        log.each("info", "server", "said", ("n",), [(1,), (2,)])
        log.stop(20)
    assert log.dropped == 2


def until(condition: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if condition():
            return
        time.sleep(0.001)
    pytest.fail("what was waited for did not come")


def test_the_log_comes_back_after_a_fault_and_tells_what_was_lost(pipe: Pipe) -> None:
    with open("/dev/full", "wb", buffering=0) as full_disk:
        fd = os.dup(full_disk.fileno())
    log = Log("info", "compact", fd)
    log.start()
    log.error("server", "lost")
    until(lambda: log.dropped > 0)
    os.dup2(pipe.writer, fd)
    log.info("server", "back")
    log.stop(20)
    os.close(fd)
    first, second = pipe.read_to_the_end()
    assert first.endswith("INFO back")
    assert dropped_counts([second]) == [1]


def test_a_line_that_broke_off_does_not_run_into_the_next(pipe: Pipe) -> None:
    broken = Pipe()
    fd = os.dup(broken.writer)
    log = Log("info", "compact", fd)
    log.start()
    # A pipe cannot hold this line: the log thread is in the middle of it when the reader leaves.
    log.error("server", "said", text="x" * 1_000_000)
    broken.read_until(lambda text: len(text) > 0)
    broken.close_reader()
    until(lambda: log.dropped > 0)
    os.dup2(pipe.writer, fd)
    log.info("server", "back")
    log.stop(20)
    os.close(fd)
    broken.close_writer()
    ended, back, told = pipe.read_to_the_end()
    assert ended == ""
    assert back.endswith("INFO back")
    assert dropped_counts([told]) == [1]


def test_a_log_that_fails_to_render_counts_the_line_and_goes_on(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    real = FORMATS["compact"]

    def short_of_memory(record: Record) -> bytes:
        if record.message == "large":
            raise MemoryError
        return real(record)

    monkeypatch.setitem(FORMATS, "compact", short_of_memory)
    log = Log("info", "compact", pipe.writer)
    log.start()
    log.info("server", "large")
    log.info("server", "small")
    log.stop(20)
    assert log.dropped == 1
    assert any(line.endswith("INFO small") for line in pipe.read_to_the_end())
