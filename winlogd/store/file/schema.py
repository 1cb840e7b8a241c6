"""Tables, views and indexes, and the upgrade of a database of the older servers.

Administrators' own queries may rely on the tables' columns and on the views, but not on indexes. After an upgrade the
older server's SQL still works, so that going back stays possible.
"""

from typing import Final

import apsw

from winlogd.store.errors import SchemaError
from winlogd.store.file.columns import column_names
from winlogd.store.file.foreign import check_names, check_program

SCHEMA_VERSION: Final = 1
"""The version that winlogd writes to ``PRAGMA user_version``. The older servers left 0 there."""

_COLUMNS: Final = {
    "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "username": "VARCHAR(50) NOT NULL",
    "action": "CHAR(1) NOT NULL CHECK (action IN ('C', 'D', 'M'))",
    "timestamp": "DATETIME NOT NULL",
    "hostname": "VARCHAR(100)",
    "source_ip": "VARCHAR(45)",
    "server_timestamp": "DATETIME DEFAULT CURRENT_TIMESTAMP",
    "os_name": "VARCHAR(50)",
    "os_version": "VARCHAR(100)",
    "kernel_version": "VARCHAR(50)",
    "hardware_info": "TEXT",
    "session_uuid": "VARCHAR(100)",
    "created_at": "DATETIME DEFAULT CURRENT_TIMESTAMP",
    "origin": "TEXT NOT NULL DEFAULT 'client'",
}
_HISTORY_COLUMNS: Final = (
    {name: kind for name, kind in _COLUMNS.items() if name != "origin"}
    | {"server_timestamp": "DATETIME", "created_at": "DATETIME"}
    | {"archived_at": "DATETIME DEFAULT CURRENT_TIMESTAMP", "origin": _COLUMNS["origin"]}
)
_TABLES: Final = {"events_today": _COLUMNS, "events_history": _HISTORY_COLUMNS}

_OLD_INDEXES: Final = (
    "idx_today_username_action",
    "idx_today_timestamp",
    "idx_today_hostname",
    "idx_today_session",
    "idx_today_action_time",
)
"""The older servers' indexes on today's table, which winlogd drops: it finds open sessions in memory. An event costs
64 µs with them and 3 µs without."""

_INDEXES: Final = {
    # Administrators' queries look for sessions without a logoff (… NOT EXISTS … session_uuid = …). At 100 000 rows
    # they take minutes without this index. It leaves logons and inventory out, which halves its cost.
    "idx_today_logoff": "events_today(session_uuid) WHERE action = 'D'",
    # winlogd writes history once a day and people search it often: the older servers' indexes stay.
    "idx_history_username": "events_history(username)",
    "idx_history_timestamp": "events_history(timestamp)",
    "idx_history_hostname": "events_history(hostname)",
    "idx_history_session": "events_history(session_uuid)",
    "idx_history_date": "events_history(DATE(timestamp))",
}

_SHARED: Final = ", ".join(name for name in _COLUMNS if name != "origin")

_SECONDS: Final = (
    "(julianday(CASE WHEN substr({0}, 18, 2) = '60' THEN substr({0}, 1, 17) || '59' || substr({0}, 20)"
    " ELSE {0} END) * 86400 + (substr({0}, 18, 2) = '60'))"
)
"""SQL for a timestamp in seconds. SQLite's date functions do not know second 60 (lang_datefunc.html)."""

_RECEIVED: Final = "substr(replace(server_timestamp, ' ', 'T'), 1, 19)"
"""SQL for the time of receipt, to the second. An administrator's row has CURRENT_TIMESTAMP, with a space and no
fraction."""

_FIRST_LOGOFF: Final = f"""SELECT {{0}} FROM
    (SELECT id, timestamp, origin, 0 AS today, {_RECEIVED} AS received FROM events_history
     WHERE session_uuid = c.session_uuid AND action = 'D'
     UNION ALL
     SELECT id, timestamp, origin, 1 AS today, {_RECEIVED} AS received FROM events_today
     WHERE session_uuid = c.session_uuid AND action = 'D') d
    WHERE received >= c.received OR today > c.today OR (today = c.today AND id > c.id)
    ORDER BY received, today, id LIMIT 1"""
"""SQL for the first logoff that arrived after a logon.

The order of the rows is the order of arrival, whatever the clock did: no logoff moves to the archive before its logon.
Another program may have archived rows in another order; then the time of receipt decides. A logoff that is earlier by
both has ended an older session with the same identifier.

Both halves of the UNION compare the session's identifier themselves. With one comparison outside, SQLite would read
both tables whole and build an index for each query."""

_DURATION: Final = f"max(0.0, round({_SECONDS.format('d.timestamp')} - {_SECONDS.format('c.timestamp')}, 3))"

_LOGONS: Final = (
    f"SELECT id, {{0}} AS today, username, hostname, timestamp, {_RECEIVED} AS received, session_uuid, source_ip,"
    " os_name, os_version"
)

_VIEWS: Final = {
    "events_all": f"""
    SELECT {_SHARED}, 'today' AS source FROM events_today
    UNION ALL
    SELECT {_SHARED}, 'history' AS source FROM events_history""",
    "open_sessions": """
    SELECT username, hostname, timestamp AS connected_at, session_uuid, source_ip, os_name, os_version
    FROM events_today c
    WHERE action = 'C' AND session_uuid IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')""",
    "sessions": f"""
    SELECT c.username, c.hostname, c.timestamp AS connected_at,
        ({_FIRST_LOGOFF.format("d.timestamp")}) AS disconnected_at,
        ({_FIRST_LOGOFF.format(_DURATION)}) AS duration_seconds,
        ({_FIRST_LOGOFF.format("d.origin")}) AS ended_by,
        c.session_uuid, c.source_ip, c.os_name, c.os_version
    FROM ({_LOGONS.format(0)} FROM events_history WHERE action = 'C'
          UNION ALL
          {_LOGONS.format(1)} FROM events_today WHERE action = 'C') c""",
}


def prepare(connection: apsw.Connection) -> bool:
    """Create missing tables, views and indexes, and upgrade old ones, in one transaction.

    Returns:
        True if the database was one of an older server.

    Raises:
        SchemaError: a newer winlogd has written the file, or its tables lack essential columns.
        apsw.Error: SQLite's own.
    """
    if _is_current(connection):
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        had_tables = bool(column_names(connection, "events_today"))
        for table, columns in _TABLES.items():
            _create_or_extend(connection, table, columns)
        connection.execute("CREATE TABLE IF NOT EXISTS winlogd_meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        for index in _OLD_INDEXES:
            connection.execute(f"DROP INDEX IF EXISTS {index}")
        for index, definition in _INDEXES.items():
            connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {definition}")
        for view, query in _VIEWS.items():
            connection.execute(f"DROP VIEW IF EXISTS {view}")
            connection.execute(_create_view(view, query))
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return had_tables and version == 0


def check(connection: apsw.Connection) -> None:
    """Check that winlogd may use the database. Changes nothing.

    Raises:
        SchemaError: a newer winlogd has written the database, or the database is not winlogd's.
        apsw.Error: SQLite's own.
    """
    check_program(connection)
    check_version(connection)
    views = {view: _create_view(view, query) for view, query in _VIEWS.items()}
    check_names(connection, views, _INDEXES, is_taken_over=_version(connection) == 0)


def check_version(connection: apsw.Connection) -> None:
    """Check that no newer winlogd has written the database.

    Raises:
        SchemaError: a newer winlogd has written it.
        apsw.Error: SQLite's own.
    """
    version = _version(connection)
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"was written by a newer winlogd (its schema is version {version}, this program knows "
            f"{SCHEMA_VERSION}): install the newer winlogd, or take another file"
        )


def _is_current(connection: apsw.Connection) -> bool:
    """Return True if `prepare` has nothing to do.

    The version alone does not show it: an older server that ran in between may have made its indexes again, and an
    earlier winlogd its views.
    """
    check_version(connection)
    found = {str(name).lower(): sql for name, sql in connection.execute("SELECT name, sql FROM sqlite_master")}
    wanted = {*_TABLES, *_INDEXES, "winlogd_meta"}
    return (
        _version(connection) == SCHEMA_VERSION
        and wanted <= found.keys()
        and found.keys().isdisjoint(_OLD_INDEXES)
        and all(found.get(view) == _create_view(view, query) for view, query in _VIEWS.items())
    )


def _create_view(view: str, query: str) -> str:
    return f"CREATE VIEW {view} AS{query}"


def _version(connection: apsw.Connection) -> int:
    return int(str(connection.pragma("user_version")))


def _create_or_extend(connection: apsw.Connection, table: str, columns: dict[str, str]) -> None:
    present = column_names(connection, table)
    if not present:
        lines = ",\n    ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE {table} (\n    {lines}\n)")
        return
    for name, kind in columns.items():
        if name in present:
            continue
        if "PRIMARY KEY" in kind or ("NOT NULL" in kind and "DEFAULT" not in kind):
            raise SchemaError(f"has a table {table} without the column {name}: it is not a winlog database")
        # ALTER TABLE allows no computed default (lang_altertable.html). winlogd writes these columns itself.
        kind = kind.removesuffix(" DEFAULT CURRENT_TIMESTAMP")
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
