"""Ask for sessions and print them: what `who` and `sessions` share.

A CSV may have millions of rows, so it is printed page by page while the database is read.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, final

from winlogd.api.parameters import MOST, Values, filters_in, room_asked
from winlogd.api.reading import Row
from winlogd.api.sessions import SessionList
from winlogd.commands.answers import print_csv_head, print_csv_rows, print_json, print_table
from winlogd.commands.asking import Asking, Seen, note_history
from winlogd.commands.session_rows import Tally, table_of
from winlogd.commands.terminal import OK, note
from winlogd.store.read.filters import Filters

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access


class Shape(NamedTuple):
    """How a list of sessions is asked for and shown.

    Attributes:
        filters: the filters as they were typed, for the readers' log. One that is None is not given.
        limit: the most sessions; None for all.
        understood: returns what was understood, given the room's name of today.
        order: sorts the rows of a table.
        without: the titles of columns that the table leaves out.
    """

    filters: Mapping[str, str | None]
    limit: int | None
    understood: Callable[[str | None], str]
    order: Callable[[Sequence[Row]], Sequence[Row]]
    without: Collection[str] = ()


class Outcome(NamedTuple):
    """What came of it.

    Attributes:
        status: the exit status.
        tally: what was counted.
        filters: what was asked for; the room is as it was typed.
        has_more: True if there are more sessions than the limit.
    """

    status: int
    tally: Tally
    filters: Filters
    has_more: bool


def print_sessions(asking: Asking, values: Values, shape: Shape) -> Outcome:
    """Find sessions and print them.

    Args:
        asking: the command line.
        values: the filters.
        shape: how to ask and to show.

    Raises:
        FailedError: the database cannot be read.
        WrongValuesError: a filter is wrong.
    """
    with asking.wrong_values():
        listing = SessionList(values, asking.asked)
        filters = filters_in(values, asking.asked.site, asking.asked.now_us)
        values.check()
    finding = _Finding(asking, listing, filters, shape)
    is_csv = asking.form == "csv"
    found = asking.ask(finding.find, Seen("sessions", shape.filters), is_repeatable=not is_csv)
    if not is_csv:
        note(shape.understood(found.room))
    note_history(found.history)
    status = finding.status
    if asking.form == "json":
        following = None if found.cursor is None else f"{found.cursor[0]}-{found.cursor[1]}"
        status = print_json({"sessions": finding.rows, "next": following, "history": found.history})
    elif not is_csv:
        status = print_table(*table_of(shape.order(finding.rows), shape.without))
    return Outcome(status, finding.tally, filters, found.cursor is not None)


class _Found(NamedTuple):
    room: str | None
    cursor: tuple[int, int] | None
    history: str


@final
class _Finding:
    """Finds sessions page by page. Prints each page as CSV, or keeps its rows for another form.

    Args:
        asking: the command line.
        listing: finds a page.
        filters: what is asked for.
        shape: how to ask and to show.

    Attributes:
        rows: the rows that were kept.
        tally: what was counted.
        status: the exit status so far.
    """

    def __init__(self, asking: Asking, listing: SessionList, filters: Filters, shape: Shape) -> None:
        self._asking = asking
        self._listing = listing
        self._filters = filters
        self._shape = shape
        self._begin()

    def _begin(self) -> None:
        self.rows: list[Row] = []
        self.tally = Tally(self._filters.from_us, self._filters.to_us)
        self.status = OK

    def find(self, access: "Access") -> _Found:
        """Find the sessions. The question may be asked a second time: then it begins again."""
        self._begin()
        room = room_asked(access, self._filters.room, self._asking.asked.site)
        if self._asking.form == "csv":
            note(self._shape.understood(room))
            self.status = print_csv_head(self._listing.columns, self._asking.language)
        cursor: tuple[int, int] | None = None
        left = self._shape.limit
        while self.status == OK:
            found, cursor = self._listing.rows(access, cursor, MOST if left is None else min(left, MOST))
            left = None if left is None else left - len(found)
            self._take(found)
            if self.status != OK or cursor is None or left == 0:
                break
            access.begin_question()  # a reader such as `less` may have stopped the last page
        return _Found(room, cursor, access.history())

    def _take(self, page: Sequence[Row]) -> None:
        """Print or keep a page."""
        self.tally.add(page)
        if self._asking.form == "csv":
            self.status = print_csv_rows((list(row.values()) for row in page), self._asking.language)
        else:
            self.rows.extend(page)
