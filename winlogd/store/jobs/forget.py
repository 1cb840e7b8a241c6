"""Applies tombstones to the database: deletes the rows that they mean, or gives them a pseudonym.

The job takes those tombstones that the database does not have yet (`FORGOTTEN`). It first searches the names. Then it
hides them in other people's reports of hardware, and at last the rows go. So a job that was cut short finds the names
again, and nothing is done twice. The caller then has the past built and tidied up, and sets the mark. This file must
not know who asks, or where tombstones are kept.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, final

import apsw

from winlogd.sessions.book import Book
from winlogd.sessions.pair import pair_key
from winlogd.store import load_book
from winlogd.store.file.marks import FORGOTTEN, read_marks
from winlogd.store.jobs.delete import BESIDE_EVENTS, Delete, DeleteStep
from winlogd.store.jobs.job import DELETES, Long, Step
from winlogd.store.jobs.people import OfPeople, Search, SearchStep
from winlogd.store.jobs.reports import Reports, reports_of
from winlogd.store.jobs.steps import Steps
from winlogd.store.past.copies import Changed, add_copies
from winlogd.store.past.events import PastEvent
from winlogd.store.past.hiding import Hiding, renamed
from winlogd.store.past.tombstones import Forgotten, Tombstone

_HIDE: Final = "UPDATE events_today SET hardware_info = ? WHERE id = ?"


class Forgot(NamedTuple):
    """What the job has done.

    Attributes:
        history: how many rows of the archive were deleted or renamed.
        today: how many rows of today.
        reports: how many reports of others named the people.
        seconds: from the begin of its first step to its end. Time in the queue does not count.
        pseudonyms: the names that rows have got.
    """

    history: int
    today: int
    reports: int
    seconds: float
    pseudonyms: tuple[str, ...]


@final
class ForgetStep(Step):
    """One step: the step of the part that is under way, None for reports of today; and how many reports were hidden."""

    __slots__ = ("after_id", "part", "reports")

    def __init__(self, part: Step | None, is_last: bool, wrote: bool, after_id: int = 0, reports: int = 0) -> None:
        super().__init__(is_last, wrote)
        self.part: Final = part
        self.after_id: Final = after_id
        self.reports: Final = reports


@final
class Forget(Long):
    """Applies tombstones: a job. Where none is missing, it ends in one step.

    Args:
        forgotten: all tombstones. Those that are applied already count for nothing.
        steps: the size of its steps.
    """

    goes_first = True
    turn = DELETES
    needs_space = False
    needs_transaction = True

    def __init__(self, forgotten: Forgotten, steps: Steps = BESIDE_EVENTS) -> None:
        self._all = forgotten
        self._steps = steps
        self._begun_s: float | None = None
        self._missing = forgotten
        self._search: Search | None = None
        self._today: Reports | None = None
        self._after_id = self._until_id = 0
        self._size = steps.fewest
        self._deletions: list[Delete] | None = None
        self._history = self._today_rows = self._reports = 0
        self._pseudonyms: set[str] = set()

    @property
    def outcome(self) -> Forgot:
        """Return what the job has done so far."""
        seconds = 0.0 if self._begun_s is None else time.monotonic() - self._begun_s
        return Forgot(self._history, self._today_rows, self._reports, seconds, tuple(sorted(self._pseudonyms)))

    @property
    def progress(self) -> Mapping[str, int]:
        """Return how many rows were forgotten so far."""
        under_way = sum(each.progress["rows_deleted"] for each in self._deletions or ())
        return {"rows_forgotten": self._history + self._today_rows + self._reports + under_way}

    def step(self, connection: apsw.Connection, book: Book, now_s: float) -> ForgetStep:
        """Do the next piece, inside the transaction that the caller has begun and will commit.

        Raises:
            RowsLostError: a trigger keeps rows from being stored or deleted.
            apsw.Error: SQLite's own.
        """
        if self._search is None:
            self._begun_s = time.monotonic()
            self._missing = self._all.missing_in(read_marks(connection).get(FORGOTTEN, ""))
            self._search = Search(self._missing, self._steps)
        if self._missing.last and not self._search.is_done:
            return ForgetStep(self._search.step(connection), is_last=False, wrote=False)
        if self._missing.last and self._deletions is None:
            self._plan(connection, self._search)
        if self._today is not None:
            return self._hide_some_of_today(connection, self._today)
        if self._deletions:
            part = self._deletions[0].step(connection, book, now_s)
            return ForgetStep(part, is_last=False, wrote=part.wrote)
        return ForgetStep(None, is_last=True, wrote=False)

    def took(self, step: ForgetStep, book: Book, took_s: float) -> None:
        """Take note that `step` is committed (`Job.took`), and turn to the next piece."""
        if isinstance(step.part, SearchStep) and self._search is not None:
            self._search.took(step.part, took_s)
        elif isinstance(step.part, DeleteStep) and self._deletions:
            self._took_deletion(step.part, self._deletions, book, took_s)
        elif not step.is_last:
            self._after_id = step.after_id
            self._reports += step.reports
            self._size = self._steps.after(self._size, took_s)
            if self._after_id >= self._until_id:
                self._today = None
        elif self._missing.last and book.changes is not None:
            book.changes.note_all()

    def abandon(self) -> None:
        """Release nothing: the next job goes on."""

    def _plan(self, connection: apsw.Connection, search: Search) -> None:
        """Choose what is to be done, now that all names are known."""
        self._deletions = []
        found: dict[Tombstone, set[str]] = {}
        for name in search.found:
            for tombstone in self._missing.of(name):
                found.setdefault(tombstone, set()).add(name)
        if not found:
            return
        hiding = Hiding(found, search.staying())
        self._today = Reports("events_today", self._missing, hiding)
        self._until_id = load_book.last_id(connection)
        of_others = Reports("events_history", self._missing, hiding)
        staying, ended_today = set[str](), set[int]()
        people = (
            OfPeople("events_history", self._missing, search.of_archive, staying, ended_today),
            OfPeople("events_today", self._missing, (), staying, ended_today),
        )
        self._deletions = [
            Delete(of_others, None, self._steps, instead=_HiddenReports(of_others)),
            Delete(*people, self._steps, instead=_Renamed(self._missing, hiding, self._pseudonyms)),
        ]

    def _hide_some_of_today(self, connection: apsw.Connection, reports: Reports) -> ForgetStep:
        """Hide names in reports of today in their place: no reader keeps a report, and no trigger counts a change."""
        found, end_id = reports.next(connection, self._after_id, self._until_id, self._size)
        connection.executemany(_HIDE, [(each.text, each.event.event_id) for each in found])
        return ForgetStep(None, is_last=False, wrote=bool(found), after_id=end_id, reports=len(found))

    def _took_deletion(self, part: DeleteStep, deletions: list[Delete], book: Book, took_s: float) -> None:
        deletion, is_of_people = deletions[0], len(deletions) == 1
        deletion.took(part, book, took_s)
        if is_of_people and part.table == "events_today":
            for event in part.events:
                book.forget_person(pair_key(event.username, event.hostname), event.session_uuid or "")
        if not part.is_last:
            return
        done = deletions.pop(0).outcome
        if is_of_people:
            self._history, self._today_rows = done.history, done.today
        else:
            self._reports += done.history


class _HiddenReports:
    """Stores reports without the names, in place of those with them (`delete.Instead`)."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    def __call__(self, connection: apsw.Connection, table: str, events: Sequence[PastEvent]) -> None:
        found = self._reports.of_rows(connection, [event.event_id for event in events])
        add_copies(
            connection,
            table,
            [Changed(each.event.event_id, each.event.username, each.event.session_uuid, each.text) for each in found],
        )


class _Renamed:
    """Stores rows under the pseudonym, if the tombstone has one, in place of those with the name.

    Args:
        forgotten: the tombstones.
        hiding: the names.
        given: gets the pseudonyms.
    """

    def __init__(self, forgotten: Forgotten, hiding: Hiding, given: set[str]) -> None:
        self._forgotten = forgotten
        self._hiding = hiding
        self._given = given

    def __call__(self, connection: apsw.Connection, table: str, events: Sequence[PastEvent]) -> None:
        renaming = [(event, pseudonym) for event in events if (pseudonym := self._pseudonym(event))]
        if not renaming:
            return
        self._given.update(pseudonym for _, pseudonym in renaming)
        reports = reports_of(connection, table, [event.event_id for event, _ in renaming])
        add_copies(connection, table, [self._changed(event, name, reports) for event, name in renaming])

    def _pseudonym(self, event: PastEvent) -> str:
        """Return the name that a row gets; empty for none. A logoff that goes with its logon gets that of the name."""
        tombstone = self._forgotten.meaning(event) or next(iter(self._forgotten.of(event.username)), None)
        return "" if tombstone is None else tombstone.pseudonym

    def _changed(self, event: PastEvent, pseudonym: str, reports: Mapping[int, str]) -> Changed:
        report = reports.get(event.event_id)
        return Changed(
            event.event_id,
            pseudonym,
            renamed(event.session_uuid, event.username, pseudonym),
            None if report is None else self._hiding.hidden(report, event.received_us),
        )
