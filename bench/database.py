"""A peer's database before and after a run: filled with valid rows, and counted. Knows SQL that all schemas share."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from bench.events import COUNT_STORED, PAIRS
from bench.registry import Peer
from bench.server import Setup, running

_DAY_S: Final = 8 * 3600
_RECENT_S: Final = 11 * 60
"""Rows are older than what a server may remember for retries, as most rows of a day are."""

# Complete sessions: for each pair in turn a logon, then its logoff. printf's %06x gives each session digits of its own:
# 7919 is prime, so the products run through all residues of 16^6.
FILL: Final = f"""
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :rows - 1),
row(i, user, host, digits, received) AS (
    SELECT i, printf('user%05d', i / 2 % {PAIRS}), printf('A%03d-%02d', i / 2 % {PAIRS} / 100, i / 2 % 100),
        printf('%06x', i / 2 * 7919 % 16777216), :begin + (:end - :begin) * i / :rows FROM n)
INSERT INTO {{table}} (username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version,
    kernel_version, session_uuid, created_at)
SELECT user, CASE i % 2 WHEN 0 THEN 'C' ELSE 'D' END, printf('2026-01-12T08:30:00.%09d+00:00', i), host, '127.0.0.1',
    strftime('%Y-%m-%dT%H:%M:%S', received, 'unixepoch') || '.123456+00:00', 'Windows', '11 (26100)', '26100',
    user || '@' || host || '@' || digits, datetime(received, 'unixepoch') FROM row
"""


class Databases:
    """Makes databases with rows in them, each kind once, and hands out copies.

    Args:
        folder: on the disk that is to be measured; is left as it is at the end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, int, int], Path] = {}
        self._runs = 0

    def fresh(self, peer: Peer, rows: int, history_rows: int) -> Path:
        """A path for one run in a folder of its own; the file is there when it is to have rows."""
        self._runs += 1
        folder = self._folder / f"run-{self._runs}"
        folder.mkdir()
        path = folder / "winlog.db"
        if peer.stores and (rows or history_rows):
            key = (peer.name, rows, history_rows)
            if key not in self._made:
                self._made[key] = self._fill(peer, rows, history_rows)
            shutil.copyfile(self._made[key], path)
            with path.open("rb") as copy:
                os.fsync(copy.fileno())  # or the server's first fsync would be charged for all of the copy
        return path

    def _fill(self, peer: Peer, rows: int, history_rows: int) -> Path:
        """The peer makes its own schema, then rows are inserted that it could have stored."""
        folder = self._folder / f"filled-{peer.name}-{rows}-{history_rows}"
        folder.mkdir()
        path = folder / "winlog.db"
        with running(peer, Setup("NORMAL", "error"), path):
            _wait_for_schema(path)
        midnight_s = datetime.now().astimezone().replace(hour=0, minute=0, second=0).timestamp()
        begin_s = max(time.time() - _DAY_S, midnight_s)
        moments = {"begin": begin_s, "end": max(begin_s, time.time() - _RECENT_S)}
        with closing(sqlite3.connect(path)) as connection, connection:
            for table, count in (("events_today", rows), ("events_history", history_rows)):
                if count:
                    connection.execute(FILL.format(table=table), moments | {"rows": count})
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path


def _wait_for_schema(path: Path) -> None:
    """A server may answer /health before its database is made."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if path.exists():
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if {"events_today", "events_history"} <= names:
                return
        time.sleep(0.05)
    raise RuntimeError(f"no tables were made in {path}")


def stored(path: Path) -> int:
    """How many of a load's events are in the database at `path`; its server must have ended."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(COUNT_STORED).fetchone()[0])


def remove(path: Path) -> None:
    """Removes one run's folder."""
    shutil.rmtree(path.parent)
