"""A session becomes a row of the past and is the same when it is read back."""

from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.sessions.session import FROM_ARCHIVE, US, Ending, Session, session_key
from winlogd.store.file.schema import prepare
from winlogd.store.past.names import Names
from winlogd.store.past.rows import SELECTED, session_of, write

DAY_US = 86_400 * US
LAST_US = 253_402_300_799_999_999  # the end of the year 9999
FIRST_US = -62_135_596_800 * US  # the begin of the year 1

MOMENTS = st.integers(FIRST_US, LAST_US)
RECEIPTS = st.integers(0, 7_258_118_400 * US - 1)
TEXTS = st.none() | st.text(max_size=20)
READ = f"""SELECT {SELECTED} FROM winlogd_past p
    JOIN winlogd_names u ON u.id = p.user JOIN winlogd_names h ON h.id = p.host JOIN winlogd_names a ON a.id = p.ip
    JOIN winlogd_names n ON n.id = p.os_name JOIN winlogd_names v ON v.id = p.os_version ORDER BY p.key"""


@st.composite
def identifiers(draw: st.DrawFn, username: str, hostname: str | None) -> str | None:
    """Draw identifiers that are as winlogd makes them, nearly so, or any text."""
    host = draw(st.sampled_from([hostname or "unknown", hostname or "", "unknown", "other"]))
    digits = draw(st.sampled_from(["00a00f", "00A00F", "-00001", "+00001", "0_0001", " 00001", "\u0661" * 6, "00001"]))
    return draw(st.sampled_from([f"{username}@{host}@{digits}", digits, "", None]) | st.text(max_size=20))


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Draw sessions that have ended, and orphans."""
    received_us = draw(RECEIPTS)
    username, hostname = draw(st.text(max_size=20)), draw(TEXTS)
    source = draw(st.sampled_from([0, FROM_ARCHIVE]))
    is_orphan = draw(st.booleans())
    ended_by: Ending = "client" if is_orphan else draw(st.sampled_from(["client", "auto", "expired"]))
    has_logoff = ended_by != "expired" or draw(st.booleans())
    return Session(
        key=session_key(received_us, draw(st.integers(1, 2**62)), source),
        username=username,
        hostname=hostname,
        source_ip=draw(TEXTS),
        os_name=draw(TEXTS),
        os_version=draw(TEXTS),
        session_uuid=draw(identifiers(username, hostname)),
        received_us=received_us,
        connected_us=None if is_orphan else draw(st.just(received_us) | MOMENTS),
        ended_by=ended_by,
        logoff_received_us=received_us if is_orphan else draw(RECEIPTS) if has_logoff else None,
        disconnected_us=draw(MOMENTS) if has_logoff else None,
    )


@pytest.fixture(scope="module")
def database() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        yield connection


@given(st.lists(sessions(), min_size=1, max_size=5, unique_by=lambda session: session.key))
def test_every_session_is_read_back_as_it_was_written(database: apsw.Connection, written: list[Session]) -> None:
    database.execute("BEGIN")
    try:
        write(database, Names(database), written)
        read = [session_of(row) for row in database.execute(READ)]
    finally:
        database.execute("ROLLBACK")

    assert read == sorted(written, key=lambda session: session.key)


@given(sessions())
def test_the_view_shows_the_identifier_that_was_written(database: apsw.Connection, session: Session) -> None:
    database.execute("BEGIN")
    try:
        write(database, Names(database), [session])
        # SQLite's || and printf end at a NUL, so the view shows less of such a name.
        shown = database.execute("SELECT session_uuid FROM sessions").fetchall()
    finally:
        database.execute("ROLLBACK")

    if "\0" not in f"{session.username}{session.hostname}{session.session_uuid}":
        assert shown == ([] if session.is_orphan else [(session.session_uuid,)])


NOON_US = 1_768_305_600 * US  # 2026-01-13T12:00:00Z


def a_session(connected_us: int = NOON_US, after_us: int | None = None, ended_by: Ending = "client") -> Session:
    """Return a session that was received at noon, and ended `after_us` after that."""
    end_us = None if after_us is None else NOON_US + after_us
    return Session(
        key=session_key(NOON_US, 1), username="alice", hostname="A", source_ip=None, os_name=None, os_version=None,
        session_uuid="alice@A@000001", received_us=NOON_US, connected_us=connected_us, ended_by=ended_by,
        logoff_received_us=end_us, disconnected_us=end_us,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("session", "span"),
    [
        (a_session(after_us=DAY_US), None),
        (a_session(after_us=DAY_US + 1), (NOON_US, NOON_US + DAY_US + 1)),
        (a_session(NOON_US - 3600 * US, 0), None),
        (a_session(NOON_US - 3600 * US - 1, 0), (NOON_US - 3600 * US - 1, NOON_US)),
        (a_session(NOON_US + 5 * DAY_US, 0), None),
        (a_session(after_us=3 * DAY_US, ended_by="auto"), None),
        (a_session(ended_by="expired"), None),
    ],
)
def test_a_session_that_its_key_does_not_find_has_its_span(
    database: apsw.Connection, session: Session, span: tuple[int, int] | None
) -> None:
    database.execute("BEGIN")
    write(database, Names(database), [session])
    found = database.execute("SELECT since, until FROM winlogd_past").fetchall()
    database.execute("ROLLBACK")

    assert found == [span or (None, None)]


def test_a_session_that_is_written_again_is_one_row(database: apsw.Connection) -> None:
    database.execute("BEGIN")
    for _ in range(2):
        write(database, Names(database), [a_session()])
    found = database.execute("SELECT count(*) FROM winlogd_past").fetchall()
    database.execute("ROLLBACK")

    assert found == [(1,)]
