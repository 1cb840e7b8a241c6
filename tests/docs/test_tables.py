"""The tables of the pages list every status that winlogd sends, and the limits that the fields of an event have."""

import re
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.docs.pages import EVERYTHING, LOGON
from tests.support.running import running
from winlogd.events.decode import EventDecoder, InvalidEventError
from winlogd.http.wire.message import REASONS

pytestmark = pytest.mark.long  # each row of the tables is shown by a server

# ── the table of statuses ─────────────────────────────────────────────────────────────────────────────────

_EVENT: Final = orjson.dumps(LOGON)
_CLIENT: Final = b"Host: a\r\nUser-Agent: Winlog/0.1.0\r\nContent-Type: application/json\r\n"
_POST: Final = b"POST /api/v1/events HTTP/1.1\r\n"
_LENGTH: Final = b"Content-Length: %d\r\n\r\n" % len(_EVENT)

PROVOKED: Final = {
    200: _POST + _CLIENT + _LENGTH + _EVENT,
    400: _POST + _CLIENT + b"Content-Length: 2\r\n\r\n{]",
    403: _POST + _CLIENT.replace(b"Winlog/", b"curl/") + _LENGTH + _EVENT,
    404: b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
    405: b"PUT /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n",
    408: _POST,
    411: _POST + _CLIENT + b"\r\n",
    413: _POST + _CLIENT + b"Content-Length: 99999999\r\n\r\n",
    414: b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n",
    415: _POST + _CLIENT.replace(b"json", b"xml") + _LENGTH + _EVENT,
    417: _POST + _CLIENT + b"Expect: a miracle\r\n" + _LENGTH + _EVENT,
    431: _POST + b"X: y\r\n" * 200 + b"\r\n",
    501: b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    505: b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
}
"""A request for each status in the table that a single request can cause."""


def _statuses_in_the_table() -> set[int]:
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", EVERYTHING, re.MULTILINE)
    return {int(status) for row in rows for status in row.split(", ")}


@pytest.mark.parametrize("status", PROVOKED)
def test_a_request_brings_the_status_that_the_table_gives(status: int, tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nheaders_timeout = 0.2\n") as server:
        assert _status_line(server.port, PROVOKED[status]).startswith(f"HTTP/1.1 {status} ")


def test_a_locked_database_brings_503(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nevent_timeout = 0.2\n") as server:
        server.wait_for_log("database opened")
        with closing(sqlite3.connect(server.database)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert server.post(LOGON).status == 503
        assert server.post(LOGON).status == 200


def test_more_events_than_allowed_bring_429(tmp_path: Path) -> None:
    with running(tmp_path, "[limits]\nevents_per_second = 0.001\n") as server:
        assert server.post(LOGON).status == 200
        answer = server.post(LOGON)
        assert answer.status == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 1000


def test_an_unchanged_snapshot_brings_304(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_open()
        tag = server.request("GET", "/api/v1/snapshot").headers["etag"]
        assert server.request("GET", "/api/v1/snapshot", headers={"If-None-Match": tag}).status == 304


def test_the_table_has_every_status_that_winlogd_sends() -> None:
    for_requests_that_carry_no_event = {100, 204, 303}
    assert _statuses_in_the_table() == set(REASONS) - for_requests_that_carry_no_event
    assert _statuses_in_the_table() - set(PROVOKED) == {304, 429, 500, 503}  # 500 needs a fault in winlogd


# ── the table of fields ───────────────────────────────────────────────────────────────────────────────────


def _levels(count: int) -> orjson.Fragment:
    return orjson.Fragment("[" * count + "]" * count)


@pytest.mark.parametrize(
    ("largest", "too_large"),
    [
        ({"username": "x" * 256}, {"username": "x" * 257}),
        ({"hostname": "x" * 255}, {"hostname": "x" * 256}),
        ({"os_info": {"os_name": "x" * 256}}, {"os_info": {"os_name": "x" * 257}}),
        ({"hardware_info": "x" * (64 * 1024 - 2)}, {"hardware_info": "x" * (64 * 1024 - 1)}),
        ({"hardware_info": _levels(200)}, {"hardware_info": _levels(201)}),
        ({"other": _levels(1023)}, {"other": _levels(1024)}),  # the event itself is one level more
    ],
    ids=["username", "hostname", "os_info", "hardware_info's size", "hardware_info's levels", "levels"],
)  # fmt: skip
def test_a_field_may_be_as_large_as_the_text_says(largest: dict[str, object], too_large: dict[str, object]) -> None:
    decode = EventDecoder(("C", "D", "M")).decode
    decode(orjson.dumps(LOGON | largest))
    with pytest.raises(InvalidEventError):
        decode(orjson.dumps(LOGON | too_large))


def _status_line(port: int, request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), 30) as connection, connection.makefile("rb") as answer:
        connection.sendall(request)
        return answer.readline().decode()
