"""Compare the model with the database and the server's listing, and give the model's new rows their values.

Knows the model and SQLite; neither how events are sent nor what happens to the server.
"""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.chaos.model import Model
from tests.chaos.rows import Difference, Row
from tests.chaos.said import instant, received

COLUMNS: Final = (
    "username", "action", "timestamp", "hostname", "source_ip", "server_timestamp", "os_name", "os_version",
    "kernel_version", "hardware_info", "session_uuid", "origin",
)  # fmt: skip
_LISTED: Final = "username, hostname, connected_at, session_uuid, source_ip, os_name, os_version"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Rows = dict[int, dict[str, Any]]


class Tables:
    """The rows of the database at one moment."""

    def __init__(self, database: Path) -> None:
        with closing(sqlite3.connect(database, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            self.today: Rows = {row["id"]: dict(row) for row in connection.execute("SELECT * FROM events_today")}
            self.history: Rows = {row["id"]: dict(row) for row in connection.execute("SELECT * FROM events_history")}
            self.open_sessions = [tuple(row) for row in connection.execute(f"SELECT {_LISTED} FROM open_sessions")]
            self.sessions = [dict(row) for row in connection.execute("SELECT * FROM sessions")]
            self.all: Counter[str] = Counter(
                source for (source,) in connection.execute("SELECT source FROM events_all")
            )


def take_in(model: Model, tables: Tables) -> None:
    """Give each new row of the model the id and the values that the database has for it.

    Raises:
        Difference: the database holds a new row that the model does not expect, or lacks an expected one.
    """
    known = {row.id for row in model.today}
    new = [row for row in model.today if row.id is None]
    for stored_id in sorted(tables.today.keys() - known):
        stored = tables.today[stored_id]
        row = next((row for row in new if row.fits(stored)), None)
        if row is None:
            raise Difference(f"nobody expects row {stored} among {[row.columns for row in new]}")
        new.remove(row)
        row.id = stored_id
    model.today = [row for row in model.today if not (row in new and row.is_optional)]
    if missing := [row.columns for row in new if not row.is_optional]:
        raise Difference(f"these rows are missing: {missing}")
    for row in model.today:
        if row.id in tables.today:
            _take_values(row, tables.today[row.id])
        if row.before is not None and (row.id or 0) >= (row.before.id or 0):
            raise Difference(f"{row.columns} is not stored before {row.before.columns}")
    model.today.sort(key=lambda row: row.id or 0)


def _take_values(row: Row, stored: dict[str, Any]) -> None:
    if not row.fits(stored):
        raise Difference(f"stored is {stored}, expected {row.columns}")
    row.columns, row.rules = {name: stored[name] for name in COLUMNS}, {}


def compare(model: Model, tables: Tables) -> None:
    """Compare the tables and the views with the model, all of whose rows have been taken in.

    Raises:
        Difference: the two differ.
    """
    _compare_rows("events_today", model.today, tables.today)
    _compare_rows("events_history", model.history, tables.history)
    if tables.all != +Counter(today=len(model.today), history=len(model.history)):
        raise Difference(f"events_all holds {tables.all}")
    # By the tables alone, a session is open whose `D` was deleted by hand.
    _compare_open(tables.open_sessions, model.open_rows())
    _compare_sessions(model, tables)


def _compare_rows(table: str, rows: list[Row], stored: Rows) -> None:
    expected = Counter(tuple(row.columns[name] for name in COLUMNS) for row in rows)
    there = Counter(tuple(row[name] for name in COLUMNS) for row in stored.values())
    if expected != there:
        raise Difference(f"{table}: missing {list(expected - there)}, nobody's {list(there - expected)}")


def _compare_open(listed: list[tuple[Any, ...]], rows: list[Row]) -> None:
    by_rows = {
        (row.username, row.hostname, row.timestamp, row.session_uuid, row.source_ip, row.os_name, row.os_version)
        for row in rows
    }
    # Open: how often and with which of its rows a session is listed whose identifier stands in several rows.
    if {entry[3] for entry in by_rows} != {entry[3] for entry in listed} or not set(listed) <= by_rows:
        raise Difference(f"the view open_sessions has {sorted(listed, key=str)}, expected {sorted(by_rows, key=str)}")


_WHENEVER: Final = (None, "client")
"""Open: when a session ended whose logoff an outside writer gave neither a time nor a receipt that can be read."""


def _compare_sessions(model: Model, tables: Tables) -> None:
    """Check that the view has each `C` row of both tables, joined to the first later `D` of its identifier."""
    names = ("username", "hostname", "connected_at", "session_uuid", "disconnected_at", "ended_by")
    there = Counter(tuple(session[name] for name in names) for session in tables.sessions)
    rows = model.history + model.today
    for logon in (row for row in rows if row.action == "C"):
        is_archived = any(row is logon for row in model.history)
        head = (logon.username, logon.hostname, _shown(logon, is_archived), logon.session_uuid)
        # What ended a session of the archive is kept, though its row was deleted from today's table.
        ends = _ends(logon, rows + model.deleted, is_archived) if is_archived else _ends(logon, rows, is_archived)
        fitting = [(*head, *end) for end in ends if there[(*head, *end)] > 0]
        if any(end == _WHENEVER for end in ends):
            fitting += [entry for entry in there if entry[:4] == head and entry[5] == "client" and there[entry] > 0]
        if not fitting:
            raise Difference(f"the view sessions ends {head} as none of {ends}")
        there[fitting[0]] -= 1
    if +there:
        raise Difference(f"the view sessions has besides {list(+there)}")
    for session in tables.sessions:
        _check_duration(session)


def _shown(row: Row, is_archived: bool) -> object:
    """Return a row's timestamp as the view shows it: in the archive in UTC with microseconds, the rest cut off."""
    if not is_archived:
        return row.timestamp
    seconds = instant(row.timestamp, "Z")
    if seconds is None:
        seconds = received(row.columns["server_timestamp"])
    if seconds is None:
        return None
    return (_EPOCH + timedelta(microseconds=int(seconds * 1_000_000))).isoformat(timespec="microseconds")


def _ends(logon: Row, rows: list[Row], is_archived: bool) -> list[tuple[Any, Any]]:
    """Return the ends (when, by whom) that the view may show."""
    logoffs = [row for row in rows if row.action == "D" and row.session_uuid == logon.session_uuid]
    ends = [(_shown(row, is_archived), row.origin) for row in logoffs]
    no_end = (None, "expired" if is_archived else None)
    if len(ends) > 1 or any(row.by in ("outside", "trigger") for row in [logon, *logoffs]):
        # Open: what came first, and after what, where other programs gave rows receipts and identifiers of their own.
        return [*ends, no_end]
    return ends or [no_end]


def _check_duration(session: dict[str, Any]) -> None:
    """Seconds between the clients' two times, never less than 0; where the view has `received_at`, only of `client`."""
    begin, end = instant(session["connected_at"]), instant(session["disconnected_at"])
    if "received_at" in session and session["ended_by"] != "client":
        if session["duration_seconds"] is not None:
            raise Difference(f"the view sessions tells how long {session} was")
    elif begin is not None and end is not None:
        seconds = session["duration_seconds"]
        if seconds is None or abs(seconds - max(float(end - begin), 0.0)) > 0.002:
            raise Difference(f"the view sessions has a wrong duration: {session}")
