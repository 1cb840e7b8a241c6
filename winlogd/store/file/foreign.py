"""Refuses files and objects that are not winlogd's, before winlogd changes anything in them.

Everything here only reads. It knows the names that winlogd uses. How winlogd's objects look is in `schema`.
"""

import os
import stat
from collections.abc import Mapping
from typing import Final

import apsw

from winlogd.store.errors import SchemaError
from winlogd.store.file.columns import column_names

_TABLES: Final = ("events_today", "events_history")
_META: Final = "winlogd_meta"
_META_COLUMNS: Final = ["key", "value"]
_OWN_PREFIXES: Final = ("winlogd_", "sqlite_")
_NAMES_SHOWN: Final = 5
"""An error message names at most this many tables of another program."""

_EARLIER_VIEWS: Final = frozenset(
    {
        "f19541863fcaaf51",  # events_all
        "0bbbe8dcc5bbb45e",  # open_sessions
        "6641619f94ffd7eb",  # sessions
        "a6374471062aa45e",
        "ed9dd3144a78db17",
    }
)
"""Digests (`_digest`) of views that earlier versions of winlogd have made."""

_OBJECTS: Final = "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_master"


def check_file(path: str) -> None:
    """Check that the lock file beside `path` protects the database: the file must have one name only.

    Raises:
        SchemaError: the file has more than one name. Each name would have a lock of its own.
    """
    try:
        status = os.stat(path)
    except OSError:  # SQLite meets the same error and describes it better
        return
    if stat.S_ISREG(status.st_mode) and (links := status.st_nlink) > 1:
        raise SchemaError(
            f"has {links} names (hard links), so that a second winlogd could use it under another name: remove the"
            " others, or take a copy of the file"
        )


def check_program(connection: apsw.Connection) -> None:
    """Check that the database is new, winlogd's or an older server's, and has winlogd's encoding.

    Raises:
        SchemaError: the database is another program's, or has another encoding.
        apsw.Error: SQLite's own.
    """
    tables = [str(name) for kind, name, _, _ in connection.execute(_OBJECTS) if kind == "table"]
    plain = {name.lower() for name in tables}  # SQLite's names have no letter case
    others = [name for name in tables if name.lower() not in _TABLES and not name.lower().startswith(_OWN_PREFIXES)]
    if others and plain.isdisjoint(_TABLES):
        shown = ", ".join(others[:_NAMES_SHOWN]) + (", …" if len(others) > _NAMES_SHOWN else "")
        raise SchemaError(f"is another program's database (it has the tables {shown}): give winlogd a file of its own")
    encoding = str(connection.pragma("encoding"))
    if encoding != "UTF-8":
        raise SchemaError(
            f'has the encoding {encoding}, winlogd uses UTF-8: copy it with "sqlite3 OLD .dump | sqlite3 NEW", and'
            " take the copy"
        )


def check_names(
    connection: apsw.Connection,
    views: Mapping[str, str],
    tables: Mapping[str, str],
    indexes: Mapping[str, str],
    triggers: Mapping[str, str],
    is_taken_over: bool,
) -> None:
    """Check that no object of the administrator's has one of winlogd's names.

    Args:
        connection: the database.
        views: the text of each of winlogd's views, by name.
        tables: the text of each of its tables besides those of events and marks, by name.
        indexes: its indexes by name, each as ``table(columns)``.
        triggers: the text of each of its triggers, by name. Names of triggers are apart from those of all others.
        is_taken_over: no winlogd has used the database yet, so that its views may be an older server's.

    Raises:
        SchemaError: such an object exists.
        apsw.Error: SQLite's own.
    """
    for row in connection.execute(_OBJECTS):
        kind, name, table, text = map(str, row)
        if kind == "trigger":
            plain = name.lower()
            is_in_the_way = plain in triggers and _plain(text) != _plain(triggers[plain])
        else:
            is_in_the_way = _is_in_the_way(connection, kind, name, table, text, views, tables, indexes, is_taken_over)
        if is_in_the_way:
            raise SchemaError(_advice(kind, name))


def _is_in_the_way(
    connection: apsw.Connection,
    kind: str,
    name: str,
    table: str,
    text: str,
    views: Mapping[str, str],
    tables: Mapping[str, str],
    indexes: Mapping[str, str],
    is_taken_over: bool,
) -> bool:
    """Return True if an object has one of winlogd's names, in any letter case, and is not winlogd's."""
    plain = name.lower()
    if plain in views:
        is_ours = _is_ours(text, views[plain]) or (is_taken_over and plain == "events_all" and _joins_tables(text))
        return kind != "view" or not is_ours
    if plain in _TABLES:
        return kind != "table"
    if plain == _META:
        return kind != "table" or column_names(connection, name) != _META_COLUMNS
    if plain in tables:
        return kind != "table" or _plain(text) != _plain(tables[plain])
    return plain in indexes and (kind != "index" or table.lower() != indexes[plain].partition("(")[0])


def _is_ours(text: str, current: str) -> bool:
    """Return True if a view's text is one that a winlogd made. `current` is today's text."""
    return _plain(text) == _plain(current) or _digest(text) in _EARLIER_VIEWS


def _joins_tables(text: str) -> bool:
    """Return True for the view of the older servers' scripts. They differ in white space and in the list of columns."""
    plain = text.lower()
    return "union all" in plain and all(table in plain for table in _TABLES)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _digest(text: str) -> str:
    from hashlib import sha256  # loaded only for a view whose text is not today's

    return sha256(_plain(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _advice(kind: str, name: str) -> str:
    if kind == "table":
        rename = f'"ALTER TABLE {name} RENAME TO my_{name}"'
        return f"has a table {name} that is not winlogd's, and winlogd needs the name: rename it, {rename}"
    drop = f'"DROP {kind.upper()} {name}"'
    return (
        f"has {_article(kind)} {name} that is not winlogd's, and winlogd needs the name: drop it, {drop}, and make it"
        " again under another name"
    )


def _article(kind: str) -> str:
    return f"an {kind}" if kind == "index" else f"a {kind}"
