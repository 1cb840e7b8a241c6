"""Reading text columns whatever bytes they hold.

SQLite keeps whatever bytes a program writes into a TEXT column, and one row in Latin-1 from somebody's shell must not
keep the server from starting. A CAST also undoes that text which looks like a number becomes one in a DATETIME column
(datatype3.html §3).
"""

from typing import Final

from winlogd.sessions.pair import UNKNOWN_HOST

HOST: Final = f"ifnull(nullif(hostname, ''), '{UNKNOWN_HOST}')"
"""The host of a row's pair."""


def as_bytes(*columns: str) -> str:
    """Text columns as BLOBs, for `text`."""
    return ", ".join(f"CAST({column} AS BLOB)" for column in columns)


def text(value: object) -> str:
    """A column that was read by `as_bytes`; empty for NULL."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
