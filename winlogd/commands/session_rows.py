"""Sessions as rows of a table, and what is counted of them. Pure.

The rows are those of the API (`api.session_fields`). This file must not know where they come from.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from winlogd.api.reading import Row
from winlogd.commands.nouns import counted
from winlogd.sessions.certainty import SUREST_FIRST
from winlogd.sessions.moments import local_time
from winlogd.sessions.session import US

TITLES: Final = ("USER", "MACHINE", "ROOM", "FROM", "TO", "LASTED", "CERTAINTY", "ADDRESS")
"""The titles of the columns."""

_REASONS: Final = {
    "other_user": "another user came",
    "restart": "the machine restarted",
    "age": "it began long ago",
    "closed": "the site has closed",
    "no_end": "the end is not known",
    "clock": "the clocks differ",
}
_MINUTES_AN_HOUR: Final = 60
_HOUR_S: Final = 3600
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def table_of(rows: Iterable[Row], without: Collection[str] = ()) -> tuple[list[str], list[list[str]]]:
    """Return the titles of a table, and a row of cells for each session.

    Args:
        rows: the sessions.
        without: the titles of columns that are left out.
    """
    places = [place for place, title in enumerate(TITLES) if title not in without]
    cells = [_cells_of(row) for row in rows]
    return [TITLES[place] for place in places], [[row[place] for place in places] for row in cells]


def _cells_of(row: Row) -> list[str]:
    return [
        text(row["username"]),
        text(row["hostname"]),
        text(row["room"]),
        short_time(row["connected_at"]),
        _end(row),
        _lasted(row["duration_seconds"]),
        with_reason(row["certainty"], row["doubt"]),
        text(row["source_ip"]),
    ]


def with_reason(certainty: object, doubt: object) -> str:
    """Return a certainty, and after ``doubtful`` the reason."""
    if certainty == "doubtful" and doubt is not None:
        return f"doubtful: {_REASONS.get(str(doubt), str(doubt))}"
    return str(certainty)


def text(value: object) -> str:
    """Return a value as the text of a cell; empty for None."""
    return "" if value is None else str(value)


def short_time(value: object) -> str:
    """Return a time of the API as a date and minutes, such as ``2026-01-13 10:15``; empty for None."""
    return text(value)[:16].replace("T", " ")


def typed_time(moment_us: int, zone: object) -> str:
    """Return a moment in the form in which `short_time` shows it and ``--at`` takes it."""
    return f"{local_time(moment_us, zone):%Y-%m-%d %H:%M}"  # type: ignore[arg-type]  # a tzinfo or None


def _end(row: Row) -> str:
    if row["state"] == "open":
        return "open"
    return short_time(row["disconnected_at"]) if row["ended_by"] == "client" else "not known"


def _lasted(seconds: object) -> str:
    """Return hours and minutes; empty if nobody knows how long the session lasted."""
    if not isinstance(seconds, int | float):
        return ""
    hours, minutes = divmod(round(seconds / 60), _MINUTES_AN_HOUR)
    return f"{hours}:{minutes:02d}"


class Tally:
    """Counts sessions as they come.

    Args:
        from_us: hours count from this moment on; None from the beginning.
        to_us: hours count up to this moment; None to the end.
    """

    def __init__(self, from_us: int | None = None, to_us: int | None = None) -> None:
        self._from_us = from_us
        self._to_us = to_us
        self._certainties: Counter[str] = Counter()
        self._known = self._open = self._lost = self._lasted_us = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Count some sessions."""
        for row in rows:
            self._certainties[str(row["certainty"])] += 1
            if row["connected_at"] is None:  # a logoff without a logon
                continue
            if row["duration_seconds"] is not None:
                self._known += 1
                self._lasted_us += self._within(row)
            elif row["state"] == "open":
                self._open += 1
            else:
                self._lost += 1

    @property
    def sessions(self) -> int:
        """Return how many sessions were counted."""
        return self._certainties.total()

    @property
    def by_certainty(self) -> str:
        """Return how many sessions have each certainty, the surest first."""
        return ", ".join(f"{grade}: {self._certainties[grade]}" for grade in SUREST_FIRST)

    @property
    def hours(self) -> str:
        """Return the hours of the sessions with a known end, and how many have none."""
        hours = self._lasted_us / US / _HOUR_S
        return (
            f"hours of the sessions with a known end: {hours:.1f} ({counted(self._known, 'session')});"
            f" without a known end, in no sum: {self._lost}; still open, in no sum: {self._open}"
        )

    def _within(self, row: Row) -> int:
        """Return how many microseconds of a session lie in the span.

        Where the workstation's clock is wrong, the session is moved to the receipt of its logon.
        """
        ahead_s = row["clock_error_seconds"] or 0
        begins_us = _microseconds(str(row["connected_at"])) - int(ahead_s) * US
        ends_us = begins_us + round(float(row["duration_seconds"] or 0) * US)
        first_us = begins_us if self._from_us is None else max(begins_us, self._from_us)
        last_us = ends_us if self._to_us is None else min(ends_us, self._to_us)
        return max(0, last_us - first_us)


def _microseconds(value: str) -> int:
    return (datetime.fromisoformat(value) - _EPOCH) // timedelta(microseconds=1)


def by_place(rows: Sequence[Row]) -> list[Row]:
    """Return sessions sorted by room, machine and user, as a person looks for them."""
    return sorted(
        rows,
        key=lambda row: (
            row["room"] is None,
            *(text(row[name]).casefold() for name in ("room", "hostname", "username")),
        ),
    )
