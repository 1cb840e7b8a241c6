"""The reader's answers equal those of a naive search over the rows of events, whatever has happened to them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, time
from itertools import combinations
from random import Random
from typing import Any, Final
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.asking import Asking, asking
from tests.support.naive_past import Answer, Asked
from tests.support.random_days import KEEP_OPEN_HOURS, Days
from tests.support.school_clients import timestamp_text
from winlogd.events.patterns import Pattern
from winlogd.sessions.closing import Closing
from winlogd.sessions.doubts import Rules
from winlogd.sessions.places import Place
from winlogd.sessions.rooms import Rooms
from winlogd.sessions.session import US
from winlogd.store.read.filters import Site

HOUR: Final = 3600 * US
DAY: Final = 24 * HOUR

USERS: Final = ("alice", "Alice", "DOM\\alice", "alice@dom", "bob", "BOB", "Zoé", normalize("NFD", "zoé"))
HOSTS: Final = ("PC-05", "pc-05", "pc-05.school.local", "PC-06", "pc-06.", "TS-1", None, "unknown")
ADDRESSES: Final = ("10.0.0.5", "10.0.0.6", "192.0.2.1", "2001:db8::5")
CLOCKS: Final = (0, 0, 0, 0, -600 * US, 2 * HOUR, -2 * HOUR, DAY, -DAY, 3 * DAY, -3 * DAY, 40 * DAY)
"""By how much a workstation's clock is ahead."""
WAITS: Final = (0, 1, 300_000, 900_000, 20 * US, 600 * US, HOUR, 3 * HOUR, 8 * HOUR, 15 * HOUR, 26 * HOUR)
STEPS: Final = (-900_000, 5 * US, -5 * US, HOUR, -HOUR, -DAY)
"""How somebody sets the server's clock."""
STRANGE_TIMES: Final = (None, "", "yesterday", "2026-01-13", "1969-12-31T23:59:59Z", "2250-01-01 00:00:00", "7")

ROOMS: Final = Rooms(
    {"A102": [Pattern("pc-0*")]},
    places=[
        Place("PC-05", "B 1", from_date=date(2026, 1, 14), to_date=date(2026, 1, 14)),
        Place("ts-1.school.local", "Servers"),
    ],
)
STRICT: Final = Site(
    ROOMS,
    Rules(14 * HOUR, int(KEEP_OPEN_HOURS) * HOUR, (Pattern("TS-*"),), True, Closing(time(19), UTC)),
    UTC,
)
PLAIN: Final = Site(ROOMS, Rules(14 * HOUR, int(KEEP_OPEN_HOURS) * HOUR), UTC)

FILTERS: Final[dict[str, tuple[Any, ...]]] = {
    "user": ("alice", "DOM\\ALICE", "alice@dom", "zoé", "nobody", "a*", "*l*ce", "dom*", "*", "b*b"),
    "host": ("pc-05", "PC-05.school.local", "pc-06", "PC-06.", "ts-1", "unknown", "pc*", "*.local", "*0*", "*"),
    "room": ("A102", "B 1", "Servers", "C 3"),
    "ip": ("10.0.0.5", "10.0.0.0/24", "192.0.2.0/25", "203.0.113.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0"),
    "from_us": (),
    "to_us": (),
    "at_us": (),
    "state": ("open", "ended", "doubtful", "orphan"),
    "ended_by": ("client", "auto", "expired", "auto,expired", "expired,client"),
}
"""What is asked. The moments are drawn near what has happened."""
PAGE_SIZES: Final = (1, 3, 1000)


# ── what happens ──────────────────────────────────────────────────────────────────────────────────────────


def do_event(days: Days, action: str, user: str, host: str | None, address: str, clock_us: int) -> None:
    days.event(action, user, host, address, clock_us)


def do_wait(days: Days, wait_us: int) -> None:
    days.now_us += wait_us


def do_restart(days: Days) -> None:
    days.restart()


def do_insert(
    days: Days, action: str, user: str, host: str | None, address: str | None, uuid: str, received: str, clock_us: int
) -> None:
    """Insert a row of another program: with an identifier of its own, with none, or with that of a session of today."""
    identifiers: dict[str, str | None] = {"own": f"{user}-{days.now_us}-{clock_us}", "none": None}
    if uuid == "open":
        found = days.rows("SELECT session_uuid FROM events_today WHERE action = 'C' ORDER BY id DESC LIMIT 3")
        if action == "D" and found:
            identifiers["open"] = found[-1][0]
    current = timestamp_text(days.now_us)[:19].replace("T", " ")
    old = timestamp_text(days.now_us - 20 * HOUR)[:19].replace("T", " ")
    receipts = {"now": (current, current), "old": (old, current), "older": (old, old)}
    receipt, created = receipts.get(received, (received, received))
    sent = timestamp_text(days.now_us + clock_us)[:19]
    timestamp = {"bad": "at noon"}.get(received, f"{sent}Z")
    days.insert([user, action, timestamp, host, address, usable(days, identifiers.get(uuid))], receipt, created)


def do_insert_strange(days: Days, action: str, user: str, host: str | None, received: str | None, sent: bool) -> None:
    """Insert a row whose times of receipt are missing or make no sense."""
    timestamp = f"{timestamp_text(days.now_us)}Z" if sent else "at noon"
    uuid = usable(days, f"{user}-{days.now_us}")
    days.insert([user, action, timestamp, host, "not an address", uuid], received, received)


def usable(days: Days, uuid: str | None) -> str | None:
    """Return an identifier; None if it is in the archive, or if a logoff has it.

    The end of a session that has moved is known for good. Which of two is the orphan, if a logoff came before the logon
    of its identifier, depends on when they were read.
    """
    sql = """SELECT 1 FROM events_history WHERE session_uuid = ?1
        UNION SELECT 1 FROM events_today WHERE session_uuid = ?1 AND action = 'D'"""
    return None if days.rows(sql, uuid or "") else uuid


def do_delete(days: Days, place: int) -> None:
    """Delete a row of today. A logoff whose logon has moved stays: the past has its end already."""
    rows = days.rows(
        """SELECT id FROM events_today e WHERE action <> 'D' OR NOT EXISTS
        (SELECT 1 FROM events_history h WHERE h.session_uuid = e.session_uuid AND h.action = 'C') ORDER BY id"""
    )
    if rows:
        days.delete(rows[place % len(rows)][0])


def do_rotate(days: Days) -> None:
    days.rotate()


def op(do: Callable[..., None], *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(do), *parts)


ACTIONS: Final = st.sampled_from("CCCDDM")
EVENT: Final = op(
    do_event, ACTIONS, *(st.sampled_from(each) for each in (USERS, HOSTS, ADDRESSES)), st.sampled_from(CLOCKS)
)
WAIT: Final = op(do_wait, st.sampled_from(WAITS))
INSERT: Final = op(
    *(do_insert, st.sampled_from("CD"), st.sampled_from(USERS), st.sampled_from(HOSTS)),
    *(st.sampled_from((*ADDRESSES, None)), st.sampled_from(("own", "none", "open"))),
    *(st.sampled_from(("now", "old", "older")), st.sampled_from(CLOCKS)),
)
STRANGE: Final = op(
    *(do_insert_strange, ACTIONS, st.sampled_from(USERS), st.sampled_from(HOSTS)),
    *(st.sampled_from(STRANGE_TIMES), st.booleans()),
)
OPS: Final = st.one_of(
    *(EVENT, EVENT, EVENT, EVENT, WAIT, WAIT, INSERT, STRANGE),
    *(op(do_wait, st.sampled_from(STEPS)), op(do_rotate), op(do_restart), op(do_delete, st.integers(0, 50))),
)
QUESTION: Final = st.tuples(
    st.lists(st.tuples(st.sampled_from(sorted(FILTERS)), st.integers(0, 50)), max_size=2), st.sampled_from(PAGE_SIZES)
)


def question(drawn: list[tuple[str, int]], moments: list[int]) -> Asked:
    """Return a question of some filters, each with the number of its value."""
    parts = {}
    for name, number in drawn:
        values = FILTERS[name] or tuple(each + off for each in moments for off in (0, -1, 1, US))
        parts[name] = values[number % len(values)]
    return Asked(**parts)


@contextmanager
def after(ops: list[tuple[Any, ...]], site: Site = STRICT) -> Iterator[tuple[Days, Asking]]:
    """Some days. The reader is asked in between, so that it has to catch up."""
    with asking(site) as (days, both):
        for number, (do, *parts) in enumerate(ops):
            do(days, *parts)
            if number % 5 == 4:
                both.read(Asked(), 1000)
        yield days, both


def any_days(most: int) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(OPS, min_size=3, max_size=most)


Drawn = list[tuple[list[tuple[str, int]], int]]
"""Questions as they are drawn: filters, each with the number of its value, and the size of a page."""
QUICK: Final = settings(max_examples=25, suppress_health_check=list(HealthCheck))
LONG: Final = settings(QUICK, max_examples=2000)
SITES: Final = st.sampled_from((STRICT, PLAIN))


def compare_answers(ops: list[tuple[Any, ...]], drawn: Drawn, site: Site) -> None:
    with after(ops, site) as (_, both):
        moments = both.moments()
        both.compare_all([(question(filters, moments), size) for filters, size in drawn])


def compare_around_rotations(ops: list[tuple[Any, ...]], drawn: Drawn) -> None:
    with after(ops) as (days, both):
        days.now_us += 9 * HOUR
        moments = both.moments()
        asked = [(question(filters, moments), size) for filters, size in drawn]
        whole = both.read(Asked(), 1000)
        pages, cursor = both.page(Asked(), 2)

        def look() -> None:
            nonlocal cursor
            if cursor is not None:
                page, cursor = both.page(Asked(), 2, cursor)
                pages.extend(page)
            assert_same_list(whole, both.read(Asked(), 1000))
            both.compare_all(asked)

        days.rotate(look)
        while cursor is not None:
            page, cursor = both.page(Asked(), 2, cursor)
            pages += page
        assert_same_list(whole, pages)
        days.now_us += 26 * HOUR
        days.rotate(lambda: both.compare_all(asked))


def assert_same_list(before: list[Answer], later: list[Answer]) -> None:
    """Compare two lists. A rotation may close an open session, and changes nothing else."""
    assert [each.session.key for each in before] == [each.session.key for each in later]
    for old, new in zip(before, later, strict=True):
        assert old == new or (old.session.is_open and new.session.ended_by == "expired" and old.room == new.room)


@QUICK
@given(any_days(40), st.lists(QUESTION, min_size=8, max_size=16), SITES)
def test_the_reader_answers_what_the_rows_of_events_say(ops: list[tuple[Any, ...]], drawn: Drawn, site: Site) -> None:
    compare_answers(ops, drawn, site)


@QUICK
@given(any_days(30), st.lists(QUESTION, min_size=1, max_size=3))
def test_a_rotation_changes_no_list_and_no_page(ops: list[tuple[Any, ...]], drawn: Drawn) -> None:
    compare_around_rotations(ops, drawn)


@pytest.mark.long
@LONG
@given(any_days(120), st.lists(QUESTION, min_size=30, max_size=60), SITES)
def test_the_reader_answers_what_the_rows_say_after_long_days(
    ops: list[tuple[Any, ...]], drawn: Drawn, site: Site
) -> None:
    compare_answers(ops, drawn, site)


@pytest.mark.long
@LONG
@given(any_days(80), st.lists(QUESTION, min_size=1, max_size=8))
def test_a_rotation_of_long_days_changes_no_list_and_no_page(ops: list[tuple[Any, ...]], drawn: Drawn) -> None:
    compare_around_rotations(ops, drawn)


@pytest.mark.long
def test_every_filter_alone_and_with_every_other_gives_the_naive_answer() -> None:
    rng = Random(16)
    with a_busy_week(rng) as both:
        moments = both.moments()
        alone = [Asked(**{name: value}) for name in FILTERS for value in values_of(name, moments, rng, 12)]
        pairs = []
        for one, other in combinations(FILTERS, 2):
            values = [(a, b) for a in values_of(one, moments, rng, 6) for b in values_of(other, moments, rng, 6)]
            pairs += [Asked(**{one: a, other: b}) for a, b in rng.sample(values, min(len(values), 8))]
        both.compare_all([(each, size) for each in (Asked(), *alone) for size in PAGE_SIZES])
        both.compare_all([(each, PAGE_SIZES[number % 3]) for number, each in enumerate(pairs)])


@contextmanager
def a_busy_week(rng: Random) -> Iterator[Asking]:
    """A week in which all sorts of things have happened, and half of it has moved to the archive."""
    with asking(STRICT) as (days, both):
        for _ in range(120):
            user, host, address = rng.choice(USERS), rng.choice(HOSTS), rng.choice(ADDRESSES)
            do_event(days, rng.choice("CCCDDM"), user, host, address, rng.choice(CLOCKS))
            do_wait(days, rng.randrange(90 * 60 * US))
            if rng.random() < 0.1:
                do_insert(days, rng.choice("CD"), user, host, address, rng.choice(("own", "none", "open")), "old", 0)
            if rng.random() < 0.03:
                do_rotate(days)
        yield both


def values_of(name: str, moments: list[int], rng: Random, most: int) -> list[Any]:
    """Return some values to ask for in one filter."""
    values = FILTERS[name] or moments
    return rng.sample(values, min(most, len(values)))
