"""Rows of events as the past reads them, from either table. This file must not know what follows from a row."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import orjson

from winlogd.events.timestamps import microseconds
from winlogd.sessions.session import FROM_ARCHIVE, Ending, is_receipt, receipt, session_key
from winlogd.store.file.columns import as_bytes, text

if TYPE_CHECKING:  # types only
    import apsw

_TEXTS: Final = as_bytes(
    *("action", "username", "hostname", "source_ip", "timestamp", "server_timestamp", "created_at"),
    *("os_name", "os_version", "session_uuid", "origin"),
)
_HARDWARE: Final = as_bytes("CASE action WHEN 'M' THEN hardware_info END")
_OF_TODAY: Final = "SELECT {} FROM main.events_today WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
_AS_STORED: Final = """id, action, username, hostname, source_ip, CAST(timestamp AS TEXT),
    CAST(server_timestamp AS TEXT), CAST(created_at AS TEXT), os_name, os_version, session_uuid, origin"""
"""The columns of `_TEXTS` as SQLite has stored them, which saves 3 µs a row."""
_IDENTITY: Final = "typeof(session_uuid) = 'blob', CAST(session_uuid AS BLOB)"
_LAST_ID: Final = 2**63 - 1
_AS_EXPECTED: Final = {int, str, type(None)}
"""The types of these columns, unless another program has stored bytes."""
_OF_ARCHIVE: Final = f"""SELECT id, {_TEXTS}, {_HARDWARE} FROM main.events_history
    WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"""

_THESE: Final = f"""SELECT id, {_TEXTS}, NULL FROM main.{{}} WHERE id IN (SELECT value FROM json_each(?))
    ORDER BY id"""

_NEAR_ROWS: Final = 16
"""Of one identifier this many rows are looked at on each side of a logon or logoff. winlogd's own identifiers have two
or three rows. Another program may give one identifier to a million."""
_BEFORE: Final = "AND id < c.id ORDER BY id DESC"
_AFTERWARDS: Final = "AND id > c.id ORDER BY id"
_FIRST: Final = "ORDER BY id"
_LAST: Final = "ORDER BY id DESC"


def _near(table: str, *sides: str) -> str:
    """Return SQL for the ids of the rows of a table that share the identifier of row `c`, which are next to it.

    SQLite compares identifiers as they are stored: they may be no UTF-8, or no text at all.
    """
    logoffs = "action = 'D' AND " if table == "events_today" else ""  # only these have an index there
    return " UNION ALL ".join(
        f"SELECT id FROM (SELECT id FROM main.{table} WHERE {logoffs}session_uuid = c.session_uuid {side}"
        f" LIMIT {_NEAR_ROWS})"
        for side in sides
    )


def _of(table: str) -> str:
    """Return SQL for the rows `c` of a table whose ids are in a JSON array."""
    return f"json_each(?1) j CROSS JOIN main.{table} c ON c.id = j.value"


_LOGOFF_COLUMNS: Final = as_bytes("d.timestamp", "d.server_timestamp", "d.created_at", "d.origin")
_LOGOFFS: Final = f"""SELECT c.id, d.id, 1, {_LOGOFF_COLUMNS} FROM {{0}}
    CROSS JOIN main.events_today d ON d.id IN ({{1}})
    UNION ALL SELECT c.id, d.id, 0, {_LOGOFF_COLUMNS} FROM {{0}}
    CROSS JOIN main.events_history d ON d.id IN ({{2}}) WHERE d.action = 'D'"""
_LOGOFFS_OF_ARCHIVE: Final = _LOGOFFS.format(
    _of("events_history"), _near("events_today", _FIRST), _near("events_history", _BEFORE, _AFTERWARDS)
)
_LOGOFFS_OF_TODAY: Final = _LOGOFFS.format(
    _of("events_today"), _near("events_today", _BEFORE, _AFTERWARDS), _near("events_history", _LAST)
)
_IS_BEGUN: Final = f"""EXISTS (SELECT 1 FROM (SELECT action FROM main.events_history
    WHERE session_uuid = c.session_uuid {{0}} LIMIT {_NEAR_ROWS}) WHERE action = 'C')"""
_BEGUN_OF_ARCHIVE: Final = f"""SELECT c.id FROM {_of("events_history")}
    WHERE {_IS_BEGUN.format(_BEFORE)} OR {_IS_BEGUN.format(_AFTERWARDS)}"""
_BEGUN_OF_TODAY: Final = f"SELECT c.id FROM {_of('events_today')} WHERE {_IS_BEGUN.format(_LAST)}"

_ENDINGS: Final[dict[str, Ending]] = {"auto": "auto", "expired": "expired"}


class PastEvent(NamedTuple):
    """One row of an event.

    Attributes:
        event_id: its id in the table from which it was read.
        key: its key, as of a session (`session_key`).
        action: C, D or M.
        username: as stored.
        hostname: as stored; None if the client sent none.
        source_ip: the client's address.
        received_us: its receipt (`sessions.session.receipt`), in microseconds since 1970.
        sent_us: the client's time, in microseconds since 1970; the receipt if it is no time.
        os_name: the operating system that the workstation reported.
        os_version: its version.
        session_uuid: the identifier of its session; None if it has none.
        ending: how a session ends if this is its logoff.
        hardware_info: JSON, for an M only.
        identity: the identifier as it is stored, to compare it: bytes if it is no text. `events_after` reads it.
    """

    event_id: int
    key: int
    action: str
    username: str
    hostname: str | None
    source_ip: str | None
    received_us: int
    sent_us: int
    os_name: str | None
    os_version: str | None
    session_uuid: str | None
    ending: Ending
    hardware_info: str | None
    identity: str | bytes | None = None


class Logoff(NamedTuple):
    """A logoff, for the search of a session's end.

    Attributes:
        event_id: its id.
        is_of_today: True if its row is in ``events_today``.
        received_us: its receipt, in microseconds since 1970.
        sent_us: the time at which the session ended, by the client.
        ending: how the session ended.
    """

    event_id: int
    is_of_today: bool
    received_us: int
    sent_us: int
    ending: Ending


def rows_of_today(
    connection: "apsw.Connection", after_id: int, until_id: int, most: int, with_hardware: bool
) -> Sequence[Sequence[Any]]:
    """Return the first rows of ``events_today`` from after one id to another, in their order, for `event_of_today`.

    A row has its id, and then texts or None: action, username, hostname, source_ip, timestamp, server_timestamp,
    created_at, os_name, os_version, session_uuid, origin, and the hardware of an M if `with_hardware` is true.

    Raises:
        apsw.Error: SQLite's own.
    """
    values = after_id, until_id, most
    hardware = "CASE action WHEN 'M' THEN hardware_info END" if with_hardware else "NULL"
    rows = _as_stored(connection, values, hardware)
    if rows is not None:
        return rows
    found = connection.execute(_OF_TODAY.format(f"id, {_TEXTS}, CAST({hardware} AS BLOB)"), values)
    return [(event_id, *map(_optional, columns)) for event_id, *columns in found]


def _as_stored(
    connection: "apsw.Connection", values: tuple[int, int, int], hardware: str
) -> Sequence[Sequence[Any]] | None:
    """Return rows of today without a conversion; None if another program has stored bytes in one of them."""
    try:
        rows = connection.execute(_OF_TODAY.format(f"{_AS_STORED}, {hardware}"), values).fetchall()
    except UnicodeDecodeError:
        return None
    return rows if set(map(type, chain.from_iterable(rows))) <= _AS_EXPECTED else None


def event_of_today(row: Sequence[Any]) -> PastEvent:
    """Return the event in a row of `rows_of_today`."""
    return _event(row, 0)


def events_after(connection: "apsw.Connection", event_id: int, most: int) -> list[PastEvent]:
    """Return at most `most` rows of ``events_today`` with higher ids than `event_id`, in their order, without hardware.

    Raises:
        apsw.Error: SQLite's own.
    """
    values = event_id, _LAST_ID, most
    rows = _as_stored(connection, values, "NULL")
    if rows is not None:
        return [_event(row, 0) for row in rows]
    found = connection.execute(_OF_TODAY.format(f"{_IDENTITY}, id, {_TEXTS}, NULL"), values)
    return [
        past_event(row, 0)._replace(identity=_identity(session_uuid, bool(is_blob)))
        for is_blob, session_uuid, *row in cast("Iterable[tuple[Any, ...]]", found)
    ]


def of_archive(connection: "apsw.Connection", first: int, last: int, most: int, source: int) -> list[PastEvent]:
    """Return at most `most` rows of ``events_history`` from id `first` to id `last`, in the order of ids.

    Args:
        source: `FROM_ARCHIVE`.

    Raises:
        apsw.Error: SQLite's own.
    """
    return [past_event(row, source) for row in connection.execute(_OF_ARCHIVE, (first, last, most))]


def events_with(connection: "apsw.Connection", table: str, ids: Iterable[int]) -> list[PastEvent]:
    """Return the rows of ``events_today`` or ``events_history`` with some ids, in their order, without hardware.

    Raises:
        apsw.Error: SQLite's own.
    """
    source = FROM_ARCHIVE if table == "events_history" else 0
    return [past_event(row, source) for row in connection.execute(_THESE.format(table), (json_list(ids),))]


def past_event(row: Sequence[Any], source: int) -> PastEvent:
    """Return the event in a row of id and the columns above, which are bytes."""
    event_id, *columns = row
    return _event((event_id, *map(_optional, columns)), source)


def _event(row: Sequence[Any], source: int) -> PastEvent:
    """Return the event in a row of id and texts."""
    (
        event_id, action, username, hostname, source_ip, timestamp, received, created, os_name, os_version,
        session_uuid, origin, hardware_info,
    ) = row  # fmt: skip
    received_us, sent_us = times(timestamp, received, created)
    key = session_key(received_us, event_id, source)
    ending = _ENDINGS.get(origin, "client")
    return PastEvent(  # by position: 0.5 µs less
        event_id, key, action, username, hostname, source_ip, received_us, sent_us, os_name, os_version, session_uuid,
        ending, hardware_info, session_uuid,
    )  # fmt: skip


def logoffs_of(connection: "apsw.Connection", logons: Sequence[int], are_of_today: bool) -> dict[int, list[Logoff]]:
    """Return the logoffs in both tables that share the identifier of a logon, by the logon's id.

    Args:
        connection: the database.
        logons: ids of logons.
        are_of_today: True if they are ids of ``events_today``, False if of ``events_history``.

    Raises:
        apsw.Error: SQLite's own.
    """
    found: dict[int, list[Logoff]] = {}
    rows = connection.execute(_LOGOFFS_OF_TODAY if are_of_today else _LOGOFFS_OF_ARCHIVE, (json_list(logons),))
    for logon, event_id, is_of_today, timestamp, received, created, origin in cast("Iterable[tuple[Any, ...]]", rows):
        received_us, sent_us = times(text(timestamp), text(received), text(created))
        ending = _ENDINGS.get(text(origin), "client")
        found.setdefault(logon, []).append(Logoff(event_id, bool(is_of_today), received_us, sent_us, ending))
    return found


def begun_before(connection: "apsw.Connection", logoffs: Sequence[int], are_of_today: bool) -> set[int]:
    """Return those logoffs, by id, with whose identifier ``events_history`` has a logon.

    Args:
        connection: the database.
        logoffs: ids of logoffs.
        are_of_today: True if they are ids of ``events_today``, False if of ``events_history``.

    Raises:
        apsw.Error: SQLite's own.
    """
    sql = _BEGUN_OF_TODAY if are_of_today else _BEGUN_OF_ARCHIVE
    return {cast("int", row[0]) for row in connection.execute(sql, (json_list(logoffs),))}


def times(timestamp: str | None, received: str | None, created: str | None) -> tuple[int, int]:
    """Return a row's time of receipt and the client's time, in microseconds since 1970.

    Args:
        timestamp: the row's column of this name.
        received: its ``server_timestamp``.
        created: its ``created_at``.
    """
    sent_us = microseconds(timestamp or "")
    received_us = microseconds(received or "")
    if received_us is None or not is_receipt(received_us):
        received_us = receipt(microseconds(created or ""), sent_us)
    return received_us, received_us if sent_us is None else sent_us


def json_list(values: Iterable[object]) -> str:
    """Return values as the JSON array that ``json_each`` reads."""
    return orjson.dumps(list(values)).decode()


def _identity(stored: bytes | None, is_blob: bool) -> str | bytes | None:
    """Return a value that is equal for two identifiers if SQLite finds them equal."""
    try:
        return stored if stored is None else b"blob" + stored if is_blob else stored.decode()
    except UnicodeDecodeError:
        return b"text" + stored  # type: ignore[operator]  # it was decoded


def _optional(value: object) -> str | None:
    return None if value is None else text(value)
