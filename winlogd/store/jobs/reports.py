"""Finds reports of hardware that name forgotten people, such as the list of accounts of a machine.

This file must not know what becomes of the rows, or how a name is found in a text.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast, final

from winlogd.store.file.columns import text
from winlogd.store.jobs.delete import Found
from winlogd.store.jobs.selections import Table
from winlogd.store.jobs.windows import last_of
from winlogd.store.past.events import PastEvent, events_with, json_list
from winlogd.store.past.hiding import Hiding
from winlogd.store.past.holds import free_of
from winlogd.store.past.tombstones import Forgotten

if TYPE_CHECKING:  # types only
    import apsw

_LOOKED_AT_A_ROW: Final = 64
"""To skip this many rows that are no reports takes about as long as to delete one."""
_REPORT_BYTES_A_ROW: Final = 4096
"""To look for names in so many bytes of reports takes about as long."""
_REPORTS: Final = """SELECT id, CAST(hardware_info AS BLOB) FROM {}
    WHERE id > ? AND id <= ? AND action = 'M' AND hardware_info IS NOT NULL ORDER BY id"""
_REPORTS_OF_ROWS: Final = """SELECT id, CAST(hardware_info AS BLOB) FROM {} WHERE id IN (SELECT value FROM json_each(?))
    AND action = 'M' AND hardware_info IS NOT NULL ORDER BY id"""


class Report(NamedTuple):
    """A report of hardware that names somebody who was forgotten: its row, and the text without the name."""

    event: PastEvent
    text: str


@final
class Reports:
    """Finds reports of others that name forgotten people, as a computer's list of accounts does.

    Args:
        table: the table.
        forgotten: the tombstones: the people's own reports are found by `OfPeople`.
        hiding: the names.
    """

    __slots__ = ("_forgotten", "_hiding", "_table")

    def __init__(self, table: Table, forgotten: Forgotten, hiding: Hiding) -> None:
        self._table: Final[Table] = table
        self._forgotten = forgotten
        self._hiding: Final = hiding

    def find(self, connection: "apsw.Connection", after_id: int, until_id: int, most: int) -> Found:
        """Return the next rows (`Selection.find`).

        Raises:
            apsw.Error: SQLite's own.
        """
        reports, end_id = self.next(connection, after_id, until_id, most)
        return Found([each.event for each in reports], end_id)

    def next(self, connection: "apsw.Connection", after_id: int, until_id: int, most: int) -> tuple[list[Report], int]:
        """Return the next reports, without those that a hold means, and the id of the last row that was looked at.

        Args:
            connection: the database.
            after_id: look at rows with higher ids.
            until_id: look at no row with a higher id.
            most: return at most so many, and read as many bytes as take about as long as to delete so many rows; one
                report at least.

        Raises:
            apsw.Error: SQLite's own.
        """
        end_id = last_of(connection, self._table, after_id, until_id, most * _LOOKED_AT_A_ROW)
        found, octets_left = {}, most * _REPORT_BYTES_A_ROW
        for event_id, octets in _reports(connection, _REPORTS.format(self._table), (after_id, end_id)):
            if self._hiding.may_be_in(report := text(octets)):
                found[event_id] = report
            octets_left -= len(octets)
            if octets_left <= 0 or len(found) == most:
                end_id = event_id
                break
        return self._hidden(connection, found), end_id

    def of_rows(self, connection: "apsw.Connection", event_ids: Iterable[int]) -> list[Report]:
        """Return those of some rows that have a name, without those that a hold means.

        Raises:
            apsw.Error: SQLite's own.
        """
        found = reports_of(connection, self._table, event_ids)
        return self._hidden(connection, found)

    def _hidden(self, connection: "apsw.Connection", texts: Mapping[int, str]) -> list[Report]:
        if not texts:
            return []
        of_others = [
            each for each in events_with(connection, self._table, texts) if self._forgotten.meaning(each) is None
        ]
        reports = [
            Report(each, self._hiding.hidden(texts[each.event_id], each.received_us))
            for each in free_of(connection, of_others, self._table == "events_today")
        ]
        return [each for each in reports if each.text != texts[each.event.event_id]]


def reports_of(connection: "apsw.Connection", table: str, event_ids: Iterable[int]) -> dict[int, str]:
    """Return the texts of the reports among some rows, by id.

    Raises:
        apsw.Error: SQLite's own.
    """
    found = _reports(connection, _REPORTS_OF_ROWS.format(table), (json_list(event_ids),))
    return {event_id: text(octets) for event_id, octets in found}


def _reports(connection: "apsw.Connection", sql: str, values: Sequence[Any]) -> "Iterable[tuple[int, bytes]]":
    return cast("Iterable[tuple[int, bytes]]", connection.execute(sql, values))
