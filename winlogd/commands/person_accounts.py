"""Counts the exact accounts whose rows are in the file about one person. Pure.

A name without a domain means all domains, and last year another person may have had it. So the file ends with the
accounts that it has. Memory grows with the spellings only.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from winlogd.api.reading import Row
from winlogd.api.session_fields import local_text
from winlogd.commands.person_words import Kind
from winlogd.events.names import folded
from winlogd.events.timestamps import microseconds
from winlogd.sessions.session import receipt

_RECEIPTS: Final = {"sessions": ("received_at",), "events": ("server_timestamp", "created_at", "timestamp")}
"""The columns that say when a row was received: the first that is sensible."""


class Accounts:
    """The accounts, with how many rows each has, and when the first and the last was received."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}
        self._spans: dict[str, tuple[int, int]] = {}

    @property
    def names(self) -> list[str]:
        """Return their names, in order."""
        return sorted(self._counts)

    @property
    def are_several(self) -> bool:
        """Return True if there are several accounts, not only several spellings of one."""
        return len({folded(name) for name in self._counts}) > 1

    def note(self, kind: Kind, rows: Sequence[Row]) -> None:
        """Count rows of ``sessions`` or ``events``."""
        for row in rows:
            name = str(row["username"])
            at_us = receipt(*(microseconds(str(row[column])) for column in _RECEIPTS[kind]))
            self._counts.setdefault(name, Counter())[kind] += 1
            first_us, last_us = self._spans.get(name, (at_us, at_us))
            self._spans[name] = min(first_us, at_us), max(last_us, at_us)

    def rows(self, zone: tzinfo | None) -> list[Row]:
        """Return a row for each account. Times are those of `zone`; None is the system's."""
        return [
            {
                "username": name,
                "sessions": self._counts[name]["sessions"],
                "reports": self._counts[name]["events"],
                "first_received": local_text(self._spans[name][0], zone),
                "last_received": local_text(self._spans[name][1], zone),
            }
            for name in self.names
        ]
