"""What the file about one person is, for its forms: the sections come one after the other, and rows as they are read.

This file must not know how a form writes them, or where they come from.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from winlogd.api.reading import Row
from winlogd.commands.person_words import Kind

Write = Callable[[bytes], None]
"""A function that takes the next octets."""


class About(NamedTuple):
    """What the file is about.

    Attributes:
        name: the account, as it was typed.
        is_exact: True if the account of this name alone is meant, and none with another domain.
        first: the begin of its span, as local time; None for no begin.
        last: the end of its span; None for no end.
        made_at: when it was made, as local time.
        zone: the name of the time zone of all local times.
        kept_days: how long reports are kept; None for ever.
        looks_kept_days: how long the readers' log is kept.
        history: how much of the archive is in the file: ``complete``, or ``building, 43 %``.
        language: ``en`` or ``fr``.
        is_raw: True if no text of a CSV is changed.
        is_terminal: True if the octets reach a terminal, which a name could control.
    """

    name: str
    is_exact: bool
    first: str | None
    last: str | None
    made_at: str
    zone: str
    kept_days: int | None
    looks_kept_days: int
    history: str
    language: str
    is_raw: bool
    is_terminal: bool


class PersonForm(Protocol):
    """One form of the file."""

    def begin(self) -> None:
        """Write what is before all sections."""

    def begin_section(self, kind: Kind) -> None:
        """End the section before, and begin one."""

    def add(self, rows: Sequence[Row]) -> None:
        """Write the next rows of the section."""

    def end(self) -> None:
        """End the last section and the file."""
