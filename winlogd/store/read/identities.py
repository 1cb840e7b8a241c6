"""Which names a person is known by in the events, and when each was used: what ``winlogd forget`` would forget.

A name that was not used for two months and then again may be another person's: its uses are told apart. This file must
not know who asks.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.events.names import folded
from winlogd.sessions.session import US
from winlogd.store.file.columns import text
from winlogd.store.past.events import PastEvent, events_with
from winlogd.store.past.names import USER, compared

if TYPE_CHECKING:  # types only
    import apsw

_GAP_US: Final = 60 * 86_400 * US
_NAMES_OF_ARCHIVE: Final = "SELECT CAST(username AS BLOB) FROM (SELECT DISTINCT username FROM events_history)"
_IDS_OF_ARCHIVE: Final = """SELECT id FROM events_history
    WHERE username IN (CAST(?1 AS TEXT), CAST(?1 AS BLOB))"""
_NAMES_OF_TODAY: Final = "SELECT id, CAST(username AS BLOB) FROM events_today"
_DISTINCT_OF_TODAY: Final = "SELECT CAST(username AS BLOB) FROM (SELECT DISTINCT username FROM events_today)"
_LONGER: Final = """SELECT CAST(name AS BLOB) FROM winlogd_names WHERE kind > 0 AND name IS NOT NULL
    UNION SELECT CAST(username AS BLOB) FROM events_today UNION SELECT CAST(hostname AS BLOB) FROM events_today
    WHERE hostname IS NOT NULL"""


class Use(NamedTuple):
    """A time in which a name was used.

    Attributes:
        name: the name, folded.
        spellings: how it was written.
        first_us: the receipt of the first event, in microseconds since 1970.
        last_us: the receipt of the last one.
        events: how many events there are.
    """

    name: str
    spellings: frozenset[str]
    first_us: int
    last_us: int
    events: int


class Wanted(NamedTuple):
    """Which events are meant.

    Attributes:
        name: a folded name; without its domain it means the name in all domains, unless `is_exact` is true.
        is_exact: True if only this name is meant.
        first_us: events that were received earlier are not meant; None for no such limit.
        last_us: events that were received later are not meant; None for no such limit.
    """

    name: str
    is_exact: bool
    first_us: int | None
    last_us: int | None

    def means(self, username: str) -> bool:
        """Return True if a name is meant."""
        return folded(username) == self.name or (not self.is_exact and self.name in compared(USER, username))

    def reaches(self, received_us: int) -> bool:
        """Return True if an event that was received at this time is meant."""
        is_late = self.last_us is not None and received_us > self.last_us
        return not is_late and (self.first_us is None or received_us >= self.first_us)


def uses_of(connection: "apsw.Connection", wanted: Wanted) -> list[Use]:
    """Return the uses of all names that are meant, by name and time.

    Raises:
        apsw.Error: SQLite's own.
    """
    found: dict[str, list[PastEvent]] = {}
    for event in (*_of_archive(connection, wanted), *_of_today(connection, wanted)):
        if wanted.reaches(event.received_us):
            found.setdefault(folded(event.username), []).append(event)
    return [use for name, events in sorted(found.items()) for use in _told_apart(name, events)]


def user_names(connection: "apsw.Connection") -> set[str]:
    """Return the names of all users, as stored.

    Raises:
        apsw.Error: SQLite's own.
    """
    return {text(row[0]) for sql in (_NAMES_OF_ARCHIVE, _DISTINCT_OF_TODAY) for row in connection.execute(sql)}


def names_with(connection: "apsw.Connection", part: str) -> set[str]:
    """Return the names of users, machines and systems, as stored, that have a text as a part of them.

    Raises:
        apsw.Error: SQLite's own.
    """
    names = (text(row[0]) for row in connection.execute(_LONGER))
    return {name for name in names if folded(part) in folded(name)}


def _of_archive(connection: "apsw.Connection", wanted: Wanted) -> Iterable[PastEvent]:
    names = {cast("bytes", octets) for (octets,) in connection.execute(_NAMES_OF_ARCHIVE)}
    for octets in names:
        if wanted.means(text(octets)):
            yield from events_with(connection, "events_history", _ids(connection, octets))


def _ids(connection: "apsw.Connection", octets: bytes) -> list[int]:
    return [cast("int", row[0]) for row in connection.execute(_IDS_OF_ARCHIVE, (octets,))]


def _of_today(connection: "apsw.Connection", wanted: Wanted) -> Iterable[PastEvent]:
    rows = cast("Iterable[tuple[int, bytes]]", connection.execute(_NAMES_OF_TODAY))
    return events_with(connection, "events_today", [each for each, name in rows if wanted.means(text(name))])


def _told_apart(name: str, events: list[PastEvent]) -> Iterable[Use]:
    events.sort(key=lambda event: event.received_us)
    begin = 0
    for at in range(1, len(events) + 1):
        if at == len(events) or events[at].received_us - events[at - 1].received_us > _GAP_US:
            spellings = frozenset(event.username for event in events[begin:at])
            yield Use(name, spellings, events[begin].received_us, events[at - 1].received_us, at - begin)
            begin = at
