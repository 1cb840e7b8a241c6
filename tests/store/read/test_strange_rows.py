"""What a reader finds if other programs have written or deleted rows, or somebody has set the clock."""

from typing import Final

import pytest

from tests.support.asking import Asking, logoff, logon, users
from tests.support.naive_past import Asked
from tests.support.random_days import Days
from winlogd.sessions.session import US

HOUR: Final = 3600 * US
DAY: Final = 24 * HOUR


@pytest.mark.parametrize("received", [None, "", "yesterday", "1969-12-31 23:59:59", "2250-01-01 00:00:00"])
@pytest.mark.parametrize("sent", ["at noon", "2026-01-13T08:00:00Z"])
def test_a_row_without_a_time_of_receipt_is_found(both: Asking, days: Days, received: str | None, sent: str) -> None:
    days.insert(["zoe", "C", sent, "PC-05", None, "zoe-1"], received, received)
    session = both.read(Asked(), 10)[0].session
    assert session.received_us == (0 if sent == "at noon" else days.now_us)
    assert users(both, Asked(at_us=session.received_us)) == ["zoe"]
    days.now_us += DAY
    days.rotate()
    assert users(both, Asked(at_us=session.received_us)) == ["zoe"]


def test_a_logoff_without_an_identifier_is_an_orphan_beside_a_logon_without_one(both: Asking, days: Days) -> None:
    for action in "CD":
        days.insert(["zoe", action, "2026-01-13T08:00:00Z", "PC-05", None, None], None, "2026-01-13 08:00:00")
    assert users(both, Asked(state="orphan")) == ["zoe"]


ODD: Final = [
    "''",
    "CAST(x'416e6472e940504340616263646566' AS TEXT)",
    "x'416e6472e940504340616263646566'",
    "'a' || char(0)",
]
"""Identifiers as SQL, which another program may store."""


def stored(days: Days, action: str, user: str, identifier: str) -> None:
    """Store a row of today with an identifier that is given as SQL."""
    days.insert([user, action, "2026-01-13T08:00:00Z", "PC-05", None, None], None, "2026-01-13 08:00:00")
    days.change(days.rows("SELECT max(id) FROM events_today")[0][0], "session_uuid", identifier)


@pytest.mark.parametrize("is_read_at_once", [True, False])
@pytest.mark.parametrize("identifier", ODD)
def test_any_identifier_joins_a_logoff_to_its_logon(
    both: Asking, days: Days, identifier: str, is_read_at_once: bool
) -> None:
    stored(days, "C", "zoe", identifier)
    if not is_read_at_once:
        assert users(both, Asked(state="open")) == ["zoe"]
    stored(days, "D", "zoe", identifier)
    for _ in range(2):
        assert users(both, Asked(ended_by="client")) == ["zoe"]
        assert users(both, Asked(state="orphan")) == []
        days.now_us += DAY
        days.rotate()
    assert days.rows("SELECT count(*) FROM events_history") == [(2,)]


def test_identifiers_that_only_look_alike_join_nothing(both: Asking, days: Days) -> None:
    alike = ["CAST(x'416ee9' AS TEXT)", "CAST(x'416eea' AS TEXT)", "x'416ee9'", "'An' || char(65533)"]
    for number, identifier in enumerate(alike):
        stored(days, "CD"[number % 2], f"user{number}", identifier)
    for _ in range(2):
        assert users(both, Asked(ended_by="client")) == []
        assert users(both, Asked(state="orphan")) == ["user3", "user1"]
        days.now_us += 2 * DAY
        days.rotate()
    assert days.rows("SELECT count(*) FROM events_today") == [(0,)]


def test_a_deleted_logoff_opens_its_session_again(both: Asking, days: Days) -> None:
    logon(days)
    logoff(days)
    assert users(both, Asked(state="open")) == []
    days.delete(days.rows("SELECT id FROM events_today WHERE action = 'D'")[0][0])
    assert users(both, Asked(state="open")) == ["alice"]


def test_the_logoff_of_a_deleted_logon_is_an_orphan(both: Asking, days: Days) -> None:
    logon(days)
    logoff(days)
    assert users(both, Asked(state="orphan")) == []
    days.delete(days.rows("SELECT id FROM events_today WHERE action = 'C'")[0][0])
    assert users(both, Asked(state="orphan")) == ["alice"]


def test_a_deleted_inventory_is_no_restart(both: Asking, days: Days) -> None:
    logon(days)
    days.now_us += HOUR
    days.event("M", "alice", "PC-05", "192.0.2.1")
    assert both.read(Asked(), 10)[0].reason == "restart"
    days.delete(days.rows("SELECT id FROM events_today WHERE action = 'M'")[0][0])
    assert both.read(Asked(), 10)[0].reason is None


def test_a_rotation_lets_no_reader_begin_again(both: Asking, days: Days) -> None:
    logon(days)
    logoff(days)
    both.read(Asked(), 10)
    days.now_us += DAY
    days.rotate()
    assert days.rows("SELECT count(*) FROM events_history") == [(2,)]
    assert days.rows("SELECT value FROM winlogd_meta WHERE key = 'today_deletions'") == [("0",)]


def test_an_inventory_that_stays_while_later_rows_move_still_counts(both: Asking, days: Days) -> None:
    days.now_us += 2 * DAY
    logon(days)
    days.now_us += 1
    days.event("M", "alice", "PC-05", "192.0.2.1")
    days.now_us -= 2 * DAY  # the clock was two days ahead
    logon(days, "bob", "PC-06")
    assert both.read(Asked(user="alice"), 10)[0].doubt is None  # it is in the future
    days.now_us += 25 * HOUR
    days.rotate()
    assert days.rows("SELECT username FROM events_history") == [("bob",)]
    days.now_us += DAY
    both.compare(Asked())
    assert both.read(Asked(user="alice"), 10)[0].reason == "restart"


def test_evidence_in_the_second_of_a_logon_does_not_speak_before_it(both: Asking, days: Days) -> None:
    days.now_us += 300_000
    began_us = days.now_us
    logon(days)
    days.event("M", "alice", "PC-05", "192.0.2.1")
    [answer] = both.read(Asked(), 10)
    assert answer.doubt is not None
    assert (answer.doubt.reason, answer.doubt.since_us) == ("restart", began_us)
    both.compare(Asked())


def test_of_evidence_in_one_second_the_same_counts_before_and_after_a_rotation(both: Asking, days: Days) -> None:
    days.now_us += 300_000
    logon(days)
    logon(days, "bob")
    days.insert(["zoe", "C", "2026-01-13T08:00:00Z", "pc-05", None, "zoe-1"], "2026-01-13 08:00:00", None)
    days.now_us += HOUR
    both.compare(Asked())
    [first] = [answer.doubt for answer in both.read(Asked(user="alice"), 10)]
    assert first is not None
    assert first.since_us % US == 300_000
    days.now_us += 15 * HOUR + HOUR
    days.rotate()
    both.compare(Asked())


def test_a_logoff_that_moves_with_its_logon_ends_it_though_the_clock_was_set_back(both: Asking, days: Days) -> None:
    logon(days)
    days.now_us -= 900_000
    logon(days)
    days.now_us += 35 * HOUR
    days.rotate()
    assert users(both, Asked(ended_by="auto")) == ["alice"]


def test_a_logoff_before_a_logon_with_its_identifier_does_not_end_it_though_it_stays(both: Asking, days: Days) -> None:
    days.insert(["zoe", "D", "at noon", "PC-05", None, "zoe-1"], "7", "7")
    days.insert(["zoe", "C", "2026-01-13T08:00:00Z", "PC-05", None, "zoe-1"], "2026-01-13 08:00:00", None)
    days.now_us += 35 * HOUR
    days.rotate()
    assert days.rows("SELECT action FROM events_today") == [("D",)]
    assert users(both, Asked(ended_by="expired")) == ["zoe"]
