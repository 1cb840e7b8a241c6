"""Long work pauses while events come, and only then."""

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import apsw
import pytest

from winlogd.store.pauses import Pauses

SUM = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT sum(i) FROM n"


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        yield connection


def worked(connection: apsw.Connection, pauses: Pauses) -> object:
    pauses.begin(connection)
    return connection.execute(SUM).get


def test_while_events_come_each_pause_is_longer_than_the_work_before_it(connection: apsw.Connection) -> None:
    slept_s: list[float] = []
    begun_s = time.thread_time()

    assert worked(connection, Pauses(count().__next__, slept_s.append)) == 5_000_050_000

    assert len(slept_s) > 1
    assert sum(slept_s) > time.thread_time() - begun_s


def test_without_events_there_is_no_pause(connection: apsw.Connection) -> None:
    slept_s: list[float] = []

    assert worked(connection, Pauses(lambda: 7, slept_s.append)) == 5_000_050_000

    assert not slept_s


def test_work_without_sql_pauses_when_it_has_gone_on_for_a_while() -> None:
    slept_s: list[float] = []
    pauses = Pauses(count().__next__, slept_s.append)

    paused_s = [pauses.take() for _ in range(100_000)]

    assert slept_s
    assert sum(paused_s) == sum(slept_s)
    assert 0.0 in paused_s
