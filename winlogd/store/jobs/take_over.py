"""Imports the rows of a staging file into ``events_history``, a few in each transaction.

The job first reads all rows that are there and notes which rows of the staging file are among them (`imported.rows`).
Then it adds the others. So an import that was cut short is repeated as a whole, and adds what is missing. It reads
``events_today`` before the archive: a row that moves meanwhile is read in the archive. What follows from the new rows
for the past is a build's work (`store.jobs.build`). This file must not know where the rows come from.
"""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, final

import apsw

from winlogd.events.timestamps import current_timestamp_text
from winlogd.sessions.book import Book
from winlogd.store.errors import RowsLostError
from winlogd.store.file.columns import as_bytes, text
from winlogd.store.imported.rows import COLUMNS, KEY_COLUMNS, compared, key_of
from winlogd.store.imported.staging import Staging
from winlogd.store.jobs.job import Step
from winlogd.store.jobs.steps import BESIDE_EVENTS, Steps

_TABLES: Final = ("events_today", "events_history")
_KEYS: Final = f"SELECT id, {as_bytes(*KEY_COLUMNS)} FROM main.{{}} WHERE id > ? ORDER BY id LIMIT ?"
_WHOLE: Final = f"SELECT {as_bytes(*COLUMNS)} FROM main.{{}} WHERE id = ?"
_ADD: Final = f"""INSERT INTO main.events_history ({", ".join(COLUMNS)}, archived_at)
    VALUES ({", ".join("?" * (len(COLUMNS) + 1))})"""
_NOT_ADDED: Final = "a trigger on events_history keeps rows from being stored"


class TakenOver(NamedTuple):
    """What an import has done.

    Attributes:
        rows: how many rows were added.
        known: how many rows of the staging file were there before.
        seconds: from the begin of its first step to its end. Time in the queue does not count.
    """

    rows: int
    known: int
    seconds: float

    @property
    def sentence(self) -> str:
        """Return these figures as a sentence for a person."""
        return f"{self.rows} rows imported into events_history in {self.seconds:.1f} s; rows known before: {self.known}"


@final
class TakeOverStep(Step):
    """What one step has done, for `TakeOver.took`.

    Attributes:
        looked: how many rows it has read.
        position: the last id, or the last number of the staging file, that it has read.
        is_end: True if the table, or the staging file, has no row after it.
        known: numbers of rows of the staging file that are in the database.
        added: how many rows were added.
    """

    __slots__ = ("added", "is_end", "known", "looked", "position")

    def __init__(
        self, is_last: bool, looked: int, position: int, is_end: bool, known: Sequence[int] = (), added: int = 0
    ) -> None:
        super().__init__(is_last, wrote=added > 0)
        self.looked: Final = looked
        self.position: Final = position
        self.is_end: Final = is_end
        self.known: Final = known
        self.added: Final = added


@final
class TakeOver:
    """One import: a job.

    Args:
        path: the staging file. The job removes it at its end, however it ends.
        steps: the size of its steps.
    """

    goes_first = False
    needs_space = True

    def __init__(self, path: str, steps: Steps = BESIDE_EVENTS) -> None:
        self._path = path
        self._steps = steps
        self._size = steps.fewest
        self._staging: Staging | None = None
        self._tables = list(_TABLES)
        self._position = 0
        self._known = bytearray()
        self._looked = self._added = 0
        self._begun_s: float | None = None

    @property
    def needs_transaction(self) -> bool:
        """Return True once all rows of the database are read: then steps add rows."""
        return not self._tables

    @property
    def outcome(self) -> TakenOver:
        """Return what was done."""
        begun_s = self._begun_s
        took_s = 0.0 if begun_s is None else time.monotonic() - begun_s
        return TakenOver(self._added, sum(self._known), took_s)

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how many rows were compared and imported so far, and how many the file has."""
        total = 0 if self._staging is None else self._staging.rows
        return {"rows_compared": self._looked, "rows_imported": self._added, "rows_in_the_file": total}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> TakeOverStep:
        """Read some rows of the database, or add some.

        Raises:
            RowsLostError: a trigger of another program keeps rows from being stored.
            apsw.Error: SQLite's own.
        """
        if self._begun_s is None:
            self._begun_s = time.monotonic()
        staging = self._opened()
        if self._tables:
            return self._look(connection, staging, self._tables[0])
        return self._add(connection, staging, now_s)

    def took(self, step: TakeOverStep, book: Book, took_s: float) -> None:
        """Take note that `step` is committed (`Job.took`), and choose the number of rows of the next step."""
        self._position = step.position
        for number in step.known:
            self._known[number] = 1
        self._added += step.added
        if self._tables:
            self._looked += step.looked
        if step.is_end and self._tables:
            del self._tables[0]
            self._position = 0
            self._size = self._steps.fewest
        elif not step.is_end:
            self._size = self._steps.after(self._size, took_s)

    def abandon(self) -> None:
        """Close and remove the staging file."""
        if self._staging is not None:
            self._staging.close()
            self._staging = None
        with suppress(OSError):
            os.unlink(self._path)

    def _opened(self) -> Staging:
        if self._staging is None:
            self._staging = Staging(self._path)
            self._known = bytearray(self._staging.rows + 1)
        return self._staging

    def _look(self, connection: apsw.Connection, staging: Staging, table: str) -> TakeOverStep:
        rows: list[Any] = connection.execute(_KEYS.format(table), (self._position, self._size)).fetchall()
        known: list[int] = []
        for row_id, *columns in rows:
            if candidates := staging.with_key(key_of(*map(text, columns))):
                [whole] = connection.execute(_WHOLE.format(table), (row_id,))
                wanted = compared([text(value) or None for value in whole])
                known += [number for number, row in candidates if compared(row) == wanted]
        position = rows[-1][0] if rows else self._position
        return TakeOverStep(False, len(rows), position, len(rows) < self._size, known)

    def _add(self, connection: apsw.Connection, staging: Staging, now_s: float) -> TakeOverStep:
        found = staging.after(self._position, self._size)
        archived_at = current_timestamp_text(now_s)
        rows = [(*row, archived_at) for number, row in found if not self._known[number]]
        before = connection.total_changes()
        connection.executemany(_ADD, rows)
        if connection.total_changes() - before < len(rows):
            raise RowsLostError(_NOT_ADDED)
        position = found[-1][0] if found else self._position
        is_end = position >= staging.rows
        return TakeOverStep(is_end, len(found), position, is_end, added=len(rows))
