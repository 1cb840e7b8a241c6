"""A running server writes its log to standard error, and goes on serving if nobody reads it."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.support.locks import locked
from tests.support.running import Winlogd, an_event, listening_port, running, wait_for
from tests.support.wire import EVENTS, Wire, event_of, health, request

pytestmark = pytest.mark.long

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


def test_an_automatic_logoff_has_a_line_with_the_session_that_it_ends(server: Winlogd) -> None:
    first = server.post(an_event()).json
    server.post(an_event(timestamp="2026-01-13T09:00:00Z"))
    server.post(an_event(timestamp="2026-01-13T09:00:00Z"))  # a retry closes no session
    server.post(an_event(action="D", timestamp="2026-01-13T10:00:00Z"))
    assert server.stop() == 0
    [line] = lines_of(server, "session closed")
    told = f"id=2 user=alice host=A102-07 session={first['session_uuid']} logon=1"
    assert re.fullmatch(f"{TIME} INFO session closed by the next logon {told}", line)
    assert [row["origin"] for row in server.rows()] == ["client", "auto", "client", "client"]


def test_start_and_stop_have_lines(server: Winlogd) -> None:
    server.wait_until_open()
    assert server.stop() == 0
    words = ["listening address=127.0.0.1 port=", "database opened path=", "stopping", "stopped"]
    lines = server.log.splitlines()
    assert len(lines) == len(words)
    for line, word in zip(lines, words, strict=True):
        assert re.match(f"{TIME} INFO {word}", line)


def test_a_refused_request_has_a_line_that_says_why_and_who_and_nothing_else_it_sent(server: Winlogd) -> None:
    server.post(an_event(action="secret action", os_info={"os_name": "secret"}))
    server.request("GET", "/nowhere?secret=secret", headers={"X-Secret": "secret"})
    server.wait_for_log("status=404")
    begin = f"{TIME} WARN request refused address=127.0.0.1"
    event, other = lines_of(server, "request refused")
    assert re.fullmatch(
        f'{begin} status=400 reason="Invalid action" path=/api/v1/events host=A102-07 user=alice', event
    )
    assert re.fullmatch(f'{begin} status=404 reason="Not Found" path=/nowhere', other)
    assert "secret" not in server.log


EVENT: Final = json.dumps(an_event()).encode()
AGENT: Final = "User-Agent: Winlog/0.1.0"
LENGTH: Final = f"Content-Length: {len(EVENT)}"


@pytest.mark.parametrize(
    ("sent", "tells"),
    [
        (request("POST", EVENTS, LENGTH, body=EVENT), "status=403 .* host=A102-07 user=alice"),
        (request("POST", EVENTS, AGENT, LENGTH, body=EVENT), "status=415 .* host=A102-07 user=alice"),
        (request("POST", "/elsewhere", LENGTH, body=EVENT), "status=404 .* path=/elsewhere host=A102-07 user=alice"),
        (request("PUT", EVENTS, LENGTH, body=EVENT), "status=405 .* host=A102-07 user=alice"),
        (event_of(EVENT[:-1]), "status=400 .* host=A102-07 user=alice"),
        (event_of(b""), f"status=400 .* path={EVENTS}$"),
        (request("POST", EVENTS), f"status=411 .* path={EVENTS}$"),
        (request("POST", EVENTS, "Content-Length: 1048577"), f"status=413 .* path={EVENTS}$"),
        (request("POST", EVENTS, "Transfer-Encoding: chunked", body=b"z\r\n"), f"status=400 .* path={EVENTS}$"),
        (request("GET", "/x", "bad field"), "status=400 .* path=/x$"),
        (request("GET", "/x" * 900), f"status=404 .* path={'/x' * 100}$"),
        (b"nonsense\r\n\r\n", 'status=400 .*HTTP/1.x"$'),
    ],
)
def test_whatever_is_wrong_the_line_tells_path_host_and_user_as_far_as_they_are_known(
    sent: bytes, tells: str, shared_server: Winlogd
) -> None:
    source = f"127.0.1.{next(LAST)}"
    with Wire(shared_server.port, source=source) as wire:
        wire.send(sent)
        assert wire.answer().status >= 400
    shared_server.wait_for_log(f"(?m)WARN request refused address={source} {tells}")


LAST: Final = count(1)
"""The last numbers of addresses. Each test request has its own address, because an address gets ten lines a minute."""


def test_an_event_that_was_read_and_not_stored_is_told_with_its_host_and_user(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nevent_timeout = 0.2\n") as server, locked(server):
        assert server.post(an_event()).status == 503
        server.wait_for_log(
            f'WARN request refused .* reason="Database busy or full" path={EVENTS} host=A102-07 user=alice'
        )


def test_behind_a_trusted_proxy_each_client_has_its_own_address_and_ten_lines(server: Winlogd) -> None:
    for client in ("192.0.2.7", "2001:db8::7"):
        with Wire(server.port) as wire:
            for _ in range(25):
                wire.send(event_of(b"{", f"X-Forwarded-For: {client}, 127.0.0.1"))
                assert wire.answer().status == 400
            wire.send(
                request("POST", EVENTS, f"CF-Connecting-IP: {client}")
            )  # this is no valid request, but the log knows its sender
            assert wire.answer().status == 411
    assert server.stop() == 0
    for client in ("192.0.2.7", "2001:db8::7"):
        assert len(lines_of(server, f"request refused address={client} ")) == 10
        assert len(lines_of(server, f"refused in the last minute address={client} count=16$")) == 1
    assert "address=127.0.0.1 " not in server.log.partition("listening")[2].partition("\n")[2]


def test_nobody_elses_word_about_an_address_is_logged(tmp_path: Path) -> None:
    with running(tmp_path, "[security]\ntrusted_proxies = []\n") as server:
        server.post(an_event(action="X"), {"X-Forwarded-For": "192.0.2.7"})
        server.wait_for_log("request refused address=127.0.0.1 ")


def test_who_may_not_come_in_is_told_with_the_address_that_decided(tmp_path: Path) -> None:
    with running(tmp_path, '[security]\ningest_networks = ["10.0.0.0/8"]\n') as server:
        for forwarded in ("192.0.2.7", "10.0.0.5, 192.0.2.7"):
            assert server.post(an_event(), {"X-Forwarded-For": forwarded}).status == 403
        begin, end = "WARN request refused address=", f"path={EVENTS} host=A102-07 user=alice"
        server.wait_for_log(f'{begin}192.0.2.7 status=403 reason="Address not allowed" {end}')
        server.wait_for_log(f'{begin}10.0.0.5 status=403 reason="Address not allowed: 192.0.2.7" {end}')


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
    """Run a server whose log the harness need not read: the system knows its port."""
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
        server.post(an_event(username="secret", timestamp="2026-01-13T09:00:00Z"))
        server.post(an_event(username="secret", action="X"))
        server.post(an_event(username="secret", timestamp="now"))
        server.request("GET", "/api/v1/users/secret?x=1")
        assert server.stop() == 0
        assert "secret" not in server.log
        assert len(lines_of(server, "event stored")) == 2
        [closed] = lines_of(server, "session closed")
        assert "A102-07" in closed
        *refused, looked = lines_of(server, "request refused")
        assert len(refused) == 2
        assert all("A102-07" in line for line in refused)
        assert "/api/v1/users/…" in looked or r"/api/v1/users/\u2026" in looked


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


@pytest.mark.parametrize(("level", "lines"), [("warn", 1), ("error", 0)])
def test_a_quiet_level_leaves_the_daily_business_out(level: str, lines: int, tmp_path: Path) -> None:
    with speaking(tmp_path, f'level = "{level}"') as server:
        server.post(an_event())
        server.post(an_event(action="X"))
        assert server.stop() == 0
        assert [line for line in server.log.splitlines() if "request refused" not in line] == []
        assert server.log.count("\n") == lines


def test_a_standard_error_that_nobody_reads_stops_no_event(tmp_path: Path) -> None:
    """The log is a pipe that nobody reads. It holds 64 KiB, and the server logs ten times as much."""
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
