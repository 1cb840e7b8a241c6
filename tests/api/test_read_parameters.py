"""What is wrong in a question is named: each parameter, all faults together, and the nearest known name."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from tests.support.questions import at, sent
from tests.support.running import Winlogd
from tests.support.school_rows import store
from tests.support.served import NOW_US, SETTINGS, clocked, details, found, get, served, two_days
from winlogd.sessions.moments import ALLOWED

INSTANT: Final = ALLOWED
LISTS: Final = ("sessions", "events")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with served(tmp_path_factory.mktemp("site"), two_days()) as server:
        yield server


# ── values ────────────────────────────────────────────────────────────────────────────────────────────

EMPTY: Final = "must not be empty"
LONG: Final = "must have at most 256 characters"
STARS: Final = "'a*****' has more than 4 stars."
ADDRESS: Final = "must be an address, or a network such as 192.0.2.0/24"
LIMIT: Final = "must be a whole number from 1 to 1000"
CURSOR: Final = "must be what `next` gave"
NEAR_ROOM: Final = "is not a known room; did you mean A102?"
STATES: Final = "must be one of open, ended, doubtful, orphan"
MACHINE: Final = "must be one of in_use, doubtful, free, silent, never_seen, out_of_order"


@pytest.mark.parametrize(
    ("path", "name", "value", "fault"),
    [
        *((path, name, "", EMPTY) for path in LISTS for name in ("user", "host", "room", "ip", "from", "to")),
        *((path, name, "", EMPTY) for path in LISTS for name in ("limit", "cursor", "format", "lang")),
        *((path, name, "x" * 257, LONG) for path in LISTS for name in ("user", "host", "room", "ip", "from")),
        *((path, name, "a*****", STARS) for path in LISTS for name in ("user", "host")),
        ("machines", "host", "a*****", STARS),
        *(("sessions", "ip", value, ADDRESS) for value in ("10.1", "10.0.0.0/33", "::/129", "pc-05", "10.0.0.1:80")),
        *(("sessions", name, "tomorrow", INSTANT) for name in ("from", "to", "at")),
        *(("stats", name, "2026-02-30", INSTANT) for name in ("from", "to")),
        *(("events", "from", value, INSTANT) for value in ("10:15", "2026-01-13T10:15 01:00", "1969-12-31")),
        ("sessions", "at", "today", "must be a moment, such as 2026-01-13T10:15; for a day use from and to"),
        ("sessions", "at", "2026-01-13T10:20", "must not be in the future"),
        ("sessions", "state", "opened", f"{STATES}; did you mean open?"),
        ("sessions", "state", "\u202e", STATES),
        ("sessions", "ended_by", "CLIENT", "must be one of client, auto, expired; did you mean client?"),
        ("sessions", "ended_by", "auto,expire", "must be one of client, auto, expired; did you mean expired?"),
        ("sessions", "ended_by", "auto,", "must be one of client, auto, expired"),
        ("sessions", "ended_by", "auto, expired", "must be one of client, auto, expired; did you mean expired?"),
        ("events", "action", "c", "must be one of C, D, M; did you mean C?"),
        ("machines", "state", "fre", f"{MACHINE}; did you mean free?"),
        *(("sessions", "limit", value, LIMIT) for value in ("0", "1001", "-1", "1.5", "a", "٣", "1" * 200)),
        *(("sessions", "cursor", value, CURSOR) for value in ("5", "a-b", "1-2-3", "-1-2", f"0-{2**63}")),
        ("events", "cursor", "٣-٣", CURSOR),
        ("sessions", "format", "xml", "must be one of json, csv, ndjson"),
        ("events", "format", "jsn", "must be one of json, csv, ndjson; did you mean json?"),
        ("sessions", "lang", "de", "must be one of en, fr"),
        ("search", "lang", "english", "must be one of en, fr"),
        ("stats", "by", "days", "must be one of hour, day, weekday_hour; did you mean day?"),
        ("stats", "from", "now", "must be before to, and not in the future"),
        ("stats", "from", "2024-01-01", "must be at most 400 days before to"),
        ("sessions", "room", "A-102", NEAR_ROOM),
        ("events", "room", "Hall", "is not a known room"),
        *((path, "room", "a-103", NEAR_ROOM) for path in ("machines", "rooms", "stats", "sessions/current")),
        ("sessions/current", "room", "nowhere", "is not a known room"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(path: str, name: str, value: str, fault: str, site: Winlogd) -> None:
    assert details(site, path, **{name: value}) == {name: fault}


@pytest.mark.parametrize(
    ("path", "name", "near"),
    [
        ("sessions", "usr", "user"),
        ("sessions", "endedby", "ended_by"),
        ("sessions", "User", "user"),
        ("events", "actions", "action"),
        ("events", "at", None),
        ("machines", "status", "state"),
        ("machines/A102-07", "user", None),
        ("users/alice", "format", None),
        ("rooms", "rom", "room"),
        ("stats", "form", "from"),
        ("search", "query", None),
        ("search", "language", "lang"),
    ],
)
def test_an_unknown_name_is_named_with_the_nearest_known_one(
    path: str, name: str, near: str | None, site: Winlogd
) -> None:
    hint = "" if near is None else f"; did you mean {near}?"
    assert details(site, path, **{name: "x"}) == {name: f"is not a known parameter{hint}"}


def test_all_faults_are_reported_together(site: Winlogd) -> None:
    said = details(site, "sessions", usr="alice", state="opened", limit=0, from_="then", cursor="x", ip="y")
    assert list(said) == ["usr", "ip", "from", "state", "limit", "cursor"]
    assert details(site, "users/a*****", x=1) == {"x": "is not a known parameter", "username": STARS}


def test_a_span_has_to_end_after_its_begin(site: Winlogd) -> None:
    assert details(site, "sessions", from_="today", to="yesterday") == {"to": "must not be before from"}
    assert list(details(site, "stats", from_="today", to="yesterday")) == ["to", "from"]


@pytest.mark.parametrize(
    ("query", "name", "fault"),
    [
        ("user=a&user=b", "user", "must be given only once"),
        ("user=%E9", "user", "must be percent-encoded UTF-8"),
        ("us%65r=a&user=b", "user", "must be given only once"),
        ("%FF=a", "%FF", "must be percent-encoded UTF-8"),
    ],
)
def test_a_query_that_is_ambiguous_is_refused(query: str, name: str, fault: str, site: Winlogd) -> None:
    answer = site.request("GET", f"/api/v1/sessions?{query}")
    assert (answer.status, answer.json) == (400, {"error": "Invalid parameters", "details": {name: fault}})


def test_a_refusal_of_a_question_is_logged_with_its_reason(site: Winlogd) -> None:
    details(site, "rooms", x="a\nb")
    assert "Invalid parameters" in site.log
    assert "a\nb" not in site.log


@pytest.mark.parametrize("value", ["0", "a'b", "%", "_", "[a-z]", "\\", "\0", "\u202e", "𝔸", "*", "****", "null"])
def test_odd_names_find_what_has_them_and_nothing_else(value: str, site: Winlogd) -> None:
    sessions = found(site, "sessions", user=value)["sessions"]
    assert len(sessions) == (6 if value.startswith("*") else 0)
    assert get(site, f"users/{quote(value, safe='')}").status == (400 if value.startswith("*") else 404)
    assert get(site, f"machines/{quote(value, safe='')}").status == 404


@pytest.mark.parametrize("moment", ["1970-01-01", "1970-01-01T00:00:00Z", "9998-12-31", "9998-12-31T23:59:60Z"])
def test_the_first_and_the_last_moment_are_taken(moment: str, site: Winlogd) -> None:
    for path in LISTS:
        assert get(site, path, from_=moment).status == 200
        assert get(site, path, to=moment).status == 200
    assert get(site, "stats", from_=moment, to=moment).status in (200, 400)


# ── cursors ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_cursor_that_somebody_made_up_finds_what_is_behind_it(site: Winlogd) -> None:
    for cursor in ("0-0", "0-1", f"{2**63 - 1}-{2**63 - 1}"):
        assert get(site, "events", cursor=cursor).status == 200
        assert get(site, "sessions", cursor=cursor).status in (200, 400)


def test_a_cursor_of_another_epoch_says_so(site: Winlogd) -> None:
    epoch = found(site, "sessions", limit=1)["next"].partition("-")[0]
    text = "the past was built anew, so that this cursor has ended: begin again without it"
    for form in ("json", "csv", "ndjson"):
        assert details(site, "sessions", cursor=f"{int(epoch) + 1}-5", format=form) == {"cursor": text}


@pytest.mark.parametrize("path", LISTS)
def test_pages_go_on_over_a_rotation_and_beside_new_events(path: str, tmp_path: Path) -> None:
    """All is of yesterday, so that the rotation moves it; logons of open sessions stay behind."""
    monday_us = at(0, 20)
    events = [sent(monday_us + number, f"user{number}", "C", f"A102-{number}") for number in range(80)]
    events += [sent(monday_us + 100 + number, f"user{number}", "D", f"A102-{number}") for number in range(40)]
    (tmp_path / "data").mkdir()
    store(tmp_path / "data" / "winlog.db", events)
    with clocked(tmp_path, NOW_US, '[rotation]\nat = ""\n') as server:
        whole = [_key(each) for each in found(server, path, limit=1000)[path]]
        seen: list[object] = []
        cursor: dict[str, str] = {}
        for number in range(100):
            page = found(server, path, limit=9, **cursor)
            seen += [_key(each) for each in page[path]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
            assert (
                server.post(
                    {
                        "username": f"new{number}",
                        "action": "C",
                        "timestamp": "2026-01-13T10:15:00Z",
                        "hostname": "B1-01",
                    }
                ).status
                == 200
            )
            if number == 3:
                assert server.rotate().startswith("ok 80 rows moved ")
        assert seen == whole


def _key(row: dict[str, object]) -> object:
    return row["session_uuid"], row.get("action")


# ── the hour that comes twice ─────────────────────────────────────────────────────────────────────────


def test_a_time_that_comes_twice_means_both(tmp_path: Path) -> None:
    """In Paris the clocks go back at 01:00 UTC, from 03:00 to 02:00."""
    first_us, second_us = (int(datetime(2025, 10, 26, hour, 30, tzinfo=UTC).timestamp()) * 1_000_000 for hour in (0, 1))
    minute_us = 60_000_000
    events = [
        *(sent(first_us + at, "anne", action) for at, action in ((-minute_us, "C"), (minute_us, "D"))),
        *(sent(second_us + at, "bert", action) for at, action in ((-minute_us, "C"), (minute_us, "D"))),
        sent(second_us - 2 * minute_us, "carl", "C"),
        sent(second_us - minute_us - 1, "carl", "D"),
    ]
    settings = SETTINGS.replace('"UTC"', '"Europe/Paris"')
    events.sort(key=lambda each: each.received_us)
    with served(tmp_path, events, second_us + 60 * minute_us, settings) as server:
        assert _users(server, "2025-10-26T02:30") == ["bert", "anne"]
        assert _users(server, "2025-10-26T02:30:00+02:00") == ["anne"]
        assert _users(server, "2025-10-26T02:30:00+01:00") == ["bert"]
        sessions = found(server, "sessions", from_="2025-10-26T02:30", to="2025-10-26T02:30")["sessions"]
        assert [each["username"] for each in sessions] == ["bert", "carl", "anne"]  # from the first to the second
        assert sessions[0]["connected_at"] == "2025-10-26T02:29:00.000000+01:00"
        assert sessions[2]["connected_at"] == "2025-10-26T02:29:00.000000+02:00"


def _users(server: Winlogd, at: str) -> list[str]:
    return [each["username"] for each in found(server, "sessions", at=at)["sessions"]]
