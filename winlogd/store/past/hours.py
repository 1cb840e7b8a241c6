"""Counts by hour of receipt: logons, distinct users, and the most sessions that were on at once.

A *sweep* reads sessions in the order of their keys. It keeps the ends of those that are on in a heap. Sessions whose
end no client told are logons, and are on at no time; a logoff without a logon is nothing. A session is on from the
receipt of its logon until just before that of its logoff. This file must not know steps, or when it is called.
"""

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.sessions.session import US, first_key, second_of
from winlogd.store.file.marks import set_mark
from winlogd.store.past.events import json_list
from winlogd.store.past.progress import HOURS_FROM
from winlogd.store.past.rows import ENDINGS, ORPHAN

if TYPE_CHECKING:  # types only
    import apsw

_HOUR_S: Final = 3600
_HOUR_US: Final = _HOUR_S * US
_REACH_HOURS: Final = 25
"""A session that is not lasting (`rows`) ends at most a day after its receipt: sessions that began earlier than this
reach into no later hour."""
_BY_CLIENT: Final = next(number for number, ending in ENDINGS.items() if ending == "client")
_BEFORE_ALL: Final = -(1 << 62)
_LAST_HOUR: Final = 1 << 62

_SESSIONS: Final = """SELECT p.key, p.micros, p.logoff, p.ended_by, u.folded
    FROM winlogd_past p CROSS JOIN winlogd_names u ON u.id = p.user WHERE p.key > ? ORDER BY p.key LIMIT ?"""
_LASTING: Final = """SELECT since, until, key FROM winlogd_past INDEXED BY winlogd_past_lasting
    WHERE since IS NOT NULL AND (since, until, key) > (?, ?, ?) AND since < ? ORDER BY since, until, key LIMIT ?"""
_ENDS: Final = """SELECT key, micros, logoff FROM winlogd_past
    WHERE key IN (SELECT value FROM json_each(?)) AND ended_by = ? AND logoff IS NOT NULL"""
_FORGET: Final = "DELETE FROM winlogd_hours WHERE hour BETWEEN ? AND ?"
_WRITE: Final = "INSERT OR REPLACE INTO winlogd_hours (hour, logons, users, most) VALUES (?, ?, ?, ?)"
_DONE: Final = "DELETE FROM winlogd_meta WHERE key = ?"


class Hour(NamedTuple):
    """One row of ``winlogd_hours``.

    Attributes:
        hour: hours since 1970, UTC.
        logons: sessions whose logon was received in this hour.
        users: how many users logged on.
        most: the most sessions that were on at once.
    """

    hour: int
    logons: int
    users: int
    most: int


class Sweep:
    """Counts hours from sessions in the order of their keys. Pure: no SQL.

    Args:
        hour: the first hour to count.
        ends_us: when the sessions end that are on at its begin.
    """

    __slots__ = ("_ends", "_from_s", "_hour", "_logons", "_most", "_second", "_spans", "_users")

    def __init__(self, hour: int, ends_us: list[int]) -> None:
        heapify(ends_us)
        self._ends = ends_us
        self._hour = hour
        self._most = len(ends_us)
        self._logons = 0
        self._users: set[str] = set()
        self._second = -1
        self._spans: list[tuple[int, int]] = []
        """Begin and end of the sessions of this second. They are not in the order of time."""
        self._from_s = hour * _HOUR_S

    def is_past(self, second: int) -> bool:
        """Return True if it is too late to add sessions of this second."""
        return second < self._from_s

    def reach(self, second: int, hours: list[Hour], most: int) -> bool:
        """Go on to a second. Append the hours before it to `hours`, until there are `most`.

        Returns:
            True if the second is reached: `add` its sessions. False if there are too many hours before it.
        """
        if second == self._second:
            return True
        self._end_second()
        hour = second // _HOUR_S
        while self._hour < hour:
            if len(hours) >= most:
                return False
            self._end_hour(hours)
            if not self._ends:
                self._hour = hour  # nobody was on in between
        self._second = self._from_s = second
        return True

    def add(self, begin_us: int, end_us: int | None, user: str) -> None:
        """Add a session that began in the second that was reached last.

        Args:
            begin_us: the receipt of its logon.
            end_us: the receipt of its logoff; None if no client told it.
            user: the folded name.
        """
        self._logons += 1
        self._users.add(user)
        if end_us is not None and end_us > begin_us:
            self._spans.append((begin_us, end_us))

    def end(self, hours: list[Hour], most: int) -> bool:
        """Append the hours to the last end of a session to `hours`, until there are `most`.

        Returns:
            True if there is no further hour.
        """
        self._end_second()
        while self._logons or self._most:
            if len(hours) >= most:
                return False
            self._end_hour(hours)
        return True

    def _end_second(self) -> None:
        ends = self._ends
        for begin_us, end_us in sorted(self._spans):
            while ends and ends[0] <= begin_us:
                heappop(ends)
            heappush(ends, end_us)
            self._most = max(self._most, len(ends))
        self._spans.clear()
        self._from_s = max(self._from_s, self._second + 1)
        self._second = -1

    def _end_hour(self, hours: list[Hour]) -> None:
        if self._logons or self._most:
            hours.append(Hour(self._hour, self._logons, len(self._users), self._most))
        self._hour += 1
        self._from_s = self._hour * _HOUR_S
        while self._ends and self._ends[0] <= self._from_s * US:
            heappop(self._ends)
        self._logons, self._most = 0, len(self._ends)
        self._users.clear()


class Count:
    """Counts all hours from one on, in pieces. It remembers nothing that the database does not have.

    If another transaction sets the mark `HOURS_FROM` to another value than `mark`, sessions were added that this count
    has missed. Begin a new count then, and also after a piece that was not committed.

    Args:
        mark: the value of `HOURS_FROM`.

    Attributes:
        mark: its value after the last piece.
        is_void: True if this count has missed sessions.
        written: how many hours it has written.
    """

    __slots__ = (
        "_at",
        "_ends",
        "_first_hour",
        "_lasting",
        "_position",
        "_sweep",
        "_written_to",
        "is_void",
        "mark",
        "written",
    )

    def __init__(self, mark: int) -> None:
        self.mark = mark
        self.is_void = False
        self.written = 0
        self._first_hour = second_of(mark - 1) // _HOUR_S
        """All hours before it are right. `mark` may be the key after the last one that was read."""
        self._written_to = self._first_hour - 1
        self._at: Final = self._first_hour - _REACH_HOURS
        self._position = first_key(self._at * _HOUR_US) - 1
        self._lasting: tuple[int, int, int] | None = (_BEFORE_ALL, _BEFORE_ALL, _BEFORE_ALL)
        """The last entry of the index of lasting sessions that was read; None when all were."""
        self._ends: list[int] = []
        self._sweep: Sweep | None = None

    def go_on(self, connection: "apsw.Connection", most: int) -> bool:
        """Do the next piece, inside the caller's transaction: read at most `most` sessions, and write their hours.

        Returns:
            True if all hours are right. The mark is then removed.

        Raises:
            apsw.Error: SQLite's own.
        """
        if self._lasting is not None:
            self._lasting = self._read_lasting(connection, self._lasting, most)
            return False
        if self._sweep is None:
            self._sweep = Sweep(self._at, self._ends)
        hours: list[Hour] = []
        is_done = self._read(connection, self._sweep, hours, most)
        if not self.is_void:
            self._write(connection, hours, is_done)
        return is_done and not self.is_void

    def _read_lasting(
        self, connection: "apsw.Connection", after: tuple[int, int, int], most: int
    ) -> tuple[int, int, int] | None:
        """Read the next lasting sessions, and keep the ends of those that are on where the sweep begins."""
        begin_us = self._at * _HOUR_US
        found = cast("list[tuple[int, int, int]]", connection.execute(_LASTING, (*after, begin_us, most)).fetchall())
        keys = [key for _, until, key in found if until > begin_us and key <= self._position]
        if keys:
            for key, micros, logoff in connection.execute(_ENDS, (json_list(keys), _BY_CLIENT)):
                end_us = second_of(cast("int", key)) * US + cast("int", micros) + cast("int", logoff)
                if end_us > begin_us:
                    self._ends.append(end_us)
        return found[-1] if len(found) == most else None

    def _read(self, connection: "apsw.Connection", sweep: Sweep, hours: list[Hour], most: int) -> bool:
        """Read the next sessions. Return True if none is left, and nobody is on."""
        rows = connection.execute(_SESSIONS, (self._position, most)).fetchall()
        for key, micros, logoff, ended_by, user in cast("list[tuple[int, int, int | None, int, str]]", rows):
            second = second_of(key)
            if sweep.is_past(second):  # the rotation has added it meanwhile
                self.is_void = True
                return False
            if not sweep.reach(second, hours, most):
                return False
            if ended_by != ORPHAN:
                begin_us = second * US + micros
                sweep.add(begin_us, begin_us + logoff if ended_by == _BY_CLIENT and logoff is not None else None, user)
            self._position = key
        return len(rows) < most and sweep.end(hours, most)

    def _write(self, connection: "apsw.Connection", hours: list[Hour], is_done: bool) -> None:
        right = [hour for hour in hours if hour.hour >= self._first_hour]
        last = _LAST_HOUR if is_done else right[-1].hour if right else self._written_to
        connection.execute(_FORGET, (self._written_to + 1, last))  # an hour may have lost all its sessions
        self._written_to = last
        connection.executemany(_WRITE, right)
        self.written += len(right)
        if is_done:
            connection.execute(_DONE, (HOURS_FROM,))
        elif self._position >= self.mark:
            self.mark = self._position + 1
            set_mark(connection, HOURS_FROM, str(self.mark))
