"""The refused requests of today are counted by reason and address, and one stranger cannot fill the memory."""

from datetime import UTC, datetime
from typing import Final

from winlogd.daemon.refused_today import OTHERS, RefusedToday
from winlogd.scheduled.clock import Schedule

NOON_S: Final = datetime(2026, 1, 13, 12, tzinfo=UTC).timestamp()
HOUR_S: Final = 3600
ENTRIES_REMEMBERED: Final = 1024


def counts(today: RefusedToday, now_s: float) -> list[tuple[str, str, int]]:
    return [(each.reason, each.address, each.count) for each in today.most(now_s)]


def a_day() -> RefusedToday:
    return RefusedToday(NOON_S, Schedule("00:00", UTC))


def test_requests_count_by_reason_and_address_the_most_first() -> None:
    today = a_day()
    today.count(NOON_S, "10.0.0.7", 403, "Invalid User-Agent", None)
    for _ in range(3):
        today.count(NOON_S, "10.0.0.8", 400, "Invalid JSON", None)
    today.count(NOON_S, "10.0.0.7", 400, "Invalid JSON", None)
    assert counts(today, NOON_S)[0] == ("Invalid JSON", "10.0.0.8", 3)
    assert len(counts(today, NOON_S)) == 3


def test_the_last_host_that_a_body_named_is_kept() -> None:
    today = a_day()
    for host in ("PC-1", "PC-2", None):
        today.count(NOON_S, "10.0.0.7", 400, "Invalid JSON", host)
    [entry] = today.most(NOON_S)
    assert (entry.host, entry.status, entry.count) == ("PC-2", 400, 3)


def test_reasons_are_summed_up_over_all_addresses_and_end_at_their_colon() -> None:
    today = a_day()
    for number in range(60):
        today.count(NOON_S, f"10.0.0.{number}", 403, f"Address not allowed: 10.0.0.{number}", None)
    today.count(NOON_S, "10.0.0.1", 403, "Invalid User-Agent", None)
    assert [tuple(each) for each in today.by_reason(NOON_S)] == [
        (403, "Address not allowed", 60, 60),
        (403, "Invalid User-Agent", 1, 1),
    ]


def test_a_new_day_begins_at_the_sites_midnight() -> None:
    today = a_day()
    today.count(NOON_S, "10.0.0.7", 400, "Invalid JSON", None)
    assert today.since(NOON_S + 11 * HOUR_S) == NOON_S
    assert today.since(NOON_S + 13 * HOUR_S) == NOON_S + 12 * HOUR_S
    assert counts(today, NOON_S + 13 * HOUR_S) == []
    today.count(NOON_S + 14 * HOUR_S, "10.0.0.7", 400, "Invalid JSON", None)
    assert len(counts(today, NOON_S + 35 * HOUR_S)) == 1
    assert counts(today, NOON_S + 36 * HOUR_S) == []


def test_the_sum_of_a_day_is_known_on_the_next_day_only() -> None:
    today = a_day()
    for address in ("10.0.0.7", "10.0.0.8"):
        today.count(NOON_S, address, 400, "Invalid JSON", None)

    assert today.yesterday(NOON_S) == 0
    assert today.yesterday(NOON_S + 12 * HOUR_S) == 2
    assert today.yesterday(NOON_S + 36 * HOUR_S) == 0


def test_the_sum_of_a_day_is_not_that_of_a_day_before_it() -> None:
    today = a_day()
    today.count(NOON_S, "10.0.0.7", 400, "Invalid JSON", None)

    assert today.yesterday(NOON_S + 48 * HOUR_S) == 0


def test_a_changed_calendar_keeps_the_counts_until_its_midnight() -> None:
    today = a_day()
    today.count(NOON_S, "10.0.0.7", 400, "Invalid JSON", None)
    today.change(Schedule("20:00", UTC))
    assert len(counts(today, NOON_S + 7 * HOUR_S)) == 1
    assert counts(today, NOON_S + 8 * HOUR_S) == []


def test_many_addresses_and_long_reasons_share_one_entry() -> None:
    today = a_day()
    for number in range(2 * ENTRIES_REMEMBERED):
        today.count(NOON_S, f"10.0.{number // 256}.{number % 256}", 400, "x" * 5000, None)
    found = counts(today, NOON_S)
    assert len(found) == ENTRIES_REMEMBERED + 1
    assert found[0] == (OTHERS, OTHERS, ENTRIES_REMEMBERED)
    assert max(len(reason) for reason, _, _ in found) < 200
