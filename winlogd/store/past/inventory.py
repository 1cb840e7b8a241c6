"""What the machines reported of their hardware: when, and what changed since the last time.

This file must not know sessions. A machine without a name has no changes: many machines may be behind it.
"""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from winlogd.events.names import folded_host
from winlogd.store.file.columns import as_bytes, text
from winlogd.store.past.events import PastEvent
from winlogd.store.past.names import HOST, Names

if TYPE_CHECKING:  # types only
    import apsw

_MOST_CHANGES: Final = 100
"""Of one report. A client that sends its hardware in another form changes everything at once."""
_LONGEST_PATH: Final = 300
"""Characters. A longer path is cut: a name may have 64 KB."""
_VARYING: Final = ("used", "free", "available", "usage", "uptime", "frequency", "temperature", "load")
"""Endings of names whose values differ each time: the memory in use is no change of hardware."""

_NOTE: Final = "INSERT OR REPLACE INTO winlogd_inventory (host, key, history_id) VALUES (?, ?, ?)"
_NEAREST: Final = f"""SELECT i.host, i.key, {as_bytes("h.hardware_info")}
    FROM (SELECT n.id AS host, (SELECT {{0}}(key) FROM winlogd_inventory WHERE host = n.id AND key {{1}} ?1) AS key
        FROM winlogd_names n WHERE n.kind = ?2 AND n.folded = ?3 ORDER BY 2 {{2}} NULLS LAST LIMIT 1) nearest
    CROSS JOIN winlogd_inventory i ON i.host = nearest.host AND i.key = nearest.key
    CROSS JOIN events_history h ON h.id = i.history_id"""
"""Find the nearest report of each spelling by the primary key, and read the text of one report only."""
_BEFORE: Final = _NEAREST.format("max", "<", "DESC")
_AFTER: Final = _NEAREST.format("min", ">", "ASC")
_FORGET: Final = "DELETE FROM winlogd_hardware WHERE host = ? AND key = ?"
_CHANGE: Final = "INSERT INTO winlogd_hardware (host, key, path, old, new) VALUES (?, ?, ?, ?, ?)"


def note(connection: "apsw.Connection", names: Names, event: PastEvent, history_id: int) -> None:
    """Note one report, inside the transaction that the caller has begun.

    A later report may be there already: the rotation takes in new rows while an older archive waits.

    Args:
        connection: the database.
        names: the numbers of names, of this transaction.
        event: an M.
        history_id: the id of its row in ``events_history``.

    Raises:
        apsw.Error: SQLite's own.
    """
    host = names.number(HOST, event.hostname)
    if event.hostname:
        spelling, report = (event.key, HOST, folded_host(event.hostname)), event.hardware_info or ""
        for _, _, before in connection.execute(_BEFORE, spelling).fetchall():
            _note_changes(connection, (host, event.key), text(before), report)
        for later_host, later_key, after in connection.execute(_AFTER, spelling).fetchall():
            later = cast("int", later_host), cast("int", later_key)
            _note_changes(connection, later, report, text(after))
    connection.execute(_NOTE, (host, event.key, history_id))


def _note_changes(connection: "apsw.Connection", of: tuple[int, int], before: str, after: str) -> None:
    """Write what differs between two reports: `of` is the host's number and the key of the later one."""
    connection.execute(_FORGET, of)
    if after:
        for path, old, new in changes(before, after):
            connection.execute(_CHANGE, (*of, path, old, new))


def changes(before: str, after: str) -> list[tuple[str, str | None, str | None]]:
    """Return what differs between two reports: path, old and new value as JSON; None where there is no value.

    Args:
        before: the earlier report, as JSON; any text that is no JSON has no values.
        after: the later one.
    """
    if before == after:
        return []
    old = _parsed(before)
    if next(_differences(old, None), None) is None:
        return []
    return list(islice(_differences(old, _parsed(after)), _MOST_CHANGES))


def _parsed(report: str) -> Any:  # noqa: ANN401  # any JSON value
    try:
        return orjson.loads(report)
    except orjson.JSONDecodeError:  # also for more than 1 024 levels
        return None


def _differences(old: Any, new: Any) -> Iterator[tuple[str, str | None, str | None]]:  # noqa: ANN401  # any JSON values
    """Yield the values that differ, each with the path that leads to it, such as ``disks.0.size``.

    Both reports are walked together. So a path is made for a value that differs, and not for each value. There is no
    recursion: another program's report may have 1 000 levels.
    """
    levels = [_pairs("", old, new)]
    while levels:
        pair = next(levels[-1], None)
        if pair is None:
            levels.pop()
            continue
        at, name, was, is_now = pair
        if isinstance(was, dict | list) or isinstance(is_now, dict | list):
            levels.append(_pairs(_path(at, name), was, is_now))
        old_json, new_json = _json(was), _json(is_now)
        if old_json != new_json:
            yield _path(at, name), old_json, new_json


def _pairs(path: str, old: Any, new: Any) -> Iterator[tuple[str, str, Any, Any]]:  # noqa: ANN401  # any JSON values
    """Yield the parts of two values that have the same name: the path to the values, the name, the old and new part."""
    before, after = _parts(old), _parts(new)
    for name, part in before.items():
        yield path, name, part, after.get(name)
    for name, part in after.items():
        if name not in before:
            yield path, name, None, part


def _parts(value: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON value
    """Return the parts of an object or an array by their names or places; none of any other value."""
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return {name: part for name, part in parts.items() if not name.lower().endswith(_VARYING)}
    return {str(place): part for place, part in enumerate(value)} if isinstance(value, list) else {}


def _path(path: str, name: str) -> str:
    return (f"{path}.{name}" if path else name)[:_LONGEST_PATH]


def _json(part: Any) -> str | None:  # noqa: ANN401  # any JSON value
    """Return a single value as JSON; None for an object, an array or null."""
    return None if part is None or isinstance(part, dict | list) else orjson.dumps(part).decode()
