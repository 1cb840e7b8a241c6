"""Finds forgotten people in both tables: their spellings and their rows.

This file must not know what becomes of the rows, or who has them forgotten.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast, final

from winlogd.events.names import folded
from winlogd.store import load_book
from winlogd.store.file.columns import text
from winlogd.store.jobs.delete import Found
from winlogd.store.jobs.job import Step
from winlogd.store.jobs.selections import Table, logoffs_of_today, with_logoffs
from winlogd.store.jobs.steps import Steps
from winlogd.store.jobs.windows import last_of
from winlogd.store.past.events import PastEvent, events_with
from winlogd.store.past.holds import free_of
from winlogd.store.past.mentions import words_of
from winlogd.store.past.tombstones import Forgotten

if TYPE_CHECKING:  # types only
    import apsw

_LOOKED_AT_A_ROW: Final = 64
"""To look at the names of this many rows takes about as long as to delete one."""
_AS_STORED: Final = "CASE ?1 WHEN 'text' THEN CAST(?2 AS TEXT) ELSE ?2 END"
_NEXT_NAME: Final = f"""SELECT typeof(username), CAST(username AS BLOB) FROM events_history
    INDEXED BY idx_history_username WHERE username > {_AS_STORED} ORDER BY username LIMIT 1"""
_NAMES_OF_TODAY: Final = "SELECT DISTINCT CAST(username AS BLOB) FROM events_today WHERE id > ? AND id <= ?"
_IDS_OF_NAME: Final = f"""SELECT id FROM events_history INDEXED BY idx_history_username
    WHERE username = {_AS_STORED} AND id > ?3 AND id <= ?4 ORDER BY id LIMIT ?5"""
_ROWS_OF_TODAY: Final = "SELECT id, CAST(username AS BLOB) FROM events_today WHERE id > ? AND id <= ? ORDER BY id"


class StoredName(NamedTuple):
    """A name as SQLite has stored it: the type of the value, and its bytes."""

    kind: str
    octets: bytes


@final
class SearchStep(Step):
    """One step of `Search`: how far it has looked, and which names it has found, of forgotten people and of others."""

    __slots__ = ("after", "after_id", "found", "of_archive", "of_others")

    def __init__(
        self,
        after: StoredName | None,
        after_id: int,
        of_archive: list[StoredName],
        found: set[str],
        of_others: set[str],
    ) -> None:
        super().__init__(is_last=False, wrote=False)
        self.after: Final = after
        self.after_id: Final = after_id
        self.of_archive: Final = of_archive
        self.found: Final = found
        self.of_others: Final = of_others


@final
class Search:
    """Searches the spellings of forgotten names, in steps that write nothing.

    Args:
        forgotten: the tombstones.
        steps: the size of its steps.

    Attributes:
        of_archive: the names in the archive.
        found: the names in both tables.
    """

    def __init__(self, forgotten: Forgotten, steps: Steps) -> None:
        self._forgotten = forgotten
        self._steps = steps
        self._size = steps.fewest
        self._after: StoredName | None = StoredName("text", b"")
        self._after_id, self._until_id = 0, -1
        self.of_archive: list[StoredName] = []
        self.found: set[str] = set()
        self._of_others: dict[str, set[str]] = {}
        """The folded names of others, by each of their words."""

    @property
    def is_done(self) -> bool:
        """Return True if both tables were searched."""
        return self._after is None and self._after_id == self._until_id

    def step(self, connection: "apsw.Connection") -> SearchStep:
        """Look at the next names of the archive, then at the next rows of today.

        Raises:
            apsw.Error: SQLite's own.
        """
        if self._after is not None:
            return self._look_in_archive(connection, self._after)
        if self._until_id < 0:
            self._until_id = load_book.last_id(connection)
        rows = self._size * _LOOKED_AT_A_ROW
        end_id = last_of(connection, "events_today", self._after_id, self._until_id, rows)
        names = {text(name) for (name,) in connection.execute(_NAMES_OF_TODAY, (self._after_id, end_id))}
        found = set(filter(self._forgotten.of, names))
        return SearchStep(None, end_id, [], found, names - found)

    def took(self, step: SearchStep, took_s: float) -> None:
        """Take note that a step is done, and choose the size of the next one."""
        self._after, self._after_id = step.after, step.after_id
        self.of_archive += step.of_archive
        self.found |= step.found
        for name in map(folded, step.of_others):
            for word in words_of(name):
                self._of_others.setdefault(word, set()).add(name)
        self._size = self._steps.after(self._size, took_s)

    def staying(self) -> set[str]:
        """Return the folded names of others that have a word of a found name, such as those in another domain."""
        words = {word for name in self.found for word in words_of(folded(name))}
        return set().union(*(self._of_others.get(word, ()) for word in words))

    def _look_in_archive(self, connection: "apsw.Connection", after: StoredName) -> SearchStep:
        found: list[StoredName] = []
        of_others: set[str] = set()
        for _ in range(self._size):
            row = connection.execute(_NEXT_NAME, after).fetchone()
            if row is None:
                return SearchStep(None, 0, found, {text(each.octets) for each in found}, of_others)
            after = StoredName(*cast("tuple[str, bytes]", row))
            name = text(after.octets)
            if self._forgotten.of(name):
                found.append(after)
            else:
                of_others.add(name)
        return SearchStep(after, 0, found, {text(each.octets) for each in found}, of_others)


@final
class OfPeople:
    """Chooses the rows that tombstones mean. A session goes as a whole, by the receipt of its logon.

    Args:
        table: the table.
        forgotten: the tombstones.
        names: the names in the archive; not used for today.
        staying: identifiers of sessions whose logon stays, so that the logoff does, too. It only grows, so a rollback
            does not matter. Both tables share it: a logon is in the archive before its logoff.
        ended_today: ids of logoffs of today that go with their logons, which were in the archive. As with `staying`.
    """

    __slots__ = ("_ended_today", "_forgotten", "_names", "_staying", "_table")

    def __init__(
        self,
        table: Table,
        forgotten: Forgotten,
        names: Sequence[StoredName],
        staying: set[str],
        ended_today: set[int],
    ) -> None:
        self._table: Final[Table] = table
        self._forgotten = forgotten
        self._names = names
        self._staying = staying
        self._ended_today = ended_today

    def find(self, connection: "apsw.Connection", after_id: int, until_id: int, most: int) -> Found:
        """Return the next rows (`Selection.find`): at most `most`, and the logoffs of the logons among them.

        Raises:
            apsw.Error: SQLite's own.
        """
        if self._table == "events_history":
            ids, end_id = self._ids_of_archive(connection, after_id, until_id, most)
        else:
            ids, end_id = self._ids_of_today(connection, after_id, until_id, most)
        meant = [each for each in events_with(connection, self._table, ids) if self._is_meant(each)]
        chosen = free_of(connection, meant, self._table == "events_today")
        kept = {each.event_id for each in meant} - {each.event_id for each in chosen}
        self._staying.update(each.session_uuid for each in meant if each.event_id in kept and each.session_uuid)
        chosen = [each for each in chosen if not self._belongs_to_a_logon_that_stays(each)]
        if self._table == "events_history":
            self._ended_today |= logoffs_of_today(connection, chosen)
        return Found(with_logoffs(connection, self._table, chosen, until_id), end_id)

    def _is_meant(self, event: PastEvent) -> bool:
        if self._forgotten.meaning(event) is not None or self._ends_a_session_of_the_archive(event):
            return True
        if event.action == "C" and event.session_uuid:
            self._staying.add(event.session_uuid)
        return False

    def _ends_a_session_of_the_archive(self, event: PastEvent) -> bool:
        return self._table == "events_today" and event.event_id in self._ended_today

    def _belongs_to_a_logon_that_stays(self, event: PastEvent) -> bool:
        return event.action == "D" and event.session_uuid in self._staying

    def _ids_of_archive(
        self, connection: "apsw.Connection", after_id: int, until_id: int, most: int
    ) -> tuple[list[int], int]:
        ids = sorted(
            each for name in self._names for each in _ids(connection, _IDS_OF_NAME, (*name, after_id, until_id, most))
        )[:most]
        return ids, ids[-1] if len(ids) == most else until_id

    def _ids_of_today(
        self, connection: "apsw.Connection", after_id: int, until_id: int, most: int
    ) -> tuple[list[int], int]:
        end_id = last_of(connection, "events_today", after_id, until_id, most * _LOOKED_AT_A_ROW)
        rows = cast("Iterable[tuple[int, bytes]]", connection.execute(_ROWS_OF_TODAY, (after_id, end_id)))
        ids = [event_id for event_id, name in rows if self._forgotten.of(text(name))][:most]
        return ids, ids[-1] if len(ids) == most else end_id


def _ids(connection: "apsw.Connection", sql: str, values: Sequence[Any]) -> list[int]:
    return [cast("int", row[0]) for row in connection.execute(sql, values)]
