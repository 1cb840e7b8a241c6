"""The log shows refused requests, and one client cannot fill it with them."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from winlogd.config.sections import Config
from winlogd.daemon.observer import RequestObserver
from winlogd.daemon.refusals import About, Refusals
from winlogd.http.wire.message import Response
from winlogd.log.log import Log

ADDRESSES_REMEMBERED = 1024


class Written:
    """A log that writes to a file, and the lines that it has written."""

    def __init__(self, path: Path, level: str) -> None:
        self._path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.log = Log(level, "json", self._fd)

    def lines(self) -> list[dict[str, Any]]:
        self.log.stop(20)
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def close(self) -> None:
        self.log.stop(20)
        os.close(self._fd)


@pytest.fixture
def info(tmp_path: Path) -> Iterator[Written]:
    written = Written(tmp_path / "info", "info")
    yield written
    written.close()


@pytest.fixture
def debug(tmp_path: Path) -> Iterator[Written]:
    written = Written(tmp_path / "debug", "debug")
    yield written
    written.close()


def counts(lines: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(line["address"], line["count"]) for line in lines if "count" in line]


def test_a_refused_request_shows_address_status_and_reason(info: Written) -> None:
    Refusals(info.log).refused(0.0, "10.0.0.7", 403, "Invalid User-Agent")
    (line,) = info.lines()
    assert line["level"] == "WARN"
    assert line["message"] == "request refused"
    assert (line["address"], line["status"], line["reason"]) == ("10.0.0.7", 403, "Invalid User-Agent")


def test_refused_requests_are_counted_by_status_and_reason_without_an_address(info: Written) -> None:
    refusals = Refusals(info.log)
    for address in ("10.0.0.7", "10.0.0.8"):
        refusals.refused(0.0, address, 403, f"Address not allowed: {address}")
    refusals.refused(0.0, "10.0.0.7", 415, "Invalid Content-Type")
    assert refusals.totals == {(403, "Address not allowed"): 2, (415, "Invalid Content-Type"): 1}


def test_the_kinds_of_refused_requests_that_are_counted_have_a_bound(info: Written) -> None:
    refusals = Refusals(info.log)
    for number in range(1000):
        refusals.refused(0.0, "10.0.0.7", 400, f"reason {number}")
    assert len(refusals.totals) == 101
    assert refusals.totals[400, "other"] == 900


def test_an_address_has_ten_lines_a_minute_and_then_a_count(info: Written) -> None:
    refusals = Refusals(info.log)
    for second in range(25):
        refusals.refused(float(second), "10.0.0.7", 400, "Invalid JSON")
    refusals.sweep(59.9)
    refusals.sweep(60.0)
    refusals.sweep(61.0)
    lines = info.lines()
    assert len(lines) == 11
    assert lines[-1]["message"] == "more requests refused in the last minute"
    assert counts(lines) == [("10.0.0.7", 15)]


def test_ten_refusals_in_a_minute_have_no_count(info: Written) -> None:
    refusals = Refusals(info.log)
    for _ in range(10):
        refusals.refused(0.0, "10.0.0.7", 400, "Invalid JSON")
    refusals.sweep(60.0)
    assert counts(info.lines()) == []


def test_a_new_minute_has_new_lines_and_first_tells_the_old_count(info: Written) -> None:
    refusals = Refusals(info.log)
    for _ in range(11):
        refusals.refused(0.0, "10.0.0.7", 400, "old")
    refusals.refused(60.0, "10.0.0.7", 400, "new")
    lines = info.lines()
    assert counts(lines) == [("10.0.0.7", 1)]
    assert "count" in lines[-2]
    assert lines[-1]["reason"] == "new"


def test_one_address_does_not_use_up_the_lines_of_another(info: Written) -> None:
    refusals = Refusals(info.log)
    for _ in range(100):
        refusals.refused(0.0, "10.0.0.7", 400, "Invalid JSON")
    refusals.refused(0.0, "10.0.0.8", 400, "Invalid JSON")
    assert info.lines()[-1]["address"] == "10.0.0.8"


def test_minutes_end_each_at_its_own_time(info: Written) -> None:
    refusals = Refusals(info.log)
    for began_s, address in ((0.0, "a"), (30.0, "b")):
        for _ in range(11):
            refusals.refused(began_s, address, 400, "x")
    refusals.sweep(60.0)
    assert counts(info.lines()) == [("a", 1)]


def test_the_counts_that_are_left_are_told_at_the_close(info: Written) -> None:
    refusals = Refusals(info.log)
    for address in ("a", "b"):
        for _ in range(12):
            refusals.refused(0.0, address, 400, "x")
    refusals.close()
    refusals.close()
    assert counts(info.lines()) == [("a", 2), ("b", 2)]


def test_addresses_beyond_those_remembered_share_ten_lines_and_a_count(info: Written) -> None:
    refusals = Refusals(info.log)
    for number in range(ADDRESSES_REMEMBERED + 15):
        refusals.refused(0.0, f"address {number}", 400, "x")
    refusals.refused(0.0, "address 0", 400, "x")
    refusals.close()
    lines = info.lines()
    shown = [line["address"] for line in lines if line["message"] == "request refused"]
    assert shown == [f"address {n}" for n in range(ADDRESSES_REMEMBERED + 10)] + ["address 0"]
    assert counts(lines) == [("other addresses", 5)]


def test_addresses_are_forgotten_after_their_minute(info: Written) -> None:
    refusals = Refusals(info.log)
    for minute in range(3):
        for number in range(ADDRESSES_REMEMBERED):
            refusals.refused(60.0 * minute, f"address {minute} {number}", 400, "x")
    assert len(info.lines()) == 3 * ADDRESSES_REMEMBERED


def test_what_the_client_sent_is_not_shown_at_info(info: Written) -> None:
    Refusals(info.log).refused(0.0, "10.0.0.7", 400, "Invalid JSON", lambda: About(sent='{"username":"alice"'))
    (line,) = info.lines()
    assert "alice" not in str(line)


def test_what_the_client_sent_is_shown_at_debug_shortened_to_200_characters(debug: Written) -> None:
    refusals = Refusals(debug.log)
    refusals.refused(0.0, "10.0.0.7", 400, "Invalid JSON", lambda: About(sent="é" * 1000))
    refusals.refused(0.0, "10.0.0.7", 400, "Empty request body", lambda: About(sent=""))
    refusals.refused(0.0, "10.0.0.7", 431, "Too many fields")
    long, empty, none = debug.lines()
    assert long["sent"] == "é" * 200
    assert empty["sent"] == ""
    assert "sent" not in none


def test_a_refused_request_shows_what_else_is_known(info: Written) -> None:
    refusals = Refusals(info.log)
    refusals.refused(0.0, "10.0.0.7", 400, "Invalid JSON", lambda: About("/api/v1/events", "A102-07", "alice"))
    refusals.refused(0.0, "10.0.0.7", 503, "Too many connections")
    whole, bare = info.lines()
    assert (whole["path"], whole["host"], whole["user"]) == ("/api/v1/events", "A102-07", "alice")
    assert list(bare)[4:] == ["address", "status", "reason"]


def test_what_else_is_known_is_found_out_only_for_lines_that_are_written(info: Written, tmp_path: Path) -> None:
    asked: list[int] = []

    def about() -> About:
        asked.append(1)
        return About()

    refusals = Refusals(info.log)
    for _ in range(25):
        refusals.refused(0.0, "10.0.0.7", 400, "Invalid JSON", about)
    assert len(asked) == 10
    quiet = Written(tmp_path / "quiet", "error")
    Refusals(quiet.log).refused(0.0, "10.0.0.7", 400, "Invalid JSON", about)
    assert (len(asked), quiet.lines()) == (10, [])
    quiet.close()


def test_the_count_is_as_loud_as_the_lines(info: Written) -> None:
    refusals = Refusals(info.log)
    for _ in range(11):
        refusals.refused(0.0, "10.0.0.7", 400, "Invalid JSON")
    refusals.close()
    assert {line["level"] for line in info.lines()} == {"WARN"}


def test_what_cannot_be_loaded_any_more_costs_no_answer(info: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade may replace the files of a server that still runs."""
    monkeypatch.setitem(sys.modules, "winlogd.daemon.refusals", None)
    loop = asyncio.new_event_loop()
    with closing(loop):
        RequestObserver(loop, Config(), info.log).refused("10.0.0.7", Response(403, b""))
    (line,) = info.lines()
    assert line["message"] == "a request failed for a fault in winlogd itself"
