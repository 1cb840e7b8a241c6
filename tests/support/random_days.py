"""A server whose days go wrong: clocks, lost logoffs, other programs. A test draws what happens, and asks in between.

Rows keep the ids that they had in ``events_today`` (`Days.arrivals`), so that a naive search can sort them. This file
must not know what a reader answers.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import apsw

from tests.support.school_clients import Sent, timestamp_text
from tests.support.school_rows import ClockedServer
from winlogd.sessions.session import US
from winlogd.store import load_book
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import rules
from winlogd.store.jobs.steps import Steps
from winlogd.store.recheck import Recheck

MORNING_US: Final = 1_768_291_200 * US
"""2026-01-13T08:00:00Z."""
KEEP_OPEN_HOURS: Final = 24.0
_A_STEP: Final = Steps(1.0, 3, 3)
_INSERT: Final = """INSERT INTO events_today (username, action, timestamp, hostname, source_ip, session_uuid)
    VALUES (?, ?, ?, ?, ?, ?)"""


class Days:
    """A server, another program beside it, and a clock that only the caller moves.

    Args:
        path: a database, which does not exist yet.

    Attributes:
        path: the database.
        server: the server.
        now_us: the server's clock, in microseconds since 1970.
        arrivals: for rows of ``events_history`` by id, the id that each had in ``events_today``.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.now_us = MORNING_US
        self.server: Final = ClockedServer(path, self.now_us, KEEP_OPEN_HOURS)
        self._other: Final = apsw.Connection(str(path))
        self.arrivals: Final[dict[int, int]] = {}

    def event(self, action: str, username: str, hostname: str | None, source_ip: str, clock_us: int = 0) -> None:
        """Receive an event from a machine whose clock is ahead by `clock_us`."""
        timestamp = f"{timestamp_text(self.now_us + clock_us)}Z"
        hardware = {"memory": 16} if action == "M" else None
        names = username, action, timestamp, hostname or ""
        self.server.receive([Sent(self.now_us, *names, source_ip, "Windows", "11", "26100", hardware, False)])

    def restart(self) -> None:
        """Restart the server."""
        self.server.restart(self.now_us)

    def rotate(self, after_step: Callable[[], None] = lambda: None) -> None:
        """Run a rotation in small steps."""
        server, connection = self.server, self.server.database.connection
        now_s = self.now_us / US
        wanted = rules(now_s, server.schedule.midnight_s(now_s), KEEP_OPEN_HOURS)
        rotation = Rotation(wanted, server.schedule.last(now_s).day, _A_STEP)
        is_last = False
        while not is_last:
            before = self.rows("SELECT id FROM events_today ORDER BY id")
            server.database.begin()
            step = rotation.step(connection, server.book, now_s)
            server.database.commit()
            rotation.took(step, server.book, 1.0)
            there = set(self.rows("SELECT id FROM events_today"))
            moved = [row[0] for row in before if row not in there]
            archived = self.rows(
                "SELECT id FROM events_history WHERE id > ? ORDER BY id", max(self.arrivals, default=0)
            )
            self.arrivals.update(zip((row[0] for row in archived), moved, strict=True))
            is_last = step.is_last
            after_step()

    def insert(self, row: Sequence[str | None], received: str | None, created: str | None) -> None:
        """Insert a row as another program does.

        Args:
            row: username, action, timestamp, hostname, source_ip and session_uuid.
            received: the row's ``server_timestamp``.
            created: the row's ``created_at``.
        """
        self._other.execute(_INSERT, row)
        times = received, created, self._other.last_insert_rowid()
        self._other.execute("UPDATE events_today SET server_timestamp = ?, created_at = ? WHERE id = ?", times)
        self._notice()

    def change(self, event_id: int, column: str, sql: str) -> None:
        """Change a row of today as another program does: `sql` is the new value."""
        self._other.execute(f"UPDATE events_today SET {column} = {sql} WHERE id = ?", (event_id,))
        self._notice()

    def delete(self, event_id: int) -> None:
        """Delete a row of today as another program does."""
        self._other.execute("DELETE FROM events_today WHERE id = ?", (event_id,))
        self._notice()

    def rows(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        """Return the rows of a query of another program."""
        return self._other.execute(sql, values).fetchall()

    @property
    def other(self) -> apsw.Connection:
        """Return the connection of the other program."""
        return self._other

    def close(self) -> None:
        """Close the database."""
        self._other.close()
        self.server.close()

    def __enter__(self) -> "Days":
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the database."""
        self.close()

    def _notice(self) -> None:
        """Let the server notice what the other program has written, as it does before its next event."""
        connection, book = self.server.database.connection, self.server.book
        recheck = Recheck(connection, book)
        load_book.begin(self.server.database, book, recheck)
        while recheck.is_due:
            recheck.go_on()
        self.server.database.commit()
