"""How columns are read: the names of a table's columns, and text whatever bytes it holds.

SQLite keeps any bytes that a program writes into a TEXT column. One row in Latin-1 must not keep the server from
starting. SQLite also turns text that looks like a number into a number, in a DATETIME column (datatype3.html §3). A
CAST undoes that. This file must not know what a row means.
"""

from typing import TYPE_CHECKING, Final

from winlogd.sessions.pair import UNKNOWN_HOST

if TYPE_CHECKING:  # types only
    import apsw

HOST: Final = f"ifnull(nullif(hostname, ''), '{UNKNOWN_HOST}')"
"""SQL for the host of a row's pair: `UNKNOWN_HOST` if the row has none."""


def as_bytes(*columns: str) -> str:
    """Return SQL that reads text columns as BLOBs. `text` turns each value into a string."""
    return ", ".join(f"CAST({column} AS BLOB)" for column in columns)


def text(value: object) -> str:
    """Return the text of a column that was read by `as_bytes`; empty for NULL, U+FFFD for bytes that are not UTF-8."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def column_names(connection: "apsw.Connection", table: str) -> list[str]:
    """Return the names of a table's or view's columns in their order; empty if it does not exist.

    Raises:
        apsw.Error: SQLite's own.
    """
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]
