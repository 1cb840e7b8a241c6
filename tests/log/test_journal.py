"""Lines for systemd's journal have a priority; lines for anything else have none."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.piped import Pipe
from tests.support.running import Winlogd, an_event, run_to_end, running
from winlogd.log.log import Log


def stream_of(fd: int) -> str:
    status = os.fstat(fd)
    return f"{status.st_dev}:{status.st_ino}"


@pytest.mark.parametrize("form", ["compact", "full", "json"])
def test_each_line_begins_with_the_priority_of_its_level(
    form: str, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", stream_of(pipe.writer))
    log = Log("trace", form, pipe.writer)
    ways: list[Callable[..., None]] = [log.error, log.warn, log.info, log.debug, log.trace]
    for way in ways:
        way("server", "said", text="two\nlines")
    log.each("info", "store", "stored", ("id",), [(1,), (2,)])
    log.stop(20)
    lines = pipe.read_to_the_end()
    assert [line[:3] for line in lines] == ["<3>", "<4>", "<6>", "<7>", "<7>", "<6>", "<6>"]
    begin = r"\{\"time\"" if form == "json" else r"\d{4}-"
    assert all(re.match(begin, line[3:]) for line in lines)


@pytest.mark.parametrize("stream", ["", "1:1", "nonsense"])
def test_what_is_not_the_journal_gets_no_priorities(stream: str, pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where standard error was led to a file, in a service whose JOURNAL_STREAM is inherited."""
    monkeypatch.setenv("JOURNAL_STREAM", stream)
    log = Log("info", "compact", pipe.writer)
    log.warn("server", "said")
    log.stop(20)
    assert [line[:2] for line in pipe.read_to_the_end()] == ["20"]


def test_lines_that_were_dropped_are_a_warning_in_the_journal(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", stream_of(pipe.writer))
    monkeypatch.setattr("winlogd.log.log._CAPACITY_LINES", 1)
    log = Log("info", "compact", pipe.writer)
    for _ in range(3):
        log.info("server", "said")
    log.stop(20)
    kept, told = pipe.read_to_the_end()
    assert (kept[:3], told[:3]) == ("<6>", "<4>")
    assert told.endswith("log lines dropped count=2")


def test_a_server_whose_standard_error_is_the_journal_tells_it_what_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "winlogd.log").touch()
    status = (tmp_path / "winlogd.log").stat()
    with running(tmp_path, environ={"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}) as server:
        server.post(an_event())
        server.post(an_event(action="X"))
        assert server.stop() == 0
        priorities = {line.split(" ", 2)[2].split(" address=")[0]: line[:3] for line in server.log.splitlines()}
    assert priorities["request refused"] == "<4>"
    assert priorities["stopped"] == "<6>"
    assert set(priorities.values()) == {"<4>", "<6>"}


@pytest.mark.parametrize("words", [("serve",), ("rotate",), ("check-config",)])
def test_what_a_command_complains_of_is_an_error_in_the_journal(words: tuple[str, ...], tmp_path: Path) -> None:
    """As a service does whose configuration has mistakes."""
    server = Winlogd(tmp_path, 'host = "x"\n[server]\nprot = 1\n')
    server.log_file.touch()
    status = server.log_file.stat()
    server._environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
    server.command = (*server.command[:3], *words, *server.command[3:])
    server.spawn()
    assert server.wait() == 2
    assert [line[:12] for line in server.log.splitlines()] == ["<3>winlogd: "] * 2


def test_elsewhere_a_command_complains_without_priorities(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("prot = 1\n")
    assert run_to_end(tmp_path, environ={"JOURNAL_STREAM": "1:1"}).stderr.startswith("winlogd: config.toml")
