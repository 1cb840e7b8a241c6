"""How lines get out: from any thread, in order, and without ever holding anybody up."""

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from winlogd import log as log_module
from winlogd.log import Log
from winlogd.log_format import FORMATS, Record

# More than a pipe (64 KiB) and the log thread's hands can take, and less than anybody would wait for.
A_GREAT_MANY = 200_000


class Pipe:
    """A pipe as standard error; nothing is read from it until someone asks."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def read_to_the_end(self) -> list[str]:
        """Close the writing end and return the lines."""
        self.close_writer()
        with open(self.reader, "rb", closefd=False) as stream:
            return stream.read().decode().splitlines()

    def read_until(self, enough: Callable[[bytes], bool]) -> bytes:
        """What has come when `enough` says so; fails when nothing comes any more."""
        text = b""
        while not enough(text):
            assert select.select([self.reader], [], [], 20)[0], "nothing is written any more"
            text += os.read(self.reader, 1 << 16)
        return text

    def close_reader(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def close_writer(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close_reader()  # first, so that a log thread that is stuck in a write goes on
    for thread in threading.enumerate():
        if thread.name == "log":
            thread.join(20)
    pipe.close_writer()


def fields_of(line: str) -> dict[str, str]:
    return dict(re.findall(r" (\w+)=(\S+)", line))


def until(condition: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if condition():
            return
        time.sleep(0.001)
    pytest.fail("what was waited for did not come")


def dropped_counts(lines: list[str]) -> list[int]:
    return [int(fields_of(line)["count"]) for line in lines if " WARN log lines dropped " in line]


def test_a_line_is_written_when_the_log_stops(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    log.info("server", "listening", port=3000)
    log.stop(20)
    (line,) = pipe.read_to_the_end()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO listening port=3000", line)


def test_a_line_is_written_while_the_log_runs(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    for count in range(3):
        log.info("server", "tick", count=count)
        assert pipe.read_until(lambda text: text.endswith(b"\n")).endswith(f"count={count}\n".encode())
    log.stop(20)


def test_what_was_logged_before_the_start_is_written(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.info("server", "early")
    log.start()
    log.stop(20)
    assert len(pipe.read_to_the_end()) == 1


def test_what_was_logged_is_written_even_if_the_log_was_never_started(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.error("server", "cannot listen")
    log.stop(20)
    (line,) = pipe.read_to_the_end()
    assert line.endswith("ERROR cannot listen")


def test_start_and_stop_may_be_called_twice(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    log.start()
    log.info("server", "once")
    log.stop(20)
    log.stop(20)
    assert len(pipe.read_to_the_end()) == 1


def test_a_log_without_lines_stops_without_a_word(pipe: Pipe) -> None:
    Log("info", "compact", pipe.writer).stop(20)
    assert pipe.read_to_the_end() == []


def test_lines_after_the_stop_are_counted_as_dropped(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    log.stop(20)
    log.info("server", "too late")
    assert log.dropped == 1
    assert pipe.read_to_the_end() == []


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("trace", ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]),
        ("debug", ["DEBUG", "INFO", "WARN", "ERROR"]),
        ("info", ["INFO", "WARN", "ERROR"]),
        ("warn", ["WARN", "ERROR"]),
        ("error", ["ERROR"]),
    ],
)
def test_a_level_shows_itself_and_what_is_graver(pipe: Pipe, level: str, shown: list[str]) -> None:
    log = Log(level, "compact", pipe.writer)
    for say in (log.trace, log.debug, log.info, log.warn, log.error):
        say("server", "one call")
    for word in log_module.LEVELS:
        log.each(word, "server", "one row", (), [()])
    log.stop(20)
    written = [line.split()[1] for line in pipe.read_to_the_end()]
    assert written == shown + shown
    assert [word.upper() for word in log_module.LEVELS if log.enabled(word)] == shown


def test_an_unknown_level_or_format_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="'loud': must be one of trace, debug, info, warn, error"):
        Log("loud", "compact")
    with pytest.raises(ValueError, match="'xml': must be one of compact, full, json"):
        Log("info", "xml")


def test_each_row_of_a_batch_is_a_line(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    log.each("info", "store", "event stored", ("id", "user"), [(1, "alice"), (2, "bob")])
    log.each("info", "store", "event stored", ("id", "user"), [])
    log.stop(20)
    lines = pipe.read_to_the_end()
    assert [fields_of(line) for line in lines] == [{"id": "1", "user": "alice"}, {"id": "2", "user": "bob"}]


def test_fields_may_bear_the_names_of_the_parameters(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.info("server", "said", message="m", target="t", self="s")
    log.stop(20)
    (line,) = pipe.read_to_the_end()
    assert line.endswith("INFO said message=m target=t self=s")


class MuteError(Exception):
    """An error that fails when asked for its text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("error", [ValueError("two\nlines"), MuteError(), ExceptionGroup("all", [KeyError(1)])])
def test_an_exception_is_one_line_with_its_whole_traceback(pipe: Pipe, error: Exception) -> None:
    log = Log("info", "json", pipe.writer)
    try:
        raise error
    except Exception as caught:
        log.exception("http", "request failed", caught, path="/health", traceback="mine")
    log.stop(20)
    (line,) = pipe.read_to_the_end()
    fields = json.loads(line)
    assert (fields["level"], fields["path"], fields["traceback"]) == ("ERROR", "/health", "mine")
    assert "Traceback (most recent call last)" in fields["_traceback"]
    assert "raise error" in fields["_traceback"]
    assert type(error).__name__ in fields["_traceback"]


def test_a_waiting_exception_keeps_nothing_of_its_frames_alive(pipe: Pipe) -> None:
    class Connection:
        pass

    connections: list[weakref.ref[Connection]] = []
    log = Log("info", "compact", pipe.writer)

    def fail() -> None:
        connection = Connection()
        connections.append(weakref.ref(connection))
        raise ValueError("x")

    try:
        fail()
    except ValueError as error:
        log.exception("http", "request failed", error)
    assert [connection() for connection in connections] == [None]
    log.stop(20)


def test_lines_of_many_threads_all_arrive_whole_and_in_each_threads_order(pipe: Pipe) -> None:
    threads, lines_each = 50, 100
    log = Log("info", "compact", pipe.writer)
    log.start()

    def speak(number: int) -> None:
        for count in range(lines_each):
            if count % 2:
                log.info("server", "said", thread=number, count=count)
            else:
                log.each("info", "server", "said", ("thread", "count"), [(number, count)])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        speakers = [threading.Thread(target=speak, args=(number,)) for number in range(threads)]
        listener = threading.Thread(
            target=lambda: received.append(pipe.read_until(lambda text: text.count(b"\n") == threads * lines_each))
        )
        received: list[bytes] = []
        for thread in (*speakers, listener):
            thread.start()
        for thread in (*speakers, listener):
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    log.stop(20)
    heard: dict[str, list[int]] = {}
    for line in received[0].decode().splitlines():
        fields = fields_of(line)
        heard.setdefault(fields["thread"], []).append(int(fields["count"]))
    assert len(heard) == threads
    assert all(counts == list(range(lines_each)) for counts in heard.values())
    assert log.dropped == 0


def test_a_stalled_reader_holds_nobody_up_and_the_lost_lines_are_told(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    for number in range(A_GREAT_MANY // 100):  # returns although nobody reads
        log.each("info", "server", "said", ("n",), [(number * 100 + i,) for i in range(100)])
    dropped = log.dropped
    assert 0 < dropped < A_GREAT_MANY
    told = re.compile(rb"log lines dropped count=(\d+)\n")
    text = pipe.read_until(lambda text: sum(map(int, told.findall(text))) == dropped)
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
    log.stop(0.05)  # returns
    assert any(thread.name == "log" for thread in threading.enumerate())


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
    # A copy of a number that no other test's file can take meanwhile.
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
    # More than a pipe holds: the log thread is in the middle of the one line when the reader leaves.
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


def test_a_signal_handler_or_finalizer_may_log_in_the_middle_of_a_log_call(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)

    class Interrupted(list[tuple[object, ...]]):
        """Rows that are counted at the very place where others would have to wait."""

        def __len__(self) -> int:
            log.error("server", "interrupting")
            return super().__len__()

    log.each("info", "server", "interrupted", (), Interrupted([()]))
    log.stop(20)
    words = {line.split()[-1] for line in pipe.read_to_the_end()}
    assert words == {"interrupting", "interrupted"}


def test_an_error_is_written_without_gathering(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_GATHER_S", 600.0)
    log = Log("info", "compact", pipe.writer)
    log.start()
    log.info("server", "first")
    log.error("server", "second")
    text = pipe.read_until(lambda text: b"second\n" in text)
    assert text.count(b"\n") == 2
    log.info("server", "third")
    log.stop(20)
    (line,) = pipe.read_to_the_end()
    assert line.endswith("INFO third")


def test_a_log_with_nothing_to_write_sleeps(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)
    log.start()
    log.info("server", "said")
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "log"]

    def wakes() -> str:
        with open(f"/proc/self/task/{thread.native_id}/status") as status:
            return next(line for line in status if line.startswith("voluntary_ctxt_switches"))

    def slept_through_half_a_second() -> bool:
        before = wakes()
        time.sleep(0.5)
        return wakes() == before

    assert any(slept_through_half_a_second() for _ in range(10))
    log.stop(20)


def test_a_process_ends_although_nobody_reads_its_standard_error() -> None:
    program = (
        "from winlogd.log import Log\n"
        "log = Log('info', 'compact')\n"
        "log.start()\n"
        "log.error('server', 'said', text='x' * 1_000_000)\n"
        "log.stop(0.05)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as process:
        assert process.wait(60) == 0
