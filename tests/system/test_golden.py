"""Replay exchanges that were recorded with the older server: winlogd answers and stores the same.

`data/exchanges.json` has 43 scenarios: requests, the older server's answers, and the rows that they left in
``events_today``. `DIFFERENCES` lists every intended difference of winlogd.
"""

import copy
import json
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, NamedTuple

import pytest

from tests.support.paths import DATA
from tests.support.running import Answer, Winlogd, running
from tests.support.wire import Wire
from winlogd import VERSION

Scenario = dict[str, Any]
SCENARIOS: Final[dict[str, Scenario]] = {
    scenario["name"]: scenario for scenario in json.loads((DATA / "exchanges.json").read_text("utf-8"))
}
COLUMNS: Final = tuple(SCENARIOS["connect"]["rows"][0])
RANDOM_DIGITS: Final = re.compile(r"@(#\d+|[0-9a-f]{6})$")
TIMESTAMP: Final = re.compile(r"(\d{4}-\d\d-\d\dT)(\d\d):(\d\d):(\d\d(?:\.\d+)?)(?:Z|\+00:00)")


# ── what is different on purpose ──────────────────────────────────────────────────────────────────────


def answers(status: int, body: object) -> Callable[[Scenario], None]:
    """Return a change that replaces the only answer of a scenario with this JSON."""

    def change(scenario: Scenario) -> None:
        (exchange,) = scenario["exchanges"]
        exchange["answer"] = {"status": status, "content_type": "application/json", "body": body}

    return change


def fields_missing(**details: str) -> Callable[[Scenario], None]:
    return answers(400, {"error": "Invalid JSON structure: missing required fields", "details": details})


def no_timestamp(details: str) -> Callable[[Scenario], None]:
    return answers(400, {"error": "Invalid timestamp format (expected ISO 8601)", "details": details})


def the_retry_stores_nothing(scenario: Scenario) -> None:
    first, second = scenario["exchanges"]
    second["answer"] = first["answer"]
    del scenario["rows"][1:]


def the_second_logon_closes_the_first(scenario: Scenario) -> None:
    first, second, logoff, late_logoff = scenario["rows"]
    closed = {**second, "action": "D", "timestamp": "2026-01-13T07:59:59+00:00", "session_uuid": first["session_uuid"]}
    late_logoff["session_uuid"] = "orphan_g31@PC-01@#3"
    scenario["exchanges"][3]["answer"]["body"]["session_uuid"] = late_logoff["session_uuid"]
    scenario["rows"] = [first, closed, second, logoff, late_logoff]


def the_logoff_ends_the_session(scenario: Scenario) -> None:
    logon, logoff = scenario["rows"]
    logoff["session_uuid"] = logon["session_uuid"]
    scenario["exchanges"][1]["answer"]["body"]["session_uuid"] = logon["session_uuid"]


def stored_as(timestamp: str) -> Callable[[Scenario], None]:
    def change(scenario: Scenario) -> None:
        scenario["rows"][0]["timestamp"] = timestamp

    return change


LISTED: Final = {"events": "all that are stored, newest first", "next": None}
"""What `as_recorded` makes of a list of events, which holds those of all scenarios before."""


class Difference(NamedTuple):
    """An intended difference of winlogd: `change` turns the recording into the exchange that winlogd makes."""

    why: str
    change: Callable[[Scenario], None]


_ONE_FORM: Final = "one form for all stored timestamps, so that their text sorts by time"
_JSON_ALWAYS: Final = "every answer is JSON"
_WHICH_FIELD: Final = "the answer says which field is wrong"
_WHAT_TO_DO: Final = "the answer says what is wrong with the time, since a refusal is a lost event"

DIFFERENCES: Final = {
    "retry-same-event": Difference("an event that is sent again is stored once", the_retry_stores_nothing),
    "other-day-open": Difference(
        "a logon closes every open session of its user and host, whatever its day", the_second_logon_closes_the_first
    ),
    "case-differs": Difference("letter case parts nobody", the_logoff_ends_the_session),
    "space-for-t": Difference(_ONE_FORM, stored_as("2026-01-13T08:00:00+00:00")),
    "offset": Difference(_ONE_FORM, stored_as("2026-01-14T04:30:00+00:00")),
    "missing-username": Difference(
        f"{_JSON_ALWAYS}, and 400 is for all bad events", fields_missing(username="is missing")
    ),
    "body-array": Difference(
        f"{_JSON_ALWAYS}, and 400 is for all bad events",
        answers(
            400,
            {"error": "Invalid JSON structure: missing required fields", "details": {"body": "must be a JSON object"}},
        ),
    ),
    "body-empty": Difference(_JSON_ALWAYS, answers(400, {"error": "Empty request body"})),
    "body-not-json": Difference(
        _JSON_ALWAYS,
        answers(400, {"error": "Invalid JSON", "details": "unexpected end of data at line 1, column 2"}),
    ),
    "type-text": Difference(
        _JSON_ALWAYS, answers(415, {"error": "Invalid Content-Type", "expected": "application/json"})
    ),
    "empty-username": Difference(_WHICH_FIELD, fields_missing(username="must not be empty")),
    "empty-action": Difference(_WHICH_FIELD, fields_missing(action="must not be empty")),
    "empty-timestamp": Difference(_WHICH_FIELD, fields_missing(timestamp="must not be empty")),
    "timestamp-date": Difference(
        _WHAT_TO_DO,
        no_timestamp("must have T and a time of day after the date: write it like 2026-01-13T08:30:00+01:00"),
    ),
    "timestamp-naive": Difference(_WHAT_TO_DO, no_timestamp("has no time zone: append Z or an offset such as +01:00")),
    "timestamp-month-13": Difference(_WHAT_TO_DO, no_timestamp("has a date that no calendar has")),
    "get-events": Difference("a GET lists the events that are stored", answers(200, LISTED)),
    "unknown-path": Difference(_JSON_ALWAYS, answers(404, {"error": "Not found"})),
    "health": Difference(
        "the version is winlogd's own", answers(200, {"status": "ok", "service": "winlog-server", "version": VERSION})
    ),
}


# ── replay and comparison ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scenario]:
    """Play all scenarios with winlogd, in order, on a new database. Return them by name."""
    with running(tmp_path_factory.mktemp("golden")) as server:
        server.wait_until_open()
        return {name: replay(server, scenario) for name, scenario in SCENARIOS.items()}


def replay(server: Winlogd, scenario: Scenario) -> Scenario:
    before = server.rows("SELECT ifnull(max(id), 0) AS id FROM events_today")[0]["id"]
    exchanges = []
    for exchange in scenario["exchanges"]:
        request = exchange["request"]
        body = json.dumps(request["body"]) if "body" in request else request["body_text"]
        octets = None if body is None else body.encode()
        answer = server.request(request["method"], request["path"], octets, request["headers"])
        exchanges.append({"request": request, "answer": as_recorded(answer)})
    rows = server.rows("SELECT * FROM events_today WHERE id > ? ORDER BY id", before)
    for row in rows:
        row["hardware_info"] = row["hardware_info"] and json.loads(row["hardware_info"])
    return {"name": scenario["name"], "exchanges": exchanges, "rows": rows}


def as_recorded(answer: Answer) -> dict[str, object]:
    content_type = answer.headers["content-type"]
    body = answer.json
    usual = {"content-length", "content-type", "allow"}
    if "events" in body:
        assert answer.headers["cache-control"] == "no-store"
        usual.add("cache-control")
        ids = [event["id"] for event in body["events"]]
        assert ids == list(range(len(ids), 0, -1))
        body = {**body, "events": LISTED["events"]}
    if answer.headers.keys() - usual:
        raise AssertionError(f"unexpected headers: {answer.headers}")
    if "event_id" in body:
        assert type(body.pop("event_id")) is int
    return {"status": answer.status, "content_type": content_type, "body": body}


def comparable(scenario: Scenario, automatic: list[bool]) -> tuple[object, ...]:
    """Return the answers and rows that every play of a scenario must have.

    Identifiers are numbered in order of appearance. Rows that the server added itself are marked in `automatic`, by
    position. Of these rows the instant counts, but not the number of its fraction digits.
    """
    numbers: dict[str, str] = {}

    def numbered(session_uuid: str) -> str:
        return RANDOM_DIGITS.sub(lambda m: "@" + numbers.setdefault(m[1], f"#{len(numbers) + 1}"), session_uuid)

    played = []
    for exchange in scenario["exchanges"]:
        answer = copy.deepcopy(exchange["answer"])
        if "session_uuid" in answer["body"]:
            answer["body"]["session_uuid"] = numbered(answer["body"]["session_uuid"])
        played.append(answer)
    rows = [{column: row[column] for column in COLUMNS} for row in scenario["rows"]]
    for row, is_automatic in zip(rows, automatic, strict=False):
        row["session_uuid"] = numbered(row["session_uuid"])
        if is_automatic:
            row["timestamp"] = instant(row["timestamp"])
    return played, rows


def instant(timestamp: str) -> tuple[str, Fraction]:
    """Return the day of a timestamp, and the exact seconds since its midnight."""
    match = TIMESTAMP.fullmatch(timestamp)
    assert match is not None, timestamp
    day, hours, minutes, seconds = match.groups()
    return day, int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def automatic_rows(scenario: Scenario) -> list[bool]:
    return [row["origin"] == "auto" for row in scenario["rows"]]


def test_there_are_43_scenarios_and_every_difference_is_one_of_them() -> None:
    assert len(SCENARIOS) == 43
    assert DIFFERENCES.keys() <= SCENARIOS.keys()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_answered_and_stored_as_the_older_server_did(name: str, replayed: dict[str, Scenario]) -> None:
    expected = copy.deepcopy(SCENARIOS[name])
    if name in DIFFERENCES:
        DIFFERENCES[name].change(expected)
    automatic = automatic_rows(replayed[name])
    assert comparable(replayed[name], automatic) == comparable(expected, automatic)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_listed_difference_is_really_one(name: str, replayed: dict[str, Scenario]) -> None:
    automatic = automatic_rows(replayed[name])
    assert comparable(replayed[name], automatic) != comparable(SCENARIOS[name], automatic), DIFFERENCES[name].why


def test_hardware_keeps_its_keys_in_the_order_received(replayed: dict[str, Scenario]) -> None:
    sent = SCENARIOS["hardware"]["exchanges"][0]["request"]["body"]["hardware_info"]
    (row,) = replayed["hardware"]["rows"]
    assert list(row["hardware_info"]) == list(sent)


def test_what_the_three_real_clients_send_is_taken_as_it_is(server: Winlogd) -> None:
    sent = [(DATA / f"{client}.http").read_bytes() for client in ("logon", "matos", "logout")]
    for octets in sent:
        with Wire(server.port) as wire:
            wire.send(octets)
            assert wire.answer().status == 200
    logon, hardware, logoff = server.rows()
    for row, octets in zip((logon, hardware, logoff), sent, strict=True):
        event = json.loads(octets.partition(b"\r\n\r\n")[2])
        assert {key: row[key] for key in ("username", "action", "timestamp", "hostname")}.items() <= event.items()
    assert logoff["session_uuid"] == logon["session_uuid"]
    assert json.loads(hardware["hardware_info"])["cpu_count"] >= 1
