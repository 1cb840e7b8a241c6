"""Read the rows of an export page by page, and give each page to a form. Memory stays flat.

This file must not know the command line's checks, or where the octets go.
"""

import os
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.api.parameters import MOST
from winlogd.api.reading import Listing
from winlogd.api.session_fields import local_text
from winlogd.api.sessions import SessionList
from winlogd.api.stored_events import EventList
from winlogd.commands.asking import Asking, note_history
from winlogd.commands.export_forms import FORMS, Form, Shape
from winlogd.commands.export_output import NewFile, StandardOutput
from winlogd.commands.giving_way import pauses_beside_events
from winlogd.commands.terminal import FailedError, ProgressLine
from winlogd.config.sections import Retention
from winlogd.store.file.marks import read_marks
from winlogd.store.past.kept import kept_days

if TYPE_CHECKING:  # types only
    from winlogd.store.pauses import Pauses
    from winlogd.store.read.access import Access

_FEW_ROWS: Final = 50
"""The rows of a page while events come: some 1 ms of work. To take a page of `MOST` rows, events would wait longer."""
_COUNTED: Final = {"sessions": "certainty", "events": "action"}
"""The field by which the rows of each list are counted."""


class Exported(NamedTuple):
    """What was exported.

    Attributes:
        rows: how many rows.
        counts: how many sessions have each certainty, or how many events each action.
        history: how much of the archive is in it.
        oldest: when the oldest session that is kept was received; None without any.
        kept_days: how many days the archive is kept; None for ever.
    """

    rows: int
    counts: Counter[str]
    history: str
    oldest: str | None
    kept_days: int | None


def listing_of(asking: Asking, are_events: bool, texts: Mapping[str, str]) -> Listing:
    """Return the list that is asked for.

    Args:
        asking: the command line.
        are_events: True for events, False for sessions.
        texts: the filters.

    Raises:
        WrongValuesError: a filter is wrong.
    """
    values = asking.values(texts)
    with asking.wrong_values():
        listing: Listing = EventList(values, asking.asked) if are_events else SessionList(values, asking.asked)
        values.check()
    return listing


def export_rows(asking: Asking, listing: Listing, options: Namespace, output: NewFile | StandardOutput) -> Exported:
    """Give all rows to the form, and what the form writes to `output`.

    Raises:
        FailedError: the database cannot be read, or `output` cannot be written.
        OutputFailedError: standard output cannot be written.
        WrongValuesError: the database knows no such room.
    """
    database = os.path.realpath(asking.config.database.path)
    shape = Shape(
        asking.config, database, listing.name, listing.columns, asking.language, options.raw, output.is_terminal
    )
    line = ProgressLine()
    pauses = pauses_beside_events(asking.config, database)

    def find(access: "Access") -> Exported:
        form = FORMS[options.format](shape, output.write)
        try:
            form.begin()
            counts = _read(access, listing, form, line if not output.is_terminal else None, pauses)
            form.end()
        finally:
            form.close()
        return exported_of(access, asking, counts)

    try:
        exported = asking.ask(find, None, is_repeatable=False, pauses=pauses)  # the row is written already
    except Exception as error:
        from winlogd.store.errors import LowSpaceError

        if isinstance(error, LowSpaceError):
            raise FailedError(f"the export needs space for a while in the database's folder: {error}") from None
        raise
    finally:
        line.clear()
    note_history(exported.history)
    return exported


def exported_of(access: "Access", asking: Asking, counts: Counter[str]) -> Exported:
    """Return what was exported, if so many rows of each kind were."""
    from winlogd.store.read.oldest import oldest_us

    oldest = local_text(oldest_us(access), asking.asked.site.zone)
    with access.snapshot() as connection:
        days = kept_days(read_marks(connection), Retention().history_days)
    return Exported(counts.total(), counts, access.history(), oldest, days)


def _read(
    access: "Access", listing: Listing, form: Form, line: ProgressLine | None, pauses: "Pauses | None"
) -> Counter[str]:
    """Give all rows to a form. Return how many there are of each kind.

    Args:
        access: the database.
        listing: finds the rows.
        form: gets them.
        line: shows how many they are; None if the line would stand among the rows.
        pauses: makes pauses while events come; None if it makes none.
    """
    counts: Counter[str] = Counter()
    counted = _COUNTED[listing.name]
    cursor: tuple[int, int] | None = None
    while True:
        rows, cursor = listing.rows(access, cursor, _FEW_ROWS if pauses and pauses.events_come() else MOST)
        counts.update(str(row[counted]) for row in rows)
        form.add(rows)
        if cursor is None:
            return counts
        if line is not None:
            line.show({f"{listing.name}_written": counts.total()})
        if pauses is not None:
            pauses.take()
        access.begin_question()  # the next program of a pipe may have stopped the last page
