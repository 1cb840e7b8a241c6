"""Count the events that were sent, acknowledged and stored, and find lost and doubled ones."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Sent(NamedTuple):
    """The fields that tell an event from all others."""

    username: str
    hostname: str
    action: str
    timestamp: str


@dataclass(frozen=True, slots=True)
class Account:
    """The ledger's sums and faults.

    Attributes:
        lost: acknowledged and not stored.
        doubled: stored more than once, in both tables together.
        unpaired: logoffs that were stored under another identifier than their logon, though that was acknowledged.
        misplaced: rows put there for the rotation that are not exactly once in the two tables.
        unmoved: of these, how many are not in the archive, where the last rotation was to bring them all.
        integrity: what ``PRAGMA integrity_check`` says.
    """

    sent: int
    acknowledged: int
    retried: int
    given_up: int
    stored: int
    lost: int
    doubled: int
    unpaired: int
    misplaced: int
    unmoved: int
    integrity: str

    @property
    def is_clean(self) -> bool:
        """Return True if every promise was kept."""
        wrong = self.lost or self.doubled or self.unpaired or self.misplaced or self.unmoved
        return self.integrity == "ok" and not wrong

    def __str__(self) -> str:
        return (
            f"sent {self.sent}, acknowledged {self.acknowledged}, retried {self.retried}, given up {self.given_up}, "
            f"stored {self.stored}, lost {self.lost}, doubled {self.doubled}, unpaired {self.unpaired}, "
            f"misplaced by the rotation {self.misplaced}, not moved {self.unmoved}, integrity {self.integrity}"
        )


class Ledger:
    """The workstations' record of their events, which is compared with the database at the end.

    Attributes:
        retried: how often an event was sent again.
        refused: how often nobody listened.
    """

    def __init__(self) -> None:
        self.retried = self.refused = 0
        self._sent: list[Sent] = []
        self._acknowledged: dict[Sent, str] = {}
        self._given_up: set[Sent] = set()

    def sends(self, sent: Sent) -> None:
        """Note that an event is sent for the first time."""
        self._sent.append(sent)

    def acknowledges(self, sent: Sent, session_uuid: str) -> None:
        """Note that an event was answered 200."""
        self._acknowledged[sent] = session_uuid

    def gives_up(self, sent: Sent) -> None:
        """Note that an event's client tries no more. The event may be stored or not."""
        self._given_up.add(sent)

    def balance(self, database: Path, rotated_rows: int = 0) -> Account:
        """Compare the ledger with the database, which no server may have open.

        Args:
            database: the file.
            rotated_rows: the number of rows of users called ``old…`` that were put into ``events_today``.
        """
        with closing(sqlite3.connect(database)) as connection:
            [(integrity,)] = connection.execute("PRAGMA integrity_check")
            columns = "username, hostname, action, timestamp, session_uuid"
            theirs = "origin = 'client' AND username NOT LIKE 'old%' AND hostname IS NOT 'OLD'"
            rows = connection.execute(
                f"SELECT {columns} FROM events_today WHERE {theirs}"
                f" UNION ALL SELECT {columns} FROM events_history WHERE {theirs}"
            ).fetchall()
            [(old, distinct, moved)] = connection.execute(
                "SELECT count(*), count(DISTINCT username), sum(has_moved) FROM (SELECT username, 0 AS has_moved"
                " FROM events_today UNION ALL SELECT username, 1 FROM events_history) WHERE username LIKE 'old%'"
            )
        copies = Counter(Sent(*row[:4]) for row in rows)
        stored = {Sent(*row[:4]): row[4] for row in rows}
        return Account(
            sent=len(self._sent),
            acknowledged=len(self._acknowledged),
            retried=self.retried,
            given_up=len(self._given_up),
            stored=len(stored),
            lost=sum(stored.get(sent) != uuid for sent, uuid in self._acknowledged.items()),
            doubled=sum(count - 1 for count in copies.values()),
            unpaired=self._unpaired(),
            misplaced=abs(rotated_rows - distinct) + old - distinct,
            unmoved=rotated_rows - (moved or 0),
            integrity=integrity,
        )

    def _unpaired(self) -> int:
        """Count wrong identifiers. A client sends its events in turn: a logoff belongs to the logon before it."""
        logons: dict[str, str | None] = {}
        unpaired = 0
        for sent in self._sent:
            uuid = self._acknowledged.get(sent)
            if sent.action == "C":
                logons[sent.username] = uuid
            elif sent.action == "D" and uuid is not None and (logon := logons.get(sent.username)) is not None:
                unpaired += uuid != logon
        return unpaired
