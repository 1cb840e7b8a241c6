"""Finds raw events, newest first, page by page: the columns of the view ``events_all``, as they are stored.

Names are found by all their spellings. A user's or a machine's rows are found by an index: the archive has its own, and
of today the reader keeps one (`tail`). Rows of an address or an action alone are found by reading downwards, some 0.5 s
a million rows. Rows of an archive that is still being read (`Access.history`) are found by a name only if the name is
known already. Where an event is, `event_ids` knows. This file must not know sessions.
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, final

from winlogd.events.patterns import Pattern
from winlogd.events.timestamps import microseconds_text
from winlogd.events.value import Value
from winlogd.sessions.session import US
from winlogd.store.file.columns import as_bytes, text
from winlogd.store.past.events import json_list
from winlogd.store.past.names import HOST, USER
from winlogd.store.read.event_ids import (
    LAST,
    Position,
    Segment,
    Table,
    highest,
    newest,
    receipt_of,
    received_between,
    segments,
)
from winlogd.store.read.names import Addresses, numbers_of, within
from winlogd.store.read.source import EVENTS, PAST, TODAY

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access
    from winlogd.store.read.filters import Site
    from winlogd.store.read.room_hosts import RoomHosts

Action = Literal["C", "D", "M"]

_TEXTS: Final = (
    *("username", "action", "timestamp", "hostname", "source_ip", "server_timestamp", "os_name", "os_version"),
    *("kernel_version", "hardware_info", "session_uuid", "created_at", "origin"),
)
_COLUMNS: Final = f"id, {as_bytes(*_TEXTS)}"
_INDEXES: Final = {"username": "idx_history_username", "hostname": "idx_history_hostname"}
_IDS_OF_TODAY: Final = f"""id IN (SELECT t.id FROM {EVENTS} t INDEXED BY today_events_{{0}} WHERE t.{{0}} IN
    (SELECT n.id FROM {TODAY.names} n WHERE n.kind = {{1}} AND n.name IN (SELECT value FROM json_each(?))))"""
_OF_TODAY: Final = {"username": _IDS_OF_TODAY.format("user", USER), "hostname": _IDS_OF_TODAY.format("host", HOST)}
"""SQL for the rows of today with one of some names, by their columns. The reader itself keeps the indexes (`tail`)."""
_MOST_STREAMS: Final = 64
"""Up to this many spellings are searched by the index, a stream each. More are checked row by row."""
_SCANNED_IDS: Final = 20_000
_SEARCHED_IDS: Final = 1_000_000
"""The ids that one statement reads: row by row, or by an index. After it, the question may take a new snapshot."""
_MARGIN_US: Final = 2 * 86_400 * US
"""Beside the hours for which a session may stay open: a rotation comes once a day, and clocks are set."""
_IN_SPAN: Final = """ifnull(substr(server_timestamp, 1, 19) BETWEEN ? AND ?
    OR server_timestamp NOT GLOB '20[0-9][0-9]-??-??T??:??:??*+00:00', 1)"""
"""SQL for rows that may have been received between two texts. A receipt of another form is left to Python."""
_LAST_US: Final = 4_102_444_800 * US
"""The year 2100: `_IN_SPAN` compares texts of this century."""
_TEXTS_OF: Final = "SELECT name FROM {} WHERE id IN (SELECT value FROM json_each(?)) AND name IS NOT NULL"


@final
class EventFilters(Value):
    """Which events a question asks for. A filter that is None lets all pass.

    Attributes:
        user: the user's name.
        host: the machine's name.
        room: the room's name of today, in which the machine stood on the day of receipt.
        ip: the addresses from which the event came.
        from_us: received at this moment or later, in microseconds since 1970.
        to_us: received at this moment or earlier.
        action: C, D or M.
    """

    __slots__ = ("action", "from_us", "host", "ip", "room", "to_us", "user")

    def __init__(
        self,
        user: Pattern | None = None,
        host: Pattern | None = None,
        room: str | None = None,
        ip: Addresses | None = None,
        from_us: int | None = None,
        to_us: int | None = None,
        action: Action | None = None,
    ) -> None:
        self.user: Final = user
        self.host: Final = host
        self.room: Final = room
        self.ip: Final = ip
        self.from_us: Final = from_us
        self.to_us: Final = to_us
        self.action: Final[Action | None] = action


class StoredEvent(NamedTuple):
    """One row of ``events_all``. Bytes that are no UTF-8 are U+FFFD."""

    id: int
    username: str | None
    action: str | None
    timestamp: str | None
    hostname: str | None
    source_ip: str | None
    server_timestamp: str | None
    os_name: str | None
    os_version: str | None
    kernel_version: str | None
    hardware_info: str | None
    session_uuid: str | None
    created_at: str | None
    source: Literal["today", "history"]
    origin: str | None


class EventPage(NamedTuple):
    """One page of an answer.

    Attributes:
        events: newest first: today's by id, then the archive's.
        next: where the next page begins; None after the last event. The next page may be empty.
    """

    events: list[StoredEvent]
    next: Position | None


def find_events(
    access: "Access", filters: EventFilters, site: "Site", limit: int, position: Position | None = None
) -> EventPage:
    """Return the next events that pass the filters.

    Args:
        access: a reader's database.
        filters: what is asked for.
        site: what is known of the site.
        limit: return at most this many; 1 or more.
        position: where the last page ended; None for the first one.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    events: list[StoredEvent] = []
    reached = position
    while True:
        with access.snapshot() as connection:
            start = newest(connection) if reached is None else reached
            for reached, event in _Search(connection, access.room_hosts, filters, site).after(start):
                if event is not None:
                    events.append(event)
                if len(events) == limit:
                    return EventPage(events, reached if reached > LAST else None)
                if access.is_piece_over():
                    break
            else:
                return EventPage(events, None)


class _Search:
    """One question in one snapshot."""

    def __init__(
        self, connection: "apsw.Connection", room_hosts: "RoomHosts", filters: EventFilters, site: "Site"
    ) -> None:
        self._connection = connection
        self._room_hosts = room_hosts
        self._filters = filters
        self._site = site
        self._texts = self._wanted_texts()
        self._spans: dict[Table, tuple[int, int]] = {}

    def _wanted_texts(self) -> dict[str, list[str]]:
        """Return the spellings that pass, by the columns on which there is a filter."""
        filters, rooms = self._filters, self._site.rooms
        texts: dict[str, list[str]] = {}
        if (user := filters.user) is not None:
            texts["username"] = self._spellings(
                numbers_of(self._connection, each, USER, user) for each in (PAST, TODAY)
            )
        if (host := filters.host) is not None:
            texts["hostname"] = self._spellings(
                numbers_of(self._connection, each, HOST, host) for each in (PAST, TODAY)
            )
        if (room := filters.room) is not None:
            in_room = self._spellings(
                self._room_hosts.numbers(self._connection, each, rooms, room) for each in (PAST, TODAY)
            )
            before = texts.get("hostname")
            texts["hostname"] = in_room if before is None else sorted(set(before).intersection(in_room))
        if (ip := filters.ip) is not None:
            texts["source_ip"] = self._spellings(within(self._connection, each, ip) for each in (PAST, TODAY))
        return texts

    def _spellings(self, numbers: Iterable[list[int]]) -> list[str]:
        """Return the names with some numbers, of the past and of today, each once."""
        found: set[str] = set()
        for source, each in zip((PAST, TODAY), numbers, strict=True):
            found.update(
                name for (name,) in self._connection.execute(_TEXTS_OF.format(source.names), (json_list(each),))
            )
        return sorted(found)

    def after(self, start: Position) -> Iterator[tuple[Position, StoredEvent | None]]:
        """Return the events after a position, each with the position behind it. None: the search is there, no more."""
        if any(not spellings for spellings in self._texts.values()):
            return
        for segment in segments(self._connection, start):
            lowest, last = self._ids(segment)
            column = self._column(segment)
            window = _SCANNED_IDS if column is None else _SEARCHED_IDS
            while (last := highest(self._connection, segment.table, last)) >= lowest:
                first = max(lowest, last - window + 1)
                for row in self._rows(segment.table, column, first, last):
                    if self._passes(row):
                        yield segment.after(row[0], start), _event(segment.table, row)
                yield segment.after(first, start), None
                last = first - 1

    def _ids(self, segment: Segment) -> tuple[int, int]:
        """Return the lowest and the highest id of a segment that may pass the filter on the time of receipt."""
        filters = self._filters
        if filters.from_us is None and filters.to_us is None:
            return segment.first, segment.last
        span = self._spans.get(segment.table)
        if span is None:
            margin_us = self._site.rules.keep_open_us + _MARGIN_US
            span = received_between(self._connection, segment.table, *self._span(), margin_us)
            self._spans[segment.table] = span
        return max(segment.first, span[0]), min(segment.last, span[1])

    def _span(self) -> tuple[int, int]:
        filters = self._filters
        return max(filters.from_us or 0, 0), _LAST_US if filters.to_us is None else min(filters.to_us, _LAST_US)

    def _column(self, segment: Segment) -> str | None:
        """Return the column whose index finds the rows; None if they are read one by one."""
        indexed = _OF_TODAY if segment.table == "events_today" else _INDEXES
        few = [each for each in indexed if 0 < len(self._texts.get(each, ())) <= _MOST_STREAMS]
        return min(few, key=lambda each: len(self._texts[each]), default=None)

    def _rows(self, table: Table, column: str | None, first: int, last: int) -> Iterator[tuple[Any, ...]]:
        """Return the rows from id `first` to `last` that may pass, descending."""
        if column is None:
            return self._select(table, "NOT INDEXED", "1", (), (first, last))
        if table == "events_today":
            names = (json_list(self._texts[column]),)
            return self._select(table, "NOT INDEXED", _OF_TODAY[column], names, (first, last))
        index = f"INDEXED BY {_INDEXES[column]}"
        streams = [self._select(table, index, f"{column} = ?", (name,), (first, last)) for name in self._texts[column]]
        return merge(*streams, key=lambda row: -row[0])

    def _select(
        self, table: Table, index: str, found: str, values: tuple[str, ...], ids: tuple[int, int]
    ) -> Iterator[tuple[Any, ...]]:
        conditions, bound = [found, "id BETWEEN ? AND ?"], [*values, *ids]
        if self._filters.action is not None:
            conditions.append("action = ?")
            bound.append(self._filters.action)
        if self._filters.from_us is not None or self._filters.to_us is not None:
            from_us, to_us = self._span()
            conditions.append(_IN_SPAN)  # a second wider: second 60 is text that sorts before the next minute
            bound += [microseconds_text(max(from_us - US, 0))[:19], microseconds_text(max(to_us, 0) + US)[:19]]
        for column, spellings in self._texts.items():
            conditions.append(f"{column} IN (SELECT value FROM json_each(?))")
            bound.append(json_list(spellings))
        sql = f"SELECT {_COLUMNS} FROM main.{table} {index} WHERE {' AND '.join(conditions)} ORDER BY id DESC"
        return iter(self._connection.execute(sql, bound))

    def _passes(self, row: tuple[Any, ...]) -> bool:
        """Return True if a row passes what SQL cannot check exactly: the time of receipt, and the room of that day."""
        filters = self._filters
        if filters.from_us is None and filters.to_us is None and filters.room is None:
            return True
        received_us = receipt_of(row[6], row[12], row[3])
        if filters.from_us is not None and received_us < filters.from_us:
            return False
        if filters.to_us is not None and received_us > filters.to_us:
            return False
        if filters.room is None:
            return True
        return self._site.rooms.room_at(text(row[4]), received_us // US, self._site.zone) == filters.room


def _event(table: Table, row: tuple[Any, ...]) -> StoredEvent:
    *texts, origin = [None if value is None else text(value) for value in row[1:]]
    return StoredEvent._make((row[0], *texts, "today" if table == "events_today" else "history", origin))
