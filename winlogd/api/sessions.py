"""GET /api/v1/sessions: the sessions that pass some filters, newest first."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from winlogd.api.cursor import key_in
from winlogd.api.parameters import Values, filters_in, room_asked
from winlogd.api.reading import Asked, Rows
from winlogd.api.session_fields import FIELDS, session_fields
from winlogd.store.read.filters import Filters
from winlogd.store.read.sessions import FIRST_PAGE, find_sessions

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access


class SessionList:
    """A list of sessions (`reading.Listing`).

    Args:
        values: the parameters. Faults are noted in them.
        asked: what the question is about.
    """

    name = "sessions"
    columns = FIELDS

    def __init__(self, values: Values, asked: Asked) -> None:
        self._filters: Filters = filters_in(values, asked.site, asked.now_us)
        self._asked = asked
        self._history = ""

    def rows(self, access: "Access", cursor: tuple[int, int] | None, limit: int) -> Rows:
        """Return the next sessions."""
        site, epoch = self._asked.site, access.epoch()
        filters = self._filters.replaced(room=room_asked(access, self._filters.room, site))
        key = FIRST_PAGE if cursor is None else key_in(cursor, epoch)
        page = find_sessions(access, filters, site, self._asked.now_us, limit, key)
        if cursor is not None:
            key_in(cursor, page.epoch)
        self._history = page.history
        rows = [session_fields(each, site.zone) for each in page.found]
        return Rows(rows, None if page.next_key is None else (page.epoch, page.next_key))

    def more(self, access: "Access") -> Mapping[str, object]:
        """Return how much of the archive is in the page that was read last."""
        return {"history": self._history}
