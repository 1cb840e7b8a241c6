"""The model's rows: their values, and rules for columns with more than one allowed value.

Knows timestamps, not pairing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

from tests.chaos.said import instant, received

RECENT_S: Final = 600
"""The time that an event is remembered, and that its row stays (SPEC §5.4 and §6.4)."""


class Difference(AssertionError):  # noqa: N818  # a finding of the judge, not an error of the program
    """The server and the model differ."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A column that may hold any of these values."""

    values: tuple[object, ...]

    def holds(self, value: object) -> bool:
        """Return True if `value` is one of them."""
        return value in self.values


@dataclass(frozen=True, slots=True)
class UtcStamp:
    """A timestamp in UTC with ``+00:00`` for one of these instants; any text if they are unknown."""

    instants: tuple[Fraction, ...]

    def holds(self, value: object) -> bool:
        """Return True if `value` is a timestamp of one of them."""
        return not self.instants or (str(value).endswith("+00:00") and instant(value) in self.instants)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A time of receipt, RFC 3339 UTC with microseconds, between two instants of the server's wall clock."""

    since_s: float
    until_s: float

    @property
    def text(self) -> str:
        """Return one of them, as it is stored."""
        return datetime.fromtimestamp(self.until_s, UTC).isoformat(timespec="microseconds")

    def holds(self, value: object) -> bool:
        """Return True if `value` lies between them."""
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", str(value)) is None:
            return False
        return self.since_s <= (received(value) or 0) <= self.until_s


@dataclass(slots=True, eq=False)
class Row:
    """A row.

    Attributes:
        columns: its values, or possible values before the database was read.
        rules: for columns with several possible values.
        by: ``client``, ``winlogd``, ``outside`` (another program) or ``trigger`` (an administrator's).
        before: the row that this one was stored before, in the same transaction.
        is_optional: it need not be stored.
        seemed_old: at some start, by the wall clock of that moment, it had not been received in the last ten minutes.
        was_recent: once, by the wall clock of that moment, it had been received in the last ten minutes.
    """

    columns: dict[str, Any]
    by: str
    rules: dict[str, Any] = field(default_factory=dict)
    id: int | None = None
    before: "Row | None" = None
    is_optional: bool = False
    seemed_old: bool = False
    was_recent: bool = False

    def __getattr__(self, column: str) -> Any:  # noqa: ANN401  # any value of a column
        try:
            return self.columns[column]
        except KeyError:
            raise AttributeError(column) from None

    def is_recent(self, now_s: float) -> bool:
        """Return True if it was received in the last ten minutes, or at an unknown time."""
        then = received(self.columns.get("server_timestamp"))
        return then is None or 0 <= now_s - float(then) <= RECENT_S

    def is_ahead(self, now_s: float) -> bool:
        """Return True if the clock was set back since it was received: nobody knows how long ago that was."""
        then = received(self.columns.get("server_timestamp"))
        return then is not None and float(then) > now_s

    def fits(self, stored: dict[str, Any]) -> bool:
        """Return True if the database may have this row with these values."""
        fixed = all(stored[name] == value for name, value in self.columns.items() if name not in self.rules)
        return fixed and all(rule.holds(stored[name]) for name, rule in self.rules.items())


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of an administrator's, which inserts a row of its own into events_today with each of some rows.

    Attributes:
        sql: what makes it, as a trigger called ``theirs``.
        action: the action of the rows that start it.
        row: what its own row holds, by their columns.
    """

    sql: str
    action: str
    row: Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class Retry:
    """What an event repeats: `must` be one of these rows' answers, or `may` be; when neither, it is a new one."""

    must: list[Row] = field(default_factory=list)
    may: list[Row] = field(default_factory=list)
