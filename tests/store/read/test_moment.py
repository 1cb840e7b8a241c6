"""The changes before and after a moment are found by the order of receipt: holidays do not have a term read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.questions import a_site, at, reading, stay
from tests.support.school_clients import Sent
from tests.support.school_rows import store
from winlogd.events.patterns import Pattern
from winlogd.sessions.session import US
from winlogd.store.past.rows import SELECTED
from winlogd.store.read.access import Access
from winlogd.store.read.filters import Filters
from winlogd.store.read.moment import find_moment

SITE: Final = a_site(zone=UTC)
NOW_US: Final = at(52, 12)
TERM_DAYS: Final = (*range(12), *range(40, 52))
"""Between the two terms are 28 days without an event."""
SESSIONS_A_DAY: Final = 48
COLUMNS: Final = SELECTED.count(",") + 1


def a_day(day: int) -> Iterator[Sent]:
    """Return the events of a day: somebody comes every ten minutes from 08:00 on, and stays for an hour."""
    for number in range(SESSIONS_A_DAY):
        begin_us = at(day, 8 + number / 6)
        yield from stay(begin_us, begin_us + 3600 * US, f"user{number % 12}", f"A{number % 2}-{number % 24:02}")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("terms") / "winlog.db"
    store(
        made,
        sorted((event for day in TERM_DAYS for event in a_day(day)), key=lambda each: each.received_us),
        until_us=NOW_US,
    )
    return made


@pytest.fixture
def access(path: Path) -> Iterator[Access]:
    with reading(path) as opened:
        yield opened


def sessions_read(access: Access) -> list[Any]:
    """Return a list that gets each row of a session that SQLite gives from now on."""
    rows: list[Any] = []

    def note(_: object, row: Any) -> Any:  # noqa: ANN401  # of any statement
        if len(row) == COLUMNS:
            rows.append(row)
        return row

    access._connection.row_trace = note
    return rows


def changes(access: Access, moment_us: int, **filters: Any) -> list[datetime | None]:  # noqa: ANN401  # of Filters
    """Return the changes before and after a moment."""
    found = find_moment(access, Filters(at_us=(moment_us,), **filters), SITE, NOW_US)
    both = found.previous_us, found.next_us
    return [None if each is None else datetime.fromtimestamp(each / US, UTC) for each in both]


LAST: Final = datetime(2026, 1, 23, 16, 50, 1, tzinfo=UTC)
"""The last one of the first term has gone."""
FIRST: Final = datetime(2026, 2, 21, 8, tzinfo=UTC)


@pytest.mark.parametrize("day", [12.2, 16, 26, 38, 39.9])
def test_in_the_holidays_few_sessions_are_read(day: float, access: Access) -> None:
    changes(access, NOW_US)  # today is read now
    rows = sessions_read(access)
    assert changes(access, at(0, 24 * day)) == [LAST, FIRST]
    assert 0 < len(rows) < 2 * SESSIONS_A_DAY  # a term has twelve days


def test_with_filters_too(access: Access) -> None:
    moment_us = at(26, 12)
    assert changes(access, moment_us, user=Pattern("user0"))[1] == FIRST
    assert changes(access, moment_us, room="A1")[1] == FIRST.replace(minute=10)
    assert changes(access, moment_us, user=Pattern("user3"))[0] == LAST.replace(hour=15, minute=30)
    assert changes(access, moment_us, user=Pattern("nobody")) == [None, None]


def test_at_both_ends_there_is_none(access: Access) -> None:
    assert changes(access, at(-3, 8)) == [None, datetime(2026, 1, 12, 8, tzinfo=UTC)]
    assert changes(access, NOW_US) == [datetime(2026, 3, 4, 16, 50, 1, tzinfo=UTC), None]
