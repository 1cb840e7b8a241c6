"""The readers' log: which requests are looks at a person, a machine or the past, and what their rows hold.

This file must not know who may read.
"""

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.access.readers import US, Reader
from winlogd.access.register import Register
from winlogd.access.scopes import RULES, Rule
from winlogd.http.wire.message import Head
from winlogd.http.wire.parameters import pairs_named, percent_decoded
from winlogd.log.log import Log
from winlogd.store.access_file.looks import Look, remove_old, write_look

if TYPE_CHECKING:  # types only
    import apsw

_SHOWN_CHARACTERS: Final = 256
"""A row has at most this much of each value. No endpoint that is strict takes a longer one."""
_MOST_SHOWN: Final = 16
"""A row has at most so many values. A query has more only if it names one twice, and then it gets no data."""
_MINUTE_US: Final = 60 * US
_PRUNED_EVERY_US: Final = 3_600 * US
_IGNORED: Final = frozenset(("lang",))
"""Parameters that do not change what is looked at."""
_FIRST: Final = ("user", "host", "q", "ip", "room")
"""Parameters that name what is looked at. In a row they stand before the others, after those of the path."""


class Row(NamedTuple):
    """A look that is to be written.

    Attributes:
        look: the row.
        lasts: True if the reader needs no further row of this kind for a minute.
    """

    look: Look
    lasts: bool


class Audit:
    """Writes looks. All methods are called on the event loop's thread.

    Args:
        register: writes to the file.
        log: gets a line for each look, too.
        days: rows are kept for so many days.
        logs_filters: True if the log's lines may have the filters, which hold names.
    """

    def __init__(self, register: Register, log: Log, days: int, logs_filters: bool) -> None:
        self._register = register
        self._log = log
        self._days = days
        self._logs_filters = logs_filters
        self._minutes: dict[tuple[str, str], int] = {}
        self._pruned_us = 0

    def row_of(self, reader: Reader, path: str, head: Head, address: str) -> Row | None:
        """Return the row that a request makes; None if it makes none.

        Args:
            reader: who asks.
            path: the path of the route.
            head: the request.
            address: the client's address.
        """
        rule, now_us = RULES[path], _now_us()
        if not rule.kind:
            return None
        asked = _asked_by(head.query, rule.parameters)
        is_each = rule.rows == "each" or not asked.is_clear or any(name in rule.each_with for name, _ in asked.values)
        if not is_each and (rule.rows == "none" or self._is_known(reader, rule, now_us)):
            return None
        values = [*head.path_parameters.items(), *asked.values][:_MOST_SHOWN]
        text = " ".join(f"{name}={value.strip()[:_SHOWN_CHARACTERS]}" for name, value in values)
        return Row(Look(now_us, reader.name, rule.kind, text, address), lasts=not is_each)

    def write(self, row: Row, then: Callable[[bool], None]) -> None:
        """Write a row to the file and to the log. Call `then` with False if the file does not take it."""
        look, days = row.look, self._days
        prunes = abs(look.at_us - self._pruned_us) >= _PRUNED_EVERY_US

        def work(connection: "apsw.Connection") -> None:
            if prunes:
                remove_old(connection, look.at_us, days)
            write_look(connection, look)

        def written(outcome: Exception | None) -> None:
            if isinstance(outcome, Exception):
                then(False)
                return
            if prunes:
                self._pruned_us = look.at_us
            if row.lasts:
                self._minutes[look.reader, look.kind] = look.at_us
            shown = {"filter": look.filter} if self._logs_filters else {}
            self._log.info("access", "looked", reader=look.reader, kind=look.kind, **shown, address=look.address)
            then(True)

        self._register.write(work, written)

    def _is_known(self, reader: Reader, rule: Rule, now_us: int) -> bool:
        """Return True if a reader has a row of this kind that is not a minute old."""
        last_us = self._minutes.get((reader.name, rule.kind)) if rule.rows == "minute" else None
        return last_us is not None and 0 <= now_us - last_us < _MINUTE_US


class _Asked(NamedTuple):
    """What a query asks for.

    Attributes:
        values: the names and values, those of `_FIRST` first.
        is_clear: False if a value cannot be read, or a name is given twice.
    """

    values: list[tuple[str, str]]
    is_clear: bool


def _asked_by(query: str, known: Collection[str]) -> _Asked:
    """Return what a query asks for. Names that are not known count for nothing: they may hide a name, or be a token.

    A value that cannot be read is kept as it came.
    """
    values: list[tuple[str, str]] = []
    is_clear = True
    for name, pair in pairs_named(query, known):
        text = pair.partition("=")[2]
        try:
            value = percent_decoded(text.replace("+", " "))
        except ValueError:
            value, is_clear = text, False
        is_clear = is_clear and name not in (before for before, _ in values)
        if name not in _IGNORED:
            values.append((name, value))
    order = (*_FIRST, *known)
    return _Asked(sorted(values, key=lambda each: order.index(each[0])), is_clear)


def _now_us() -> int:
    return time.time_ns() // 1000
