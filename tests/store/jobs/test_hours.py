"""Hours are counted in steps, also again: however that is cut, they are what a naive count finds."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.test_load_book import load
from tests.support.pasts import NOW_S, finish, step
from winlogd.events.names import folded
from winlogd.sessions.session import FROM_ARCHIVE, US, Ending, Session, first_key, session_key
from winlogd.store.file import schema
from winlogd.store.jobs.hours import Hours
from winlogd.store.jobs.steps import Steps
from winlogd.store.past import rows
from winlogd.store.past.hours import Hour, Sweep
from winlogd.store.past.names import Names
from winlogd.store.past.progress import HOURS_FROM, ask_for_hours, is_due, number

pytestmark = pytest.mark.long

HOUR_US = 3600 * US
BEGIN_US = 490_704 * HOUR_US


def steps_of(size: int) -> Steps:
    return Steps(1.0, size, size)


class Drawn(NamedTuple):
    """A session as it is drawn.

    Attributes:
        after_us: its receipt, after `BEGIN_US`.
        logoff_us: the receipt of its logoff, after its own; None without one.
        early_us: how much earlier the client's time of the logon was.
        user: the user's name.
        ending: how it ended; None for an orphan.
    """

    after_us: int
    logoff_us: int | None
    early_us: int
    user: str
    ending: Ending | None


def session(drawn: Drawn, event_id: int) -> Session:
    received_us = BEGIN_US + drawn.after_us
    logoff_us = None if drawn.logoff_us is None else received_us + drawn.logoff_us
    is_orphan = drawn.ending is None
    return Session(
        key=session_key(received_us, event_id),
        username=drawn.user,
        hostname="A",
        source_ip=None,
        os_name=None,
        os_version=None,
        session_uuid=None,
        received_us=received_us,
        connected_us=None if is_orphan else received_us - drawn.early_us,
        ended_by=drawn.ending or "client",
        logoff_received_us=received_us if is_orphan else logoff_us,
        disconnected_us=received_us if is_orphan else logoff_us,
    )


def session_with_key(session: Session, key: int) -> Session:
    return Session(**{name: getattr(session, name) for name in Session.__slots__} | {"key": key})


def write(connection: apsw.Connection, sessions: list[Session]) -> None:
    """Write sessions as `store.past.take_in` does."""
    with connection:
        rows.write(connection, Names(connection), sessions)
        begun = [each.key for each in sessions if not each.is_orphan]
        if begun:
            ask_for_hours(connection, min(begun))


def naive(sessions: list[Session]) -> list[Hour]:
    """Count by looking at all sessions for each hour, and for each moment at which one begins."""
    begun = [each for each in sessions if not each.is_orphan]
    spans = [
        (each.received_us, each.logoff_received_us)
        for each in begun
        if each.ended_by == "client" and each.logoff_received_us is not None
    ]
    if not begun:
        return []
    ends = [each.received_us for each in begun] + [end for _, end in spans]
    counted = []
    for hour in range(min(ends) // HOUR_US, max(ends) // HOUR_US + 1):
        since, until = hour * HOUR_US, (hour + 1) * HOUR_US
        logons = [each for each in begun if since <= each.received_us < until]
        moments = [since, *(begin for begin, _ in spans if since <= begin < until)]
        most = max(sum(begin <= moment < end for begin, end in spans) for moment in moments)
        if logons or most:
            counted.append(Hour(hour, len(logons), len({folded(each.username) for each in logons}), most))
    return counted


def counted(connection: apsw.Connection) -> list[Any]:
    return connection.execute("SELECT * FROM winlogd_hours ORDER BY hour").fetchall()


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    with closing(made()) as connection:
        yield connection


def made() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    schema.prepare(connection)
    return connection


spans = st.one_of(
    st.none(),
    st.integers(-2 * US, 2 * US),
    st.integers(0, 3 * HOUR_US),
    st.integers(23 * HOUR_US, 27 * HOUR_US),
    st.integers(0, 80 * HOUR_US),
    st.sampled_from([0, HOUR_US, 24 * HOUR_US, 24 * HOUR_US + 1, 25 * HOUR_US]),
)
times = st.one_of(
    st.integers(0, 60 * HOUR_US),
    st.integers(0, 3 * US),
    st.integers(0, 60).map(lambda hour: hour * HOUR_US),
    st.integers(1, 60).map(lambda hour: hour * HOUR_US - 1),
)
drawn_sessions = st.builds(
    Drawn,
    times,
    spans,
    st.sampled_from([0, 0, 0, US, 2 * HOUR_US, 48 * HOUR_US]),
    st.sampled_from(["alice", "ALICE", "bob", "DOM\\alice", "é"]),
    st.sampled_from(["client", "client", "client", "auto", "expired", None]),
)
groups = st.lists(st.lists(drawn_sessions, min_size=1, max_size=8), min_size=1, max_size=4)


@given(groups, st.integers(1, 9))
def test_hours_are_what_a_naive_count_finds_also_after_more_sessions(drawn: list[list[Drawn]], size: int) -> None:
    known: list[Session] = []
    with closing(made()) as connection:
        book = load(connection)
        for group in drawn:
            new = [session(each, len(known) + number + 1) for number, each in enumerate(group)]
            known += new
            write(connection, new)
            finish(Hours(steps_of(size)), connection, book)

            assert counted(connection) == naive(known)
            assert not number(connection, HOURS_FROM)


@given(groups, st.integers(1, 4), st.lists(st.integers(1, 6), max_size=8), st.data())
def test_sessions_that_are_added_between_two_steps_and_new_counts_change_nothing(
    drawn: list[list[Drawn]], size: int, pauses: list[int], data: st.DataObject
) -> None:
    """A pause ends the process or the count's transaction, or the rotation adds sessions."""
    known: list[Session] = []
    with closing(made()) as connection:
        book = load(connection)
        job = Hours(steps_of(size))
        waiting = list(drawn)
        for pause in pauses:
            match data.draw(st.sampled_from(["add", "kill", "fail", "reopen"])):
                case "add" if waiting:
                    new = [session(each, len(known) + at + 1) for at, each in enumerate(waiting.pop())]
                    known += new
                    write(connection, new)
                case "kill":
                    job = Hours(steps_of(size))
                case "reopen":
                    book = load(connection)
                case _:
                    connection.execute("BEGIN IMMEDIATE")
                    job.step(connection, book, NOW_S)
                    connection.execute("ROLLBACK")
            for _ in range(pause):
                step(job, connection, book)
        finish(job, connection, book)

        assert counted(connection) == naive(known)
        assert not is_due(connection)


def test_with_nothing_to_do_a_count_ends_in_one_step_that_writes_nothing(database: apsw.Connection) -> None:
    changes = database.total_changes()

    done = step(Hours(), database, load(database))

    assert (done.is_last, done.wrote) == (True, False)
    assert database.total_changes() == changes


def test_an_hour_in_which_somebody_only_stays_is_counted(database: apsw.Connection) -> None:
    write(database, [session(Drawn(0, 3 * HOUR_US, 0, "alice", "client"), 1)])
    finish(Hours(steps_of(1)), database)

    hour = BEGIN_US // HOUR_US
    assert counted(database) == [(hour, 1, 1, 1), (hour + 1, 0, 0, 1), (hour + 2, 0, 0, 1)]


def test_only_the_hours_that_a_new_session_touches_are_written_again(database: apsw.Connection) -> None:
    old = [session(Drawn(hour * HOUR_US, HOUR_US, 0, "alice", "client"), hour + 1) for hour in range(200)]
    write(database, old)
    finish(Hours(steps_of(1000)), database)
    late = session(Drawn(198 * HOUR_US, HOUR_US, 0, "bob", "client"), 500)
    write(database, [late])
    hours = Hours(steps_of(1000))
    finish(hours, database)

    assert counted(database) == naive([*old, late])
    assert hours.outcome.hours == 2


@pytest.mark.parametrize("logoff_us", [24 * HOUR_US, 24 * HOUR_US + 1, 24 * HOUR_US + 2 * US, 100 * HOUR_US])
@pytest.mark.parametrize("size", [1, 100])
def test_a_later_count_knows_the_sessions_that_are_still_on(
    database: apsw.Connection, logoff_us: int, size: int
) -> None:
    long = [session(Drawn(at * US, logoff_us, 0, "alice", "client"), at + 1) for at in range(3)]
    write(database, long)
    finish(Hours(steps_of(size)), database)
    late = session(Drawn(logoff_us, HOUR_US, 0, "bob", "client"), 500)
    write(database, [late])
    finish(Hours(steps_of(size)), database)

    assert counted(database) == naive([*long, late])


def test_a_count_that_was_cut_short_behind_the_last_key_of_an_hour_counts_this_hour(database: apsw.Connection) -> None:
    last = session(Drawn(HOUR_US - US, US, 0, "alice", "client"), 1)
    last = session_with_key(last, session_key(last.received_us, FROM_ARCHIVE - 1, FROM_ARCHIVE))
    following = session(Drawn(HOUR_US, US, 0, "bob", "client"), 1)
    assert last.key + 1 == first_key(following.received_us)
    write(database, [last, following])
    cut_short, book = Hours(steps_of(1)), load(database)
    while number(database, HOURS_FROM) == last.key:
        step(cut_short, database, book)
    assert counted(database) == []
    finish(Hours(steps_of(1)), database)

    assert counted(database) == naive([last, following])


def test_the_steps_of_a_long_session_are_bounded(database: apsw.Connection) -> None:
    """Another program's row has no time of receipt: it counts as received in 1970, and its logoff was today."""
    long = Session(
        session_key(0, 1), "alice", "A", None, None, None, None, 0, 0, "client", BEGIN_US, BEGIN_US
    )  # fmt: skip
    write(database, [long])
    job, book, most = Hours(Steps(1.0, 1000, 1000)), load(database), 0
    while True:
        before = database.total_changes()
        is_last = step(job, database, book).is_last
        most = max(most, database.total_changes() - before)
        if is_last:
            break

    assert most <= 1001
    assert len(counted(database)) == BEGIN_US // HOUR_US


def test_a_sweep_counts_a_logoff_before_a_logon_of_the_same_moment() -> None:
    sweep, hours = Sweep(0, []), list[Hour]()
    for begin_us, end_us in ((5, 10), (10, 20), (7, 7)):
        assert sweep.reach(0, hours, 10)
        sweep.add(begin_us, end_us, "alice")
    assert sweep.end(hours, 10)

    assert hours == [Hour(0, 3, 1, 1)]
