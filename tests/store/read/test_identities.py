"""The names of a person, and when each was used."""

from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest

from tests.support.pasts import DAY, built, insert, opened
from winlogd.sessions.session import US
from winlogd.store.read.identities import Wanted, names_with, uses_of

LAST_YEAR = DAY - timedelta(days=300)
ROWS = (
    ("events_history", "alice", LAST_YEAR),
    ("events_history", "ALICE", LAST_YEAR + timedelta(days=50)),
    ("events_history", "ADMIN\\Alice", LAST_YEAR + timedelta(days=59)),
    ("events_history", "alice", DAY),
    ("events_today", "Alice", DAY + timedelta(days=1)),
    ("events_today", "alice@dom", DAY),
    ("events_today", "malice", DAY),
)


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * US


@pytest.fixture
def filled(tmp_path: Path) -> apsw.Connection:
    with opened(tmp_path / "winlog.db") as connection:
        for number, (table, user, moment) in enumerate(ROWS):
            insert(connection, table, username=user, action="C", session_uuid=f"{number}", hostname="ALICE-PC",
                   timestamp=f"{moment:%Y-%m-%dT%H:%M:%S}Z", server_timestamp=moment.isoformat())  # fmt: skip
        built(connection)
        return apsw.Connection(str(tmp_path / "winlog.db"))


def test_last_years_homonym_is_told_apart(filled: apsw.Connection) -> None:
    uses = [
        (use.name, use.first_us, use.last_us, use.events) for use in uses_of(filled, Wanted("alice", False, None, None))
    ]

    assert uses == [
        ("admin\\alice", us(LAST_YEAR + timedelta(days=59)), us(LAST_YEAR + timedelta(days=59)), 1),
        ("alice", us(LAST_YEAR), us(LAST_YEAR + timedelta(days=50)), 2),
        ("alice", us(DAY), us(DAY + timedelta(days=1)), 2),
        ("alice@dom", us(DAY), us(DAY), 1),
    ]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted("alice", True, None, None), ["alice", "alice"]),
        (Wanted("admin\\alice", False, None, None), ["admin\\alice"]),
        (Wanted("alice", False, us(DAY), None), ["alice", "alice@dom"]),
        (Wanted("alice", False, None, us(LAST_YEAR)), ["alice"]),
        (Wanted("bob", False, None, None), []),
    ],
)
def test_only_what_is_meant_is_listed(filled: apsw.Connection, wanted: Wanted, names: list[str]) -> None:
    assert [use.name for use in uses_of(filled, wanted)] == names


def test_longer_names_are_known(filled: apsw.Connection) -> None:
    assert names_with(filled, "Alice") == {"alice", "ALICE", "ADMIN\\Alice", "Alice", "alice@dom", "malice", "ALICE-PC"}
