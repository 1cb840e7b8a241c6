"""Tables and indexes, and the upgrade of a database of the older servers.

Administrators' own queries may rely on the tables' columns and on the views, but not on indexes. After an upgrade the
older server's SQL still works, so that going back stays possible.
"""

from typing import Final

import apsw

from winlogd.store.errors import SchemaError
from winlogd.store.file.columns import column_names
from winlogd.store.file.foreign import check_names, check_program
from winlogd.store.file.marks import TAKEN_OVER
from winlogd.store.file.past_tables import PAST_INDEXES, PAST_TABLES, PAST_TRIGGERS
from winlogd.store.file.receipts import piece
from winlogd.store.file.views import VIEWS, create_view
from winlogd.store.past.progress import DELETIONS, DELETIONS_SEEN, EPOCH, TAKEN_IN, TODAY_DELETIONS

SCHEMA_VERSION: Final = 2
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
_OLD_TIME_INDEXES: Final = ("idx_history_timestamp", "idx_history_date")
"""Their indexes on the archive's times, which winlogd drops: readers ask ``winlogd_past``."""

_INDEXES: Final = {
    # Administrators' queries look for sessions without a logoff (… NOT EXISTS … session_uuid = …). At 100 000 rows
    # they take minutes without this index. It leaves logons and inventory out, which halves its cost.
    "idx_today_logoff": "events_today(session_uuid) WHERE action = 'D'",
    # For administrators' own queries, and to find the logoff of an archived logon.
    "idx_history_username": "events_history(username)",
    "idx_history_hostname": "events_history(hostname)",
    "idx_history_session": "events_history(session_uuid)",
    **PAST_INDEXES,
}

_OWN_TABLES: Final = {
    # Who and what is exempt from deletion, and why. A row with several conditions exempts what all of them mean.
    # Names are folded; times are microseconds since 1970, both included.
    "winlogd_holds": """(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT,
    host TEXT,
    from_us INTEGER,
    to_us INTEGER,
    reason TEXT NOT NULL,
    held_by TEXT NOT NULL,
    held_us INTEGER NOT NULL
)""",
    **PAST_TABLES,
}

_NAMED: Final = "SELECT name, sql FROM sqlite_master WHERE type <> 'trigger' OR name LIKE 'winlogd~_%' ESCAPE '~'"
"""An administrator's trigger may have the name of a view."""

_CREATE_META: Final = "CREATE TABLE IF NOT EXISTS winlogd_meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
_FIRST_MARKS: Final = {TAKEN_IN: "0", DELETIONS: "0", DELETIONS_SEEN: "0", TODAY_DELETIONS: "0", EPOCH: "1"}
"""The marks of the past before it is built (`store.past.progress`)."""


def prepare(connection: apsw.Connection) -> bool:
    """Create missing tables, views and indexes, and upgrade old ones, in one transaction.

    An older server may have run since the last start. Its automatic logoffs are marked at each start.

    Returns:
        True if the database was one of an older server.

    Raises:
        SchemaError: a newer winlogd has written the file, or its tables lack essential columns.
        apsw.Error: SQLite's own.
    """
    is_current = _is_current(connection)
    if is_current and not piece(connection).has_others:
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        is_of_older_server = not is_current and _upgrade(connection)
        if piece(connection).has_others:
            from winlogd.store.past.older import mark_automatic_logoffs  # rarely needed

            mark_automatic_logoffs(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return is_of_older_server


def _upgrade(connection: apsw.Connection) -> bool:
    """Do it inside the caller's transaction. Return True if the database was one of an older server."""
    version = _version(connection)
    had_tables = bool(column_names(connection, "events_today"))
    is_taken_over = had_tables and not column_names(connection, "winlogd_holds")
    for table, columns in _TABLES.items():
        _create_or_extend(connection, table, columns)
    _once(connection, _CREATE_META)
    for table, definition in _OWN_TABLES.items():
        _once(connection, f"CREATE TABLE IF NOT EXISTS {table} {definition}")
    connection.executemany("INSERT OR IGNORE INTO winlogd_meta (key, value) VALUES (?, ?)", _FIRST_MARKS.items())
    if is_taken_over:
        _once(connection, "INSERT OR IGNORE INTO winlogd_meta (key, value) VALUES (?, '1')", (TAKEN_OVER,))
    _drop_old_indexes(connection)
    for index, definition in _INDEXES.items():
        _once(connection, f"CREATE INDEX IF NOT EXISTS {index} ON {definition}")
    for trigger, definition in PAST_TRIGGERS.items():
        _once(connection, f"CREATE TRIGGER IF NOT EXISTS {trigger} {definition}")
    for view in VIEWS:
        _once(connection, f"DROP VIEW IF EXISTS {view}")
        _once(connection, create_view(view))
    _once(connection, f"PRAGMA user_version = {SCHEMA_VERSION}")
    return had_tables and version == 0


def create_holds(connection: apsw.Connection) -> None:
    """Create the table of holds in a database that has none, inside the caller's transaction.

    Without this table, the next start would see that the archive is older than the retention. A mark says it instead.

    Raises:
        apsw.Error: SQLite's own.
    """
    connection.execute(_CREATE_META)
    connection.execute(f"CREATE TABLE winlogd_holds {_OWN_TABLES['winlogd_holds']}")
    connection.execute("INSERT OR IGNORE INTO winlogd_meta (key, value) VALUES (?, '1')", (TAKEN_OVER,))


def check(connection: apsw.Connection) -> None:
    """Check that winlogd may use the database. Changes nothing.

    Raises:
        SchemaError: a newer winlogd has written the database, or the database is not winlogd's.
        apsw.Error: SQLite's own.
    """
    check_program(connection)
    check_version(connection)
    views = {view: create_view(view) for view in VIEWS}
    tables = {table: f"CREATE TABLE {table} {definition}" for table, definition in _OWN_TABLES.items()}
    triggers = {trigger: f"CREATE TRIGGER {trigger} {definition}" for trigger, definition in PAST_TRIGGERS.items()}
    check_names(connection, views, tables, _INDEXES, triggers, is_taken_over=_version(connection) == 0)


def check_readable(connection: apsw.Connection) -> None:
    """Check that a program that only reads finds what it reads, because only a server upgrades a database.

    Raises:
        SchemaError: the database is not winlogd's, a newer winlogd has written it, or it has to be upgraded.
        apsw.Error: SQLite's own.
    """
    check_program(connection)
    check_version(connection)
    found = {str(name).lower() for name, _ in connection.execute(_NAMED)}
    if _version(connection) < SCHEMA_VERSION or not {*_TABLES, *_OWN_TABLES, *PAST_INDEXES, "winlogd_meta"} <= found:
        raise SchemaError("has not been upgraded to this version of winlogd yet: start the server, which upgrades it")


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
    found = {str(name).lower(): sql for name, sql in connection.execute(_NAMED)}
    wanted = {*_TABLES, *_OWN_TABLES, *_INDEXES, *PAST_TRIGGERS, "winlogd_meta"}
    return (
        _version(connection) == SCHEMA_VERSION
        and wanted <= found.keys()
        and found.keys().isdisjoint((*_OLD_INDEXES, *_OLD_TIME_INDEXES))
        and all(found.get(view) == create_view(view) for view in VIEWS)
    )


def _drop_old_indexes(connection: apsw.Connection) -> None:
    """Drop the older servers' indexes that winlogd does not need.

    Those on the archive's times hold no names. So their pages need not be overwritten, which would write 150 MB at
    5 million rows.
    """
    for index in _OLD_INDEXES:
        _once(connection, f"DROP INDEX IF EXISTS {index}")
    was = int(str(connection.pragma("secure_delete")))
    _once(connection, "PRAGMA secure_delete = OFF")
    try:
        for index in _OLD_TIME_INDEXES:
            _once(connection, f"DROP INDEX IF EXISTS {index}")
    finally:
        _once(connection, f"PRAGMA secure_delete = {was}")


def _version(connection: apsw.Connection) -> int:
    return int(str(connection.pragma("user_version")))


def _create_or_extend(connection: apsw.Connection, table: str, columns: dict[str, str]) -> None:
    present = column_names(connection, table)
    if not present:
        lines = ",\n    ".join(f"{name} {kind}" for name, kind in columns.items())
        _once(connection, f"CREATE TABLE {table} (\n    {lines}\n)")
        return
    for name, kind in columns.items():
        if name in present:
            continue
        if "PRIMARY KEY" in kind or ("NOT NULL" in kind and "DEFAULT" not in kind):
            raise SchemaError(f"has a table {table} without the column {name}: it is not a winlog database")
        # ALTER TABLE allows no computed default (lang_altertable.html). winlogd writes these columns itself.
        kind = kind.removesuffix(" DEFAULT CURRENT_TIMESTAMP")
        _once(connection, f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


def _once(connection: apsw.Connection, sql: str, bindings: tuple[str, ...] = ()) -> None:
    """Run a statement that is not run again. apsw would keep it prepared: all of them together take 40 KiB."""
    connection.execute(sql, bindings, can_cache=False)
