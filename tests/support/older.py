"""Files of the older servers, made for tests of the import: rows, SQLite files with one table or two, CSV."""

import csv
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

GOLDEN: Final = Path(__file__).parent.parent / "data" / "older.db"
"""A database that the older server has written: two tables, 50 rows."""
COLUMNS: Final = (
    *("username", "action", "timestamp", "hostname", "source_ip", "server_timestamp", "os_name", "os_version"),
    *("kernel_version", "hardware_info", "session_uuid", "created_at"),
)
_TABLE: Final = f"CREATE TABLE {{}} (id INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(COLUMNS)})"

OlderRow = Mapping[str, str | bytes | None]


def older_row(number: int, action: str = "C", **columns: str | bytes | None) -> dict[str, str | bytes | None]:
    """Return a row that an older server has received in second `number` of a day."""
    at = f"{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
    row: dict[str, str | bytes | None] = dict.fromkeys(COLUMNS)
    return (
        row
        | {
            "username": f"user{number}",
            "action": action,
            "timestamp": f"2026-01-13T{at}.123456789+00:00",
            "hostname": "A102-07",
            "source_ip": "192.0.2.7",
            "server_timestamp": f"2026-01-13T{at}.223456789+00:00",
            "session_uuid": f"user{number}@A102-07@{number:06x}",
            "created_at": f"2026-01-13 {at}",
        }
        | columns
    )


def sqlite_of(path: Path, tables: Mapping[str, Iterable[OlderRow]]) -> Path:
    """Make an SQLite file with some tables, and return its path."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in tables.items():
            connection.execute(_TABLE.format(table))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + each for each in COLUMNS)})",
                [dict(row) for row in rows],
            )
    return path


def csv_of(path: Path, rows: Iterable[OlderRow], columns: Sequence[str] = COLUMNS, separator: str = ",") -> Path:
    """Make a CSV, and return its path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(columns)
        writer.writerows([row[column] for column in columns] for row in rows)
    return path


def archived(database: Path) -> list[tuple[object, ...]]:
    """Return what identifies each row of a winlogd database's two tables, sorted."""
    wanted = "username, action, timestamp, server_timestamp, session_uuid, hardware_info, os_name"
    with closing(sqlite3.connect(database)) as connection:
        [(sound,)] = connection.execute("PRAGMA integrity_check")
        assert sound == "ok"
        return sorted(
            connection.execute(
                f"SELECT {wanted} FROM events_today UNION ALL SELECT {wanted} FROM events_history"
            ).fetchall(),
            key=repr,
        )
