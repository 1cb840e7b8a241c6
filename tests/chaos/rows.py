"""The model's rows: what a row holds, and the rules for columns of which the specification allows more than one value.

It knows timestamps and nothing of pairing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

from tests.chaos.said import instant, received

RECENT_S: Final = 600
"""How long an event is remembered, and how long its row stays (SPEC §5.4 and §6.4)."""


class Difference(AssertionError):  # noqa: N818  # it is what the judge finds, not a fault of the program
    """What the server did and the model does not allow, or the other way round."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A column that may hold any of these values."""

    values: tuple[object, ...]

    def holds(self, value: object) -> bool:
        """Return True if `value` is one of them."""
        return value in self.values


@dataclass(frozen=True, slots=True)
class UtcStamp:
    """A timestamp in UTC with ``+00:00`` that tells one of these instants; any text where nobody knows them."""

    instants: tuple[Fraction, ...]

    def holds(self, value: object) -> bool:
        """Return True if `value` tells one of them."""
        return not self.instants or (str(value).endswith("+00:00") and instant(value) in self.instants)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A time of receipt, RFC 3339 UTC with microseconds, between two instants of the server's wall clock."""

    since_s: float
    until_s: float

    @property
    def text(self) -> str:
        """One of them, as it is stored."""
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
        columns: what it holds, or may hold as long as the database has not been looked at.
        rules: for the columns that may hold something else.
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

    def __getattr__(self, column: str) -> Any:  # noqa: ANN401  # whatever the column holds
        try:
            return self.columns[column]
        except KeyError:
            raise AttributeError(column) from None

    def is_recent(self, now_s: float) -> bool:
        """Return True if it was received in the last ten minutes, or nobody knows when."""
        then = received(self.columns.get("server_timestamp"))
        return then is None or 0 <= now_s - float(then) <= RECENT_S

    def is_ahead(self, now_s: float) -> bool:
        """Return True if the clock was set back since it was received: nobody knows how long ago that was."""
        then = received(self.columns.get("server_timestamp"))
        return then is not None and float(then) > now_s

    def fits(self, stored: dict[str, Any]) -> bool:
        """Return True if the database may hold this row so."""
        fixed = all(stored[name] == value for name, value in self.columns.items() if name not in self.rules)
        return fixed and all(rule.holds(stored[name]) for name, rule in self.rules.items())


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of an administrator's, which inserts a row of its own into events_today with each of some rows.

    Attributes:
        sql: what makes it, as a trigger called ``theirs``.
        action: of the rows that it goes off with.
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
