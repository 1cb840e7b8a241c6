"""Ask for sessions and print them: what `who` and `sessions` share.

A CSV may have millions of rows, so it is printed page by page while the database is read.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

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


class _Found(NamedTuple):
    room: str | None
    cursor: tuple[int, int] | None
    history: str


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
    rows: list[Row] = []
    tally = Tally(filters.from_us, filters.to_us)
    status = OK
    is_csv = asking.form == "csv"

    def take(page: Sequence[Row]) -> bool:
        """Print or keep a page. Return True if more is wanted."""
        nonlocal status
        tally.add(page)
        if is_csv:
            status = print_csv_rows((list(row.values()) for row in page), asking.language)
        else:
            rows.extend(page)
        return status == OK

    def find(access: "Access") -> _Found:
        nonlocal status, tally
        rows.clear()
        tally = Tally(filters.from_us, filters.to_us)  # the question may be asked a second time
        room = room_asked(access, filters.room, asking.asked.site)
        if is_csv:
            note(shape.understood(room))
            status = print_csv_head(listing.columns, asking.language)
        cursor: tuple[int, int] | None = None
        left = shape.limit
        while status == OK:
            found, cursor = listing.rows(access, cursor, MOST if left is None else min(left, MOST))
            left = None if left is None else left - len(found)
            if not take(found) or cursor is None or left == 0:
                break
            access.begin_question()  # a reader such as `less` may have stopped the last page
        return _Found(room, cursor, access.history())

    found = asking.ask(find, Seen("sessions", shape.filters), is_repeatable=not is_csv)
    if not is_csv:
        note(shape.understood(found.room))
    note_history(found.history)
    if asking.form == "json":
        following = None if found.cursor is None else f"{found.cursor[0]}-{found.cursor[1]}"
        status = print_json({"sessions": rows, "next": following, "history": found.history})
    elif not is_csv:
        status = print_table(*table_of(shape.order(rows), shape.without))
    return Outcome(status, tally, filters, found.cursor is not None)
