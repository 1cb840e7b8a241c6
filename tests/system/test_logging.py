"""What a running server writes to standard error, and that it goes on serving when nobody reads that."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.running import Winlogd, an_event, listening_port, running, wait_for
from tests.support.wire import Wire, event_of, health

TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
ODD_NAMES: Final = [
    "two words",
    'quo"ted',
    "DOMAIN\\alice",
    "a=b c=d",
    "Jérôme 东",
    "line\u2028separator",
    "right\u202eleft",
    "\ufeffmark",
    "x INFO event stored id=1 user=forged",
    "{'json': \"no\"}",
]


def lines_of(server: Winlogd, pattern: str) -> list[str]:
    return [line for line in server.log.split("\n") if re.search(pattern, line)]


def test_a_stored_event_has_a_line_with_what_it_is(server: Winlogd) -> None:
    answer = server.post(an_event()).json
    server.wait_for_log("event stored")
    (line,) = lines_of(server, "event stored")
    assert re.fullmatch(
        f"{TIME} INFO event stored id=1 action=C user=alice host=A102-07"
        f" session={answer['session_uuid']} address=127.0.0.1",
        line,
    )


def test_a_retry_has_no_line_of_its_own(server: Winlogd) -> None:
    for _ in range(3):
        server.post(an_event())
    assert server.stop() == 0
    assert len(lines_of(server, "event stored")) == 1


def test_start_and_stop_have_lines(server: Winlogd) -> None:
    server.wait_until_open()
    assert server.stop() == 0
    words = ["listening address=127.0.0.1 port=", "database opened path=", "stopping", "stopped"]
    lines = server.log.splitlines()
    assert len(lines) == len(words)
    for line, word in zip(lines, words, strict=True):
        assert re.match(f"{TIME} INFO {word}", line)


def test_a_refused_request_has_a_line_with_address_and_reason_and_nothing_it_sent(server: Winlogd) -> None:
    server.post(an_event(username="secret", action="secret action"))
    server.request("GET", "/secret-path")
    server.wait_for_log("status=404")
    refused = lines_of(server, "request refused")
    assert re.fullmatch(f'{TIME} INFO request refused address=127.0.0.1 status=400 reason="Invalid action"', refused[0])
    assert re.fullmatch(f'{TIME} INFO request refused address=127.0.0.1 status=404 reason="Not Found"', refused[1])
    assert "secret" not in server.log


def test_of_an_addresss_refusals_ten_are_shown_and_the_others_counted(server: Winlogd) -> None:
    for source in (None, "127.0.0.2"):
        with Wire(server.port, source=source) as wire:
            for _ in range(25):
                wire.send(event_of(b"{"))
                assert wire.answer().status == 400
    assert server.stop() == 0
    for address in ("127.0.0.1", "127.0.0.2"):
        assert len(lines_of(server, f"request refused address={address} ")) == 10
        assert len(lines_of(server, f"refused in the last minute address={address} count=15$")) == 1


def test_at_debug_what_was_sent_is_shown_within_the_same_ten_lines(tmp_path: Path) -> None:
    with running(tmp_path, '[logging]\nlevel = "debug"\n') as server:
        with Wire(server.port) as wire:
            for _ in range(25):
                wire.send(event_of(b'{"username":"bob\n\x1b[2J"'))
                assert wire.answer().status == 400
        assert server.stop() == 0
        shown = lines_of(server, "bob")
        assert len(shown) == 10
        assert "\x1b" not in server.log


@contextmanager
def speaking(folder: Path, logging: str) -> Iterator[Winlogd]:
    """A running server whose log the harness need not understand: its port is known from the system."""
    server = Winlogd(folder, f"[logging]\n{logging}\n")
    try:
        server.spawn()
        server.port = wait_for(lambda: listening_port(server.process.pid), "a listening socket", server.process)
        yield server
    finally:
        server.kill()


@pytest.mark.parametrize(("level", "form"), [("info", "compact"), ("debug", "full"), ("trace", "json")])
def test_without_names_no_line_tells_who(level: str, form: str, tmp_path: Path) -> None:
    with speaking(tmp_path, f'level = "{level}"\nformat = "{form}"\nnames = false') as server:
        server.post(an_event(username="secret"))
        server.post(an_event(username="secret", action="X"))
        server.post(an_event(username="secret", timestamp="now"))
        assert server.stop() == 0
        assert "secret" not in server.log
        assert len(lines_of(server, "event stored")) == 1
        assert len(lines_of(server, "request refused")) == 2


def test_no_name_can_make_a_second_line_or_reach_the_terminal(server: Winlogd) -> None:
    for name in ODD_NAMES:
        assert server.post(an_event(username=name, hostname=name)).status == 200
    assert server.stop() == 0
    text = server.log
    assert len(lines_of(server, f"^{TIME} INFO event stored id=")) == len(ODD_NAMES)
    assert len(text.splitlines()) == text.count("\n")
    assert all(character == "\n" or character.isprintable() for character in text)


def test_json_lines_can_be_read_back(tmp_path: Path) -> None:
    with speaking(tmp_path, 'format = "json"') as server:
        for name in ODD_NAMES:
            server.post(an_event(username=name))
        server.request("GET", "/nowhere")
        assert server.stop() == 0
        entries = [json.loads(line) for line in server.log.split("\n") if line]
    stored = [entry for entry in entries if entry["message"] == "event stored"]
    assert [entry["user"] for entry in stored] == ODD_NAMES
    assert all(list(entry)[:4] == ["time", "level", "target", "message"] for entry in entries)
    (refused,) = [entry for entry in entries if entry["message"] == "request refused"]
    assert (refused["address"], refused["status"], refused["reason"]) == ("127.0.0.1", 404, "Not Found")


def test_a_quiet_level_leaves_the_daily_business_out(tmp_path: Path) -> None:
    with speaking(tmp_path, 'level = "warn"') as server:
        server.post(an_event())
        server.post(an_event(action="X"))
        assert server.stop() == 0
        assert server.log == ""


def test_a_standard_error_that_nobody_reads_stops_no_event(tmp_path: Path) -> None:
    """The log is a pipe whose reader has stopped reading: 64 KiB fit in, and ten times as much is said."""
    os.mkfifo(tmp_path / "winlogd.log")
    reader = os.open(tmp_path / "winlogd.log", os.O_RDONLY | os.O_NONBLOCK)
    with speaking(tmp_path, 'level = "info"') as server, Wire(server.port) as wire:
        for batch in range(10):
            names = [f"u{batch}.{number}" + "x" * 200 for number in range(200)]
            wire.send(b"".join(event_of(an_event(username=name, action="M")) for name in names))
            assert [wire.answer().status for _ in names] == [200] * 200
        wire.send(health())
        assert wire.answer().status == 200
        assert server.rows("SELECT count(*) AS stored FROM events_today") == [{"stored": 2000}]
        wire.socket.close()
        assert server.stop() == 0
    os.close(reader)
