"""A session as a row of ``winlogd_past``, and back.

The columns are described in `store.file.past_tables`. This file must not know where a session comes from.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.session import US, Ending, Session, second_of
from winlogd.store.past.names import ADDRESS, HOST, SYSTEM, USER, Names

if TYPE_CHECKING:  # types only
    import apsw

ENDINGS: Final[dict[int, Ending]] = {1: "client", 2: "auto", 3: "expired"}
"""`ended_by` in the table and in a `Session`."""
_NUMBERS: Final = {ending: number for number, ending in ENDINGS.items()}
OPEN: Final = 0
"""`ended_by` of a session that is open: only a reader's table of today has such rows."""
ORPHAN: Final = 4
"""`ended_by` of a logoff without a logon."""

_BEFORE_KEY_US: Final = 3600 * US
_AFTER_KEY_US: Final = 86_400 * US
"""A session that began earlier than this before its receipt, or ended later than this after it, is *lasting*: a reader
who searches around a moment does not find it by its key, but by the index ``winlogd_past_lasting``."""
_FAR_US: Final = 10_000 * 86_400 * US

COLUMNS: Final = (
    "key, user, host, ip, micros, connected, logoff, disconnected, os_name, os_version, ended_by, since, until,"
    " identifier"
)
_INSERT: Final = f"INSERT OR REPLACE INTO winlogd_past ({COLUMNS}) VALUES ({', '.join('?' * 14)})"

SELECTED: Final = (
    "p.key, u.name, h.name, a.name, n.name, v.name, p.micros, p.connected, p.logoff, p.disconnected, p.ended_by,"
    " p.identifier"
)
"""The columns that `session_of` reads: those of a session p, and its names u, h, a, n and v."""


def write(connection: "apsw.Connection", names: Names, sessions: Iterable[Session]) -> None:
    """Write sessions that have ended, and orphans, inside the transaction that the caller has begun.

    Raises:
        apsw.Error: SQLite's own.
    """
    rows = [row_of(session, names) for session in sessions]
    if rows:
        connection.executemany(_INSERT, rows)


def row_of(session: Session, names: Names) -> tuple[int | str | None, ...]:
    """Return a session as the values of `COLUMNS`. Names that are new get their numbers.

    Raises:
        apsw.Error: SQLite's own.
    """
    received_us, connected_us = session.received_us, session.connected_us
    number = names.number
    logoff, disconnected, ended_by, since_us, until_us = end_of(
        received_us, connected_us, session.ended_by, session.logoff_received_us, session.disconnected_us
    )
    return (
        session.key,
        number(USER, session.username),
        number(HOST, session.hostname),
        number(ADDRESS, session.source_ip),
        received_us % US,
        None if connected_us is None else (connected_us - received_us) or None,
        logoff,
        disconnected,
        number(SYSTEM, session.os_name),
        number(SYSTEM, session.os_version),
        ended_by,
        since_us,
        until_us,
        _identifier(session),
    )


def end_of(
    received_us: int,
    connected_us: int | None,
    ended_by: Ending | None,
    logoff_us: int | None,
    disconnected_us: int | None,
) -> tuple[int | None, int | None, int, int | None, int | None]:
    """Return those columns that follow from a session's end: logoff, disconnected, ended_by, since, until.

    Args:
        received_us: as in `Session`, and so are the others.
        connected_us: None for an orphan.
        ended_by: None while it is open.
        logoff_us: `Session.logoff_received_us`.
        disconnected_us: None without a logoff.
    """
    return (
        None if logoff_us is None else logoff_us - received_us,
        None if logoff_us is None or disconnected_us is None else (disconnected_us - logoff_us) or None,
        OPEN if ended_by is None else ORPHAN if connected_us is None else _NUMBERS[ended_by],
        *_lasting(received_us, connected_us, ended_by, logoff_us or 0, disconnected_us or 0),
    )


def _lasting(
    received_us: int, connected_us: int | None, ended_by: Ending | None, logoff_us: int, disconnected_us: int
) -> tuple[int | None, int | None]:
    """Return the span of a lasting session by both clocks; None, None for any other.

    A reader believes for some hours only in a session that no client has ended (`sessions.certainty`), and looks as far
    back by the key. So only its begin counts; its end is far away.
    """
    if connected_us is None:
        return None, None
    since_us = min(connected_us, received_us)
    until_us = max(disconnected_us, logoff_us, since_us)
    is_early = since_us < received_us - _BEFORE_KEY_US
    is_long = ended_by == "client" and until_us > received_us + _AFTER_KEY_US
    if is_early and ended_by != "client":
        return since_us, received_us + _FAR_US
    return (since_us, until_us) if is_early or is_long else (None, None)


def _identifier(session: Session) -> int | str | None:
    """Return the six digits as a number if the names before them are the session's own; otherwise the whole text."""
    text = session.session_uuid
    if text is None:
        return None
    digits = text[-6:]
    if text == f"{session.username}@{session.hostname or UNKNOWN_HOST}@{digits}":
        try:
            number = int(digits, 16)
        except ValueError:
            return text
        if number >= 0 and f"{number:06x}" == digits:
            return number
    return text


def session_of(row: tuple[Any, ...]) -> Session:
    """Return the session in a row of `SELECTED`."""
    key, username, hostname, source_ip, os_name, os_version = row[:6]
    micros, connected, logoff, disconnected, ended_by, identifier = row[6:]
    received_us = second_of(key) * US + micros
    logoff_us = None if logoff is None else received_us + logoff
    if isinstance(identifier, int):
        identifier = f"{username}@{hostname or UNKNOWN_HOST}@{identifier:06x}"
    # By position: with twelve names the call takes 0.3 µs more, and an answer has a hundred sessions.
    return Session(
        key,
        username,
        hostname,
        source_ip,
        os_name,
        os_version,
        cast("str | None", identifier),
        received_us,
        None if ended_by == ORPHAN else received_us + (connected or 0),
        None if ended_by == OPEN else ENDINGS.get(ended_by, "client"),
        logoff_us,
        None if logoff_us is None else logoff_us + (disconnected or 0),
    )
