"""Lines are written from any thread, in order, at once or gathered."""

import json
import re
import sys
import threading
import time
import weakref

import pytest

from tests.support.piped import Pipe, fields_of
from winlogd.log import log as log_module
from winlogd.log.form import FORMATS, LEVELS
from winlogd.log.log import Log


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
    for word in LEVELS:
        log.each(word, "server", "one row", (), [()])
    log.stop(20)
    written = [line.split()[1] for line in pipe.read_to_the_end()]
    assert written == shown + shown
    assert [word.upper() for word in LEVELS if log.enabled(word)] == shown


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


@pytest.mark.parametrize("form", FORMATS)
def test_a_secret_is_masked_in_every_value_and_the_rest_of_the_line_stays(pipe: Pipe, form: str) -> None:
    secret = "Zk3-correct.horse_battery"
    for text in (secret, "***"):
        log = Log("info", form, pipe.writer, secret)
        log.info("server", f"said {text}", text=f"<{text}>", other="plain")
        log.each("info", "server", "said", ("text",), [(text,), (f"{text}{text}",)])
        log.stop(20)
    lines = [line.partition("Z")[2] for line in pipe.read_to_the_end()]  # without the time
    assert len(lines) == 6
    assert lines[:3] == lines[3:]


class MuteError(Exception):
    """An error whose `__str__` raises."""

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


def test_a_signal_handler_or_finalizer_may_log_in_the_middle_of_a_log_call(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer)

    class Interrupted(list[tuple[object, ...]]):
        """Rows that log when the log counts them. At this point other threads would have to wait."""

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


def test_a_change_counts_for_the_next_line_and_every_secret_stays_masked(pipe: Pipe) -> None:
    log = Log("info", "compact", pipe.writer, secret="one-secret")
    log.start()
    log.change("warn", "json", "one-secret-more")
    log.info("server", "not shown")
    log.warn("server", "shown", old="one-secret", new="one-secret-more")
    log.stop(20)
    (line,) = pipe.read_to_the_end()
    assert json.loads(line).items() >= {"message": "shown", "old": "***", "new": "***"}.items()


@pytest.mark.parametrize(("level", "format"), [("loud", "json"), ("info", "xml")])
def test_a_change_that_is_wrong_changes_nothing(pipe: Pipe, level: str, format: str) -> None:
    log = Log("error", "compact", pipe.writer)
    with pytest.raises(ValueError, match="must be one of"):
        log.change(level, format)
    assert not log.enabled("warn")
