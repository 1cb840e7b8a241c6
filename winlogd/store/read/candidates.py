"""Builds the statement that finds the sessions of one source which may pass a question's filters, newest first.

A filter is a method that adds a condition and its values. The statement finds rows by one index, in the order of keys,
and checks the other conditions row by row. What SQL cannot decide is left to the caller (`sessions`). This file must
not know what a session means.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from winlogd.sessions.session import US, Session, first_key
from winlogd.store.past.events import json_list
from winlogd.store.past.rows import ORPHAN, SELECTED, session_of
from winlogd.store.read.source import PAST, Source, index_of

if TYPE_CHECKING:  # types only
    import apsw

Column = Literal["user", "host", "ip"]
_Numbers = dict[Column, Sequence[int]]
"""The numbers of names that a column may have."""

LAST_KEY: Final = 2**63 - 1
"""No session has this key or a greater one: a key of the year 2242 does not fit into SQLite's integers."""
_MOST_SEARCHED: Final = 64
"""Up to this many numbers of a name are searched by its index at once. More are checked row by row."""
_KEYS_A_STATEMENT: Final = 32
"""One statement reads so many rows at once by their keys."""
_HAS_KEY: Final = "p.key IN (SELECT value FROM json_each(?))"
_RECEIVED: Final = f"(p.key >> 30) * {US} + p.micros"
_MAY_OVERLAP: Final = (
    f"{_RECEIVED} + min(0, ifnull(p.connected, 0)) <= ?",
    f"ifnull({_RECEIVED} + max(0, p.logoff + max(0, ifnull(p.disconnected, 0)), ifnull(p.connected, 0)) >= ?, 1)",
)
"""SQL for sessions that may have been on until one moment and from another on, by either clock. Of the sessions of a
day, few were on at a moment: to decide that in Python takes 15 µs each."""
_BEFORE_KEY_US: Final = 3600 * US
"""A session that is not *lasting* (`store.past.rows`) began at most this long before its receipt."""


class Candidates:
    """The conditions of one question on one source.

    Args:
        source: the past, or today.
    """

    __slots__ = ("_conditions", "_numbers", "_source", "_span", "_values")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._conditions: list[str] = [source.holds]
        self._values: list[Any] = []
        self._numbers: _Numbers = {}
        self._span: tuple[int, int, int] | None = None

    def having(self, column: Column, numbers: Sequence[int]) -> None:
        """Let pass only sessions with one of some numbers of names. A second call for a column narrows the first."""
        before = self._numbers.get(column)
        self._numbers[column] = numbers if before is None else sorted(set(before).intersection(numbers))

    def on_between(self, from_us: int, to_us: int, back_us: int) -> None:
        """Let pass only sessions that may have been on from `from_us` to `to_us`.

        Args:
            back_us: how long before `from_us` a session may have been received that is not lasting.
        """
        self._span = from_us, to_us, back_us
        self._conditions += _MAY_OVERLAP
        self._values += to_us, from_us

    def ended_by(self, number: int) -> None:
        """Let pass only rows with this number in `ended_by`."""
        self._conditions.append(f"p.ended_by = {number}" + (" AND p.ended_by > 1" if number > 1 else ""))

    def without_orphans(self) -> None:
        """Let no logoff without a logon pass."""
        self._conditions.append(f"p.ended_by < {ORPHAN}")

    def found(self, connection: "apsw.Connection", before_key: int) -> Iterator[Session]:
        """Return the sessions with a lower key than `before_key`, newest first. SQLite searches while the caller reads.

        Raises:
            apsw.Error: SQLite's own.
        """
        if any(not numbers for numbers in self._numbers.values()):
            return iter(())
        if self._span is None:
            return map(session_of, self._rows(connection, 0, before_key))
        from_us, to_us, back_us = self._span
        low, high = _first_key(from_us - back_us), _first_key(to_us + _BEFORE_KEY_US + US)
        lasting = [key for key in self._lasting(connection, from_us, to_us, low, high) if key < before_key]
        streams = self._rows(connection, low, min(high, before_key)), self._of_keys(connection, lasting)
        return map(session_of, merge(*streams, key=_newest_first))

    def _rows(self, connection: "apsw.Connection", low: int, high: int) -> Iterator[tuple[Any, ...]]:
        """Return rows with keys from `low` to below `high`, descending."""
        column = min(self._numbers, key=lambda each: len(self._numbers[each]), default=None)
        if column is None or len(self._numbers[column]) > _MOST_SEARCHED:
            conditions = ["p.key >= ? AND p.key < ?", *self._narrowing(self._numbers)]
            return self._select(connection, self._scan(), conditions, (low, high, *self._bound(self._numbers)))
        others = {each: numbers for each, numbers in self._numbers.items() if each != column}
        index = f"INDEXED BY {index_of(self._source, column)}"
        conditions = [f"p.{column} = ? AND p.key >= ? AND p.key < ?", *self._narrowing(others)]
        values = [(number, low, high, *self._bound(others)) for number in self._numbers[column]]
        if len(values) == 1:
            return self._select(connection, index, conditions, values[0])
        return self._merged(connection, index, conditions, values)

    def _merged(
        self, connection: "apsw.Connection", index: str, conditions: Sequence[str], values: Sequence[Sequence[Any]]
    ) -> Iterator[tuple[Any, ...]]:
        """Return the rows that pass some conditions with one of several sets of values, descending.

        One statement merges the keys of all sets, and others read the rows of those keys that the caller takes. A
        statement of each set's own would have to be prepared anew each time, because all run at once: 40 µs each.
        """
        keys_of_one = f"SELECT p.key FROM {self._source.sessions} p {index} WHERE {' AND '.join(conditions)}"
        sql = " UNION ALL ".join([keys_of_one] * len(values)) + " ORDER BY 1 DESC"
        keys = (row[0] for row in connection.execute(sql, [*chain.from_iterable(values)]))
        while some := list(islice(keys, _KEYS_A_STATEMENT)):
            yield from self._select(connection, "NOT INDEXED", [_HAS_KEY], (json_list(some),))

    def _scan(self) -> str:
        """Return how a search without a name goes: by the index of endings if it is about one, or by the key."""
        is_of_few = self._source is PAST and any("ended_by > 1" in condition for condition in self._conditions)
        return "INDEXED BY winlogd_past_ended" if is_of_few else "NOT INDEXED"

    def _lasting(self, connection: "apsw.Connection", from_us: int, to_us: int, low: int, high: int) -> list[int]:
        """Return the keys, outside of `low` to `high`, of lasting sessions that may have been on."""
        sql = f"""SELECT key FROM {self._source.sessions} p INDEXED BY {index_of(self._source, "lasting")}
            WHERE since IS NOT NULL AND since <= ? AND until >= ? AND (key < ? OR key >= ?)"""
        return [cast("int", row[0]) for row in connection.execute(sql, (to_us, from_us, low, high))]

    def _of_keys(self, connection: "apsw.Connection", keys: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        if not keys:
            return iter(())
        conditions = [_HAS_KEY, *self._narrowing(self._numbers)]
        return self._select(connection, "NOT INDEXED", conditions, (json_list(keys), *self._bound(self._numbers)))

    def _narrowing(self, numbers: _Numbers) -> list[str]:
        """Return the conditions of the question, with those on some columns."""
        return [*self._conditions, *(f"p.{each} IN (SELECT value FROM json_each(?))" for each in numbers)]

    def _bound(self, numbers: _Numbers) -> list[Any]:
        """Return the values of the conditions that `_narrowing` returns."""
        return [*self._values, *map(json_list, numbers.values())]

    def _select(
        self, connection: "apsw.Connection", index: str, conditions: Sequence[str], values: Sequence[Any]
    ) -> Iterator[tuple[Any, ...]]:
        """Return the rows that pass some conditions, descending."""
        names = self._source.names
        # CROSS JOIN: SQLite keeps this order of tables (optoverview.html §6.1), and so the order of keys.
        sql = f"""SELECT {SELECTED} FROM {self._source.sessions} p {index}
            CROSS JOIN {names} u ON u.id = p.user CROSS JOIN {names} h ON h.id = p.host
            CROSS JOIN {names} a ON a.id = p.ip CROSS JOIN {names} n ON n.id = p.os_name
            CROSS JOIN {names} v ON v.id = p.os_version
            WHERE {" AND ".join(conditions)} ORDER BY p.key DESC"""
        return iter(connection.execute(sql, values))


def _first_key(moment_us: int) -> int:
    """Return the lowest key of a session that was received at a moment or later, within what a key can hold."""
    return min(first_key(max(moment_us, 0)), LAST_KEY)


def _newest_first(row: tuple[Any, ...]) -> int:
    return -cast("int", row[0])
