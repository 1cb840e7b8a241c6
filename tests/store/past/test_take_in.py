"""Rows of events become sessions and orphans: which logoff ends which logon."""

from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.past import build
from winlogd.sessions.session import US, Session
from winlogd.store.file.schema import prepare
from winlogd.store.past.events import Logoff
from winlogd.store.past.rows import SELECTED, session_of
from winlogd.store.past.take_in import first_logoff

READ = f"""SELECT {SELECTED} FROM winlogd_past p
    JOIN winlogd_names u ON u.id = p.user JOIN winlogd_names h ON h.id = p.host JOIN winlogd_names a ON a.id = p.ip
    JOIN winlogd_names n ON n.id = p.os_name JOIN winlogd_names v ON v.id = p.os_version ORDER BY p.key"""
NOON_S = 1_768_305_600  # 2026-01-13T12:00:00Z


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        yield connection


def logoff(second: int, event_id: int, is_of_today: bool = False) -> Logoff:
    return Logoff(event_id, is_of_today, second * US + 999_999, second * US, "client")


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([], None),
        ([logoff(100, 4)], 0),  # the second of receipt is the same
        ([logoff(99, 4)], None),  # it came before, by both
        ([logoff(99, 6)], 0),  # the clock was set back; ids tell the order
        ([logoff(101, 4)], 0),  # another program moved it before its logon
        ([logoff(99, 1, is_of_today=True)], 0),  # no logoff moves before its logon
        ([logoff(103, 6), logoff(102, 7)], 1),  # the first received
        ([logoff(102, 7), logoff(102, 6)], 1),  # of one second: the lower id
        ([logoff(102, 1, is_of_today=True), logoff(102, 9)], 1),  # the archive is older than today
        ([logoff(50, 3), logoff(99, 4), logoff(104, 8)], 2),  # the first two ended older sessions
    ],
)
def test_the_first_logoff_after_an_archived_logon_ends_it(candidates: list[Logoff], chosen: int | None) -> None:
    found = first_logoff(5, 100 * US + 500_000, candidates, is_of_today=False)

    assert found == (None if chosen is None else candidates[chosen])


def test_a_logoff_in_the_archive_came_before_a_logon_of_today() -> None:
    earlier, same_second = logoff(99, 9), logoff(100, 9)

    assert first_logoff(5, 100 * US, [earlier], is_of_today=True) is None
    assert first_logoff(5, 100 * US, [earlier, same_second], is_of_today=True) == same_second


@given(
    st.lists(st.builds(logoff, st.integers(0, 5), st.integers(1, 9), st.booleans()), max_size=6),
    st.integers(0, 5), st.integers(1, 9), st.booleans(),
)  # fmt: skip
def test_the_chosen_logoff_is_after_the_logon_and_no_other_is_before_it(
    candidates: list[Logoff], second: int, event_id: int, is_of_today: bool
) -> None:
    def is_after(each: Logoff) -> bool:
        return each.received_us // US >= second or (each.is_of_today, each.event_id) > (is_of_today, event_id)

    found = first_logoff(event_id, second * US, candidates, is_of_today)

    after = sorted(filter(is_after, candidates), key=lambda each: (each.received_us, each.is_of_today, each.event_id))
    assert found == (after[0] if after else None)


def store(database: apsw.Connection, action: str, second: int, session: str | None, table: str = "history",
          **columns: object) -> None:  # fmt: skip
    """Store a row that was sent a quarter of a second before its receipt."""
    time = f"2026-01-13T12:{second // 60:02d}:{second % 60:02d}"
    row: dict[str, object] = {"username": "alice", "hostname": "A", "action": action, "session_uuid": session}
    row |= {"timestamp": f"{time}.25Z", "server_timestamp": f"{time}.500000+00:00", "source_ip": "192.0.2.7"} | columns
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO events_{table} ({names}) VALUES ({marks})", tuple(row.values()))


def past(database: apsw.Connection) -> list[Session]:
    build(database)
    return [session_of(row) for row in database.execute(READ)]


def at(second: int) -> int:
    return (NOON_S + second) * US


def test_a_logon_and_its_logoff_are_a_session_with_all_that_the_rows_tell(database: apsw.Connection) -> None:
    store(database, "C", 1, "alice@A@000001", os_name="Windows", os_version="11")
    store(database, "D", 61, "alice@A@000001", source_ip="192.0.2.8", os_name="Linux", origin="auto")

    assert past(database) == [
        Session(
            key=(NOON_S + 1) * 2**30 + 2**29 + 1, username="alice", hostname="A", source_ip="192.0.2.7",
            os_name="Windows", os_version="11", session_uuid="alice@A@000001", received_us=at(1) + 500_000,
            connected_us=at(1) + 250_000, ended_by="auto", logoff_received_us=at(61) + 500_000,
            disconnected_us=at(61) + 250_000,
        )
    ]  # fmt: skip


def test_a_logon_in_the_archive_that_no_logoff_follows_is_expired_at_an_unknown_time(database: apsw.Connection) -> None:
    store(database, "C", 1, "s1")

    [session] = past(database)

    assert (session.ended_by, session.logoff_received_us, session.disconnected_us) == ("expired", None, None)


def test_a_logon_whose_logoff_is_still_in_today_is_ended_by_it(database: apsw.Connection) -> None:
    store(database, "C", 1, "s1")
    store(database, "D", 2, "s1", table="today")

    [session] = past(database)

    assert session.disconnected_us == at(2) + 250_000


@pytest.mark.parametrize("session_uuid", ["orphan_alice@A@000001", None, "unheard@A@000001"])
def test_a_logoff_without_a_logon_is_an_orphan(database: apsw.Connection, session_uuid: str | None) -> None:
    store(database, "D", 5, session_uuid)

    [orphan] = past(database)

    assert orphan.is_orphan
    assert (orphan.session_uuid, orphan.connected_us) == (session_uuid, None)
    assert orphan.logoff_received_us == orphan.received_us == at(5) + 500_000
    assert orphan.disconnected_us == at(5) + 250_000


def test_a_second_logoff_of_a_session_is_no_orphan(database: apsw.Connection) -> None:
    store(database, "C", 1, "s1")
    for second in (2, 3):
        store(database, "D", second, "s1")

    [session] = past(database)

    assert session.disconnected_us == at(2) + 250_000


def test_rows_without_an_identifier_are_never_joined(database: apsw.Connection) -> None:
    store(database, "C", 1, None)
    store(database, "D", 2, None)

    begun, orphan = past(database)

    assert (begun.ended_by, begun.disconnected_us, orphan.is_orphan) == ("expired", None, True)


def test_rows_with_one_receipt_have_keys_of_their_own(database: apsw.Connection) -> None:
    for number in range(50):
        store(database, "C", 1, f"s{number}")

    assert [session.session_uuid for session in past(database)] == [f"s{number}" for number in range(50)]
