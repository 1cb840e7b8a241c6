"""Writes batches: decides all waiting events, inserts and commits them in one transaction, and hands the results back.

What can go wrong with a batch, and what follows:

- The environment fails (a lock, a disk that is full or nearly full, a disk error). The events wait, each until its own
  deadline; then they are answered as unavailable. After a disk error the database is opened again.
- The path leads to another file than the open one. A checkpoint checks this, too. No event can be acknowledged any
  more, and the process must end.
- Anything else fails. The batch is repeated with one event in each transaction, and the event that fails is answered
  as failed.

This file must not know the thread, or when it is called. Everything here runs on the writer's thread.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from winlogd.sessions.pair import Decision, PairKey, pair_key
from winlogd.sessions.pairing import Draft
from winlogd.store import load_book
from winlogd.store.errors import ReplacedError
from winlogd.store.file.faults import WAIT_FOR
from winlogd.store.file.settings import Settings
from winlogd.store.submission import Counts, Fault, Submission
from winlogd.store.writer import rows
from winlogd.store.writer.inbox import Inbox
from winlogd.store.writer.patience import Patience
from winlogd.store.writer.recovery import OpenDatabase

if TYPE_CHECKING:  # types only
    from winlogd.store.writer.listener import Listener


class _RowsAddedError(Exception):
    """A trigger has inserted rows into ``events_today``: the batch is repeated one event a transaction."""


class Batches:
    """Writes the events that wait in an inbox.

    Args:
        settings: the database.
        inbox: holds the waiting events.
        patience: waits until a fault of the environment has passed.
        listener: notified of results and faults.

    Attributes:
        opened: the database and its Book.
        written: how many batches were committed.
        counts: what was committed.
    """

    def __init__(self, settings: Settings, inbox: Inbox, patience: Patience, listener: "Listener") -> None:
        self._inbox = inbox
        self._waiting = inbox.waiting
        self._patience = patience
        self._listener = listener
        self._in_flight: list[Submission] = []
        self.opened = OpenDatabase(settings, self.on_busy, patience, listener)
        self.written = 0
        self.counts = Counts()

    def write_patiently(self) -> None:
        """Write all waiting events as one batch. If the environment fails, put them back and pause.

        Raises:
            ReplacedError, UnusableError, StoppedError: the writer has to end.
        """
        try:
            self._write_waiting()
            if self._patience.reported:
                self._patience.end()
        except WAIT_FOR as error:
            self._patience.report(error)
            self._withdraw(error)

    def _write_waiting(self) -> None:
        """Store all waiting events in one transaction; one by one if it fails and the environment is not at fault."""
        try:
            self.opened.require_space()
            self.opened.begin()
            self._inbox.take_all_in()
            if not self._waiting:  # all events became overdue during the wait for a lock
                self.opened.database.rollback()
                return
            self._in_flight = list(self._waiting)
            self._waiting.clear()
            self._store(self._in_flight)
            self._in_flight = []
        except (ReplacedError, *WAIT_FOR):
            raise
        except Exception:
            self.opened.database.rollback()
            self._waiting.extendleft(reversed(self._in_flight))
            self._in_flight = []
            self._write_one_by_one()

    def _write_one_by_one(self) -> None:
        for _ in range(len(self._waiting)):
            if not self._waiting:  # overdue events are answered during the wait for a lock
                return
            self._in_flight = [self._waiting.popleft()]
            try:
                self.opened.require_space()
                self.opened.begin()
                self._store_singly(self._in_flight[0])
            except (ReplacedError, *WAIT_FOR):
                raise
            except Exception as error:
                self.opened.database.rollback()
                self._listener.failed(error, self._in_flight[0])
                self._listener.finished([(self._in_flight[0], Fault.FAILED)])
            self._in_flight = []

    def _store(self, batch: list[Submission]) -> None:
        """Decide and insert `batch` in the transaction that has begun, commit, and hand the results back."""
        book, database = self.opened.book, self.opened.database
        book.recent.turn(time.monotonic())
        now_s = time.time()
        if self.opened.recheck.is_due:
            self._recheck(batch)
        draft = Draft(book, self._read_stored, int(now_s * 1e9))
        decide = draft.decide
        decided = [(submission, decide(submission.event, submission.source_ip)) for submission in batch]
        changes = database.connection.total_changes()
        inserted = rows.insert(database.connection, decided, now_s)
        if database.connection.total_changes() != changes + inserted:
            self._check_ids(draft)
        self._finish(decided, inserted, now_s, lambda: book.accept(draft))

    def _check_ids(self, draft: Draft) -> None:
        """Check that a trigger of another program's has inserted no row of its own into ``events_today``.

        Raises:
            _RowsAddedError: it has. The Book would not know of that row.
        """
        if load_book.last_id(self.opened.database.connection) != draft.last_id:
            raise _RowsAddedError

    def _store_singly(self, submission: Submission) -> None:
        """Store one event with ids that SQLite chooses: another program may have taken the next ids of the Book.

        Where a trigger has inserted further rows, the Book learns of all of them from the table.
        """
        book, connection = self.opened.book, self.opened.database.connection
        now_s = time.time()
        self._recheck([submission])
        draft = Draft(book, self._read_stored, int(now_s * 1e9))
        decision = draft.decide(submission.event, submission.source_ip)
        note: Callable[[], None] = lambda: book.accept(draft)  # noqa: E731  # one of two
        ids: list[int] = []
        if not decision.is_retry:
            expected = list(range(book.last_id + 1, draft.last_id + 1))
            ids = rows.insert_singly(connection, submission, decision, now_s)
            last_id = load_book.last_id(connection)
            decision = draft.renumber(submission.event, decision, ids, last_id)
            if [*ids, last_id] != [*expected, expected[-1]]:
                note = lambda: load_book.take_in(connection, book, draft.stored)  # noqa: E731
        self._finish([(submission, decision)], len(ids), now_s, note)

    def _recheck(self, batch: list[Submission]) -> None:
        """Forget the rows of the batch's pairs that another program has removed."""
        events = (submission.event for submission in batch)
        self.opened.recheck.check({pair_key(event.username, event.hostname) for event in events})

    def _finish(
        self, decided: list[tuple[Submission, Decision]], rows: int, now_s: float, note: Callable[[], None]
    ) -> None:
        """Commit, let the Book know by `note`, count the events, and hand the results back."""
        begun_s = time.monotonic()
        self.opened.database.commit()
        took_s = time.monotonic() - begun_s
        note()
        self._inbox.is_clients_turn = True
        self.written += 1
        self.counts.note(decided, rows, took_s, now_s)
        self._listener.finished(decided)

    def _read_stored(self, event_id: int, key: PairKey, action: str, timestamp: str) -> Decision | None:
        return load_book.read_stored(self.opened.database.connection, event_id, key, action, timestamp)

    def on_busy(self, attempts: int) -> bool:
        """Wait a little for a lock: SQLite's busy handler. Return False to give up.

        A COMMIT gives up at the deadline of its oldest event. A job's step gives up at once: events must not wait for a
        lock that only the job needs.
        """
        if self._patience.is_in_a_step:
            return False
        self._patience.take_in()
        if self._in_flight and self._inbox.is_overdue(self._in_flight[0]):
            return False
        if self._inbox.is_stopping and not self._waiting and not self._in_flight:
            return False
        self._patience.pause_for_lock(attempts)
        return True

    def _withdraw(self, error: Exception) -> None:
        """Put a batch that could not be committed back, before the waiting events, and pause."""
        self._waiting.extendleft(reversed(self._in_flight))
        self._in_flight = []
        self.opened.recover(error)
        self._patience.take_in()
        self._patience.pause()

    def give_up(self) -> list[Submission]:
        """Return and forget all events that are not written: the writer ends."""
        self._inbox.take_all_in()
        lost = [*self._in_flight, *self._waiting]
        self._waiting.clear()
        return lost
