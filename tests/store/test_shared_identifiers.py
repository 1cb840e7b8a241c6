"""Rows that share an identifier: the Book and both views agree about open sessions.

winlogd draws each identifier once, but administrators copy rows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.support.writing import Running, event
from winlogd.api.current_sessions import as_json
from winlogd.events.event import Event
from winlogd.sessions.book import Book

COLUMNS: Final = "username, hostname, action, timestamp, server_timestamp, session_uuid, source_ip"


class Site:
    """A writer at work, and an administrator with a shell."""

    def __init__(self, path: Path) -> None:
        self.running = Running(path)
        self.book: Book = self.running.ear.wait_for("loaded")

    def restart(self) -> None:
        assert self.running.stop() is None
        self.__init__(self.running.path)  # type: ignore[misc]  # the same file, another process

    def send(self, *events: Event) -> None:
        self.running.store(*events)

    def copy(self, event_id: int, table: str = "events_today", **changed: str) -> None:
        """Copy a row of ``events_today``, with some columns changed."""
        copied = ", ".join(f"'{changed[name]}'" if name in changed else name for name in COLUMNS.split(", "))
        self.running.execute(
            f"INSERT INTO {table} ({COLUMNS}) SELECT {copied} FROM events_today WHERE id = ?", event_id
        )

    def listed(self) -> set[tuple[str, ...]]:
        """Return the open sessions of the Book, which the server also answers over HTTP."""
        self.send(event("M", "12:00:00", "inventory"))  # the writer reads other programs' commits with the next event
        listing = orjson.loads(as_json(self.book))
        return {tuple(each[name] for name in ("username", "hostname", "connected_at")) for each in listing}

    def open_sessions(self) -> set[tuple[str, ...]]:
        return set(self.running.rows("SELECT username, hostname, connected_at FROM open_sessions"))

    def without_end(self) -> set[tuple[str, ...]]:
        """Return the logons of ``events_today`` to which the view `sessions` joins no logoff."""
        return set(
            self.running.rows(
                """SELECT s.username, s.hostname, s.connected_at FROM sessions s JOIN events_today c
                ON (s.username, s.hostname, s.connected_at, s.session_uuid) =
                   (c.username, c.hostname, c.timestamp, c.session_uuid) AND c.action = 'C'
                WHERE s.ended_by IS NULL"""
            )
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "winlog.db")
    yield site
    assert site.running.stop() is None


COPIES: Final[dict[str, dict[str, str]]] = {
    "as it is": {},
    "for another user": {"username": "bob"},
    "for another host": {"hostname": "B200-01"},
    "in another spelling": {"username": "ALICE"},
    "with a later time": {"timestamp": "2026-01-13T08:30:00Z"},
    "to the archive": {"table": "events_history"},
}


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("ended_by", ["its user", "the copy's user", "its next logon", "a logoff by hand"])
@pytest.mark.parametrize("how", COPIES)
def test_a_logoff_ends_all_logons_of_its_identifier_everywhere(
    site: Site, how: str, ended_by: str, restarted: bool
) -> None:
    site.send(event("C", "08:00:00"))
    site.copy(1, **COPIES[how])
    assert site.listed() == site.open_sessions() == site.without_end()
    if restarted:
        site.restart()

    copied = COPIES[how]
    if ended_by == "its user":
        site.send(event("D", "09:00:00"))
    elif ended_by == "the copy's user":
        site.send(event("D", "09:00:00", copied.get("username", "alice"), copied.get("hostname", "A102-07")))
    elif ended_by == "its next logon":
        site.send(event("C", "09:00:00"))
    else:
        site.copy(1, action="D", timestamp="2026-01-13T09:00:00Z")

    opened = {("alice", "A102-07", "2026-01-13T09:00:00Z")} if ended_by == "its next logon" else set()
    assert site.listed() == site.open_sessions() == site.without_end() == opened
    closing = site.running.rows("SELECT origin FROM events_today WHERE action = 'D'")
    assert len(closing) == 1
    assert site.running.rows("SELECT DISTINCT ended_by FROM sessions WHERE ended_by IS NOT NULL") == closing


def test_a_logon_that_uses_an_identifier_again_is_not_open_while_the_logoff_before_it_is_there(site: Site) -> None:
    site.send(event("C", "08:00:00"), event("D", "09:00:00"))

    site.copy(1, timestamp="2026-01-13T10:00:00Z")

    assert site.listed() == site.open_sessions() == set()
    site.restart()
    assert site.listed() == site.open_sessions() == set()


def test_a_second_copy_of_the_logoff_changes_nothing(site: Site) -> None:
    site.send(event("C", "08:00:00"), event("D", "09:00:00"))
    site.copy(2, timestamp="2026-01-13T10:00:00Z")
    site.copy(1, table="events_history")

    assert site.listed() == site.open_sessions() == site.without_end() == set()
    assert site.running.rows("SELECT DISTINCT disconnected_at FROM sessions") == [("2026-01-13T09:00:00Z",)]
