"""What a reader finds at the edges: clocks days off, rows of other programs, many spellings, faults, indexes."""

from typing import Any, Final

import apsw
import pytest

from tests.support.asking import SITE, Asking, filters_of, logoff, logon, users
from tests.support.naive_past import Asked
from tests.support.random_days import Days
from winlogd.sessions.session import US
from winlogd.store.errors import QuestionRefusedError
from winlogd.store.read import access as access_module
from winlogd.store.read.names import Addresses
from winlogd.store.read.sessions import find_sessions
from winlogd.store.read.source import PAST, TODAY

HOUR: Final = 3600 * US
DAY: Final = 24 * HOUR
FAR_US: Final = 253_370_764_800 * US
"""The year 9999."""


# ── moments ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("moment_us", [-DAY, 0, FAR_US])
@pytest.mark.parametrize("name", ["from_us", "to_us", "at_us"])
def test_a_moment_of_any_year_can_be_asked_for(both: Asking, days: Days, name: str, moment_us: int) -> None:
    logon(days)
    value: dict[str, Any] = {name: moment_us}
    found = users(both, Asked(**value))
    assert bool(found) == ((name, moment_us) in {("from_us", -DAY), ("from_us", 0), ("to_us", FAR_US)})


@pytest.mark.parametrize("clock_us", [-400 * DAY, -3 * DAY, -2 * HOUR, 2 * HOUR, 3 * DAY, 400 * DAY])
@pytest.mark.parametrize("ending", ["client", "auto", "none"])
@pytest.mark.parametrize("nights", [0, 2])
def test_a_session_is_found_by_both_its_clocks(
    both: Asking, days: Days, clock_us: int, ending: str, nights: int
) -> None:
    began_us = days.now_us
    logon(days, clock_us=clock_us)
    days.now_us += HOUR
    if ending == "client":
        logoff(days, clock_us=clock_us)
    if ending == "auto":
        logon(days, clock_us=clock_us)
    for _ in range(nights):
        days.now_us += DAY
        days.rotate()
    for at_us in (began_us, began_us + HOUR // 2, began_us + HOUR, began_us + 30 * HOUR):
        for moment_us in (at_us, at_us + clock_us):
            both.compare(Asked(at_us=moment_us))
            both.compare(Asked(from_us=moment_us, to_us=moment_us + HOUR))
    if ending == "client":
        assert users(both, Asked(at_us=began_us + HOUR // 2)) == ["alice"]
        is_graded = clock_us < DAY  # not more than `keep_open_us` after the receipt
        assert users(both, Asked(at_us=began_us + HOUR // 2 + clock_us)) == (["alice"] if is_graded else [])


def test_a_session_of_many_days_is_found_on_each_of_them(both: Asking, days: Days) -> None:
    began_us = days.now_us
    logon(days)
    for _ in range(2):  # the server forgets nothing: its rotation is late
        days.now_us += 30 * HOUR
        logon(days, "bob", "PC-06")
    logoff(days)
    days.now_us += DAY
    days.rotate()
    for hours in range(0, 61, 5):
        assert users(both, Asked(user="alice", at_us=began_us + hours * HOUR)) == ["alice"]
    assert users(both, Asked(user="alice", at_us=began_us + 61 * HOUR)) == []


def test_a_moment_and_a_span_both_count(both: Asking, days: Days) -> None:
    began_us = days.now_us
    logon(days)
    days.now_us += HOUR
    logoff(days)
    assert users(both, Asked(at_us=began_us, from_us=began_us, to_us=began_us)) == ["alice"]
    assert users(both, Asked(at_us=began_us, from_us=began_us + 2 * HOUR)) == []


def test_doubtful_means_now_also_if_another_moment_is_asked_for(both: Asking, days: Days) -> None:
    logon(days)
    days.now_us += HOUR
    began_us = days.now_us
    logon(days, "bob")
    assert users(both, Asked(at_us=began_us, state="doubtful")) == ["alice"]


def test_an_open_session_that_one_clock_alone_holds_is_doubtful_by_the_clock(both: Asking, days: Days) -> None:
    logon(days, clock_us=2 * HOUR)
    [answer] = both.read(Asked(), 10)
    assert (answer.certainty, answer.doubt, answer.reason) == ("doubtful", None, "clock")


# ── names and addresses ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.long
def test_more_spellings_than_one_search_each_are_found(both: Asking, days: Days) -> None:
    for number in range(70):
        logon(days, f"DOM{number}\\alice", f"PC-{number}")
        days.now_us += US
    days.now_us += DAY
    days.rotate()
    for number in range(70, 140):
        logon(days, f"DOM{number}\\alice", f"PC-{number}")
    for asked in (Asked(user="alice"), Asked(user="*alice"), Asked(user="alice", host="pc-1*")):
        for size in (1, 3, 1000):
            assert both.read(asked, size) == both.naive().answers(asked)
    assert len(both.read(Asked(user="alice"), 1000)) == 140


def test_no_address_is_in_an_empty_network(both: Asking, days: Days) -> None:
    logon(days)
    both.access.begin_question()
    filters = filters_of(Asked(ip="192.0.2.1")).replaced(ip=Addresses("f" * 32, "0" * 32))
    assert find_sessions(both.access, filters, SITE, days.now_us, 10).found == []


def test_a_machine_without_a_name_is_found_by_no_name(both: Asking, days: Days) -> None:
    logon(days, host=None)
    assert users(both, Asked(host="*")) == []
    assert users(both, Asked(user="alice")) == ["alice"]


# ── faults, and events that were not read yet ─────────────────────────────────────────────────────────────


def test_a_reader_goes_on_after_a_fault_while_it_catches_up(both: Asking, days: Days) -> None:
    logon(days)
    both.read(Asked(), 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("winlogd.store.read.tail.logoffs_of", fails)
        logon(days, "bob", "PC-06")
        with pytest.raises(apsw.InterruptError):
            both.read(Asked(), 10)
    assert users(both, Asked()) == ["bob", "alice"]


def fails(*_: object, **__: object) -> None:
    raise apsw.InterruptError


def test_ids_of_years_are_no_rows_that_were_not_read(both: Asking, days: Days) -> None:
    days.other.execute("UPDATE sqlite_sequence SET seq = 5000000 WHERE name = 'events_today'")
    sql = "INSERT INTO events_today (id, username, action, timestamp) VALUES (5000000, 'zoe', 'C', '2026-01-13')"
    days.other.execute(sql)
    assert users(both, Asked()) == ["zoe"]


def test_a_reader_refuses_questions_until_it_has_read_most_of_today(
    both: Asking, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("alice", "bob", "dan", "zoe"):
        logon(days, name, f"PC-{name}")
    monkeypatch.setattr(access_module, "PIECE_ROWS", 1)
    monkeypatch.setattr(access_module, "MOST_BEHIND_ROWS", 2)
    monkeypatch.setattr("winlogd.store.read.tail.PIECE_ROWS", 1)
    with pytest.raises(QuestionRefusedError):
        both.read(Asked(), 10)
    assert both.access.catch_up()
    assert users(both, Asked()) == ["zoe", "dan", "bob", "alice"]


# ── which index ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "way"),
    [
        (Asked(user="alice"), "p USING INDEX {0}_user (user=? AND rowid>? AND rowid<?)"),
        (Asked(host="pc-05"), "p USING INDEX {0}_host (host=? AND rowid>? AND rowid<?)"),
        (Asked(ip="192.0.2.1"), "p USING INDEX {0}_ip (ip=? AND rowid>? AND rowid<?)"),
        (Asked(at_us=0), "p USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (Asked(at_us=0), "p USING COVERING INDEX {0}_lasting (since>? AND since<?)"),
        (Asked(), "p USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ],
)
def test_a_page_is_found_by_an_index_in_the_order_of_keys(both: Asking, days: Days, asked: Asked, way: str) -> None:
    logon(days)
    logoff(days)
    days.now_us += DAY
    days.rotate()
    logon(days)
    plans = plans_of(both, asked)
    for source, name in ((PAST, "winlogd_past"), (TODAY, "today_sessions")):
        wanted = f"SEARCH {way.format(name)}"
        assert any(wanted in plan for plan in plans), (source.sessions, plans)
    steps = [step for plan in plans for step in plan.split("\n")]
    assert not [step for step in steps if step.startswith("SCAN") and "json_each" not in step]
    assert not [step for step in steps if "TEMP B-TREE" in step]


def plans_of(both: Asking, asked: Asked) -> list[str]:
    """Return how SQLite runs each statement of a question that reads sessions."""
    with both.access.snapshot() as connection:
        said: list[tuple[str, Any]] = []

        def note(_: object, sql: str, values: Any) -> bool:  # noqa: ANN401  # apsw's own
            said.append((sql, values))
            return True

        connection.exec_trace = note
        try:
            find_in_snapshot(both, connection, asked)
        finally:
            connection.exec_trace = None
        return [
            "\n".join(str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))
            for sql, values in said
            if " p " in sql
        ]


def find_in_snapshot(both: Asking, connection: apsw.Connection, asked: Asked) -> None:
    from winlogd.store.read.room_hosts import RoomHosts
    from winlogd.store.read.sessions import Search

    list(Search(connection, RoomHosts(), filters_of(asked), SITE, both.days.now_us).candidates(2**62))
