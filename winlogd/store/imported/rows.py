"""One row that is to be imported: its columns, what makes it faulty, and when two rows are the same. Pure.

Two rows are the same if all columns that the client has sent are the same, the time of receipt, and the session's
identifier. An automatic logoff of an older server may share everything but the identifier with another one. A row
without a text and one with an empty text are the same: a CSV has no other sign for "none".
"""

from collections.abc import Mapping, Sequence
from typing import Final
from zlib import crc32

from winlogd.events.decode import CONTROL
from winlogd.events.event import MAX_USERNAME_CHARACTERS
from winlogd.events.timestamps import microseconds
from winlogd.store.past.events import times

COLUMNS: Final = (
    *("username", "action", "timestamp", "hostname", "source_ip", "server_timestamp", "os_name", "os_version"),
    *("kernel_version", "hardware_info", "session_uuid", "created_at", "origin"),
)
"""The columns that are imported, in the order of a `Row`."""
NEEDED: Final = ("username", "action", "timestamp")
"""The columns that a file must have. Another one that is missing is empty in each row."""
KEY_COLUMNS: Final = COLUMNS[:3]
"""The columns that `key_of` reads."""
COMPARED: Final = tuple(each for each in COLUMNS if each not in ("source_ip", "created_at", "origin"))
"""The columns by which a row is recognised. The workstation's address is no word of the workstation."""

_COMPARED_AT: Final = tuple(COLUMNS.index(each) for each in COMPARED)
_ORIGIN_AT: Final = COLUMNS.index("origin")
_ACTIONS: Final = ("C", "D", "M")
_ORIGINS: Final = ("client", "auto", "expired")

Row = tuple[str | None, ...]
"""The values of `COLUMNS`. None for an empty one."""


def row_of(values: Mapping[str, str | None]) -> Row:
    """Return the row with some values, by the names of their columns. An empty text becomes None."""
    row = [values.get(column) or None for column in COLUMNS]
    if row[_ORIGIN_AT] not in _ORIGINS:  # the older servers have no such column
        row[_ORIGIN_AT] = _ORIGINS[0]
    return tuple(row)


def fault_of(row: Row) -> str | None:
    """Return why a row cannot be imported, as the end of a sentence; None if it can."""
    username, action, timestamp, hostname = row[:4]
    if username is None:
        return "has no username"
    for column, name in (("username", username), ("hostname", hostname)):
        if name is not None and CONTROL.search(name):
            return f"has a {column} with control characters"
    if len(username) > MAX_USERNAME_CHARACTERS:
        return f"has a username of more than {MAX_USERNAME_CHARACTERS} characters"
    if action not in _ACTIONS:
        return f"has the action {(action or '')[:20]!r}, not C, D or M"
    if timestamp is None or microseconds(timestamp) is None:
        return f"has a timestamp that is no time: {(timestamp or '')[:40]!r}"
    return None


def received_us(row: Row) -> int:
    """Return when a row was received, in microseconds since 1970."""
    columns = dict(zip(COLUMNS, row, strict=True))
    return times(columns["timestamp"], columns["server_timestamp"], columns["created_at"])[0]


def key_of(username: str | None, action: str | None, timestamp: str | None) -> int:
    """Return a number that is the same for rows that are the same. Other rows have it only by chance."""
    text = f"{username or ''}\0{action or ''}\0{timestamp or ''}"
    return crc32(text.encode("utf-8", "surrogatepass"))


def compared(row: Sequence[str | None]) -> tuple[str | None, ...]:
    """Return the values by which a row is recognised, `COMPARED`."""
    return tuple(row[at] for at in _COMPARED_AT)
