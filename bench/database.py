"""Fill a peer's database with valid rows before a run, and count its rows after the run.

This file knows the SQL that works with the schema of every peer.
"""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from bench import past
from bench.events import COUNT_STORED, PAIRS
from bench.registry import Peer
from bench.server import ROOMS, Setup, running

_DAY_S: Final = 8 * 3600
"""The oldest row is this old, or of midnight if that is later."""

_RECENT_S: Final = 11 * 60
"""The newest row is this old. Thus no server remembers a row for retries; it remembers few rows of a real day."""

# The rows are complete sessions: for each pair of user and host in turn, a logon and then its logoff. printf's %06x
# gives each session its own digits: 7919 is prime, so the products run through all residues of 16^6.
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
    """The databases of a run: one of each kind, with rows in it. Each sample gets a copy.

    Args:
        folder: a folder on the disk to be measured. Nothing here is removed at the end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, int, int], Path] = {}
        self._past: Path | None = None
        self._past_last_id = 0
        self._runs = 0

    def fresh(self, peer: Peer, rows: int, history_rows: int) -> Path:
        """Return the path of a database for one run, in a folder of its own. The file exists if it is to have rows."""
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
                os.fsync(copy.fileno())  # else the server's first fsync would write the whole copy
        return path

    def with_past(self, rows: int, today_rows: int) -> Path:
        """Return the path of a database with a long past (`bench.past`). All runs share it, one after the other."""
        if self._past is None:
            folder = self._folder / "past"
            folder.mkdir()
            self._past = folder / "winlog.db"
            shutil.copyfile(past.kept(self._folder.parent, rows), self._past)
            self._past_last_id = past.fill_today(self._past, today_rows)
            past.write_rooms(folder / ROOMS)
            past.add_readers(self._past)
            with self._past.open("rb") as copy:
                os.fsync(copy.fileno())
        return self._past

    def stored(self, path: Path) -> int:
        """Return how many of a load's events are in the database at `path`. Its server must have ended."""
        return past.count_load(path, self._past_last_id) if path == self._past else stored(path)

    def release(self, path: Path) -> None:
        """Remove what a run has left: its folder, or the events of its load. Its server must have ended."""
        if path == self._past:
            past.forget_load(path, self._past_last_id)
        else:
            shutil.rmtree(path.parent)

    def _fill(self, peer: Peer, rows: int, history_rows: int) -> Path:
        """Let the peer make its own schema, then insert rows that it could have stored. Return the file's path."""
        folder = self._folder / f"filled-{peer.name}-{rows}-{history_rows}"
        folder.mkdir()
        path = folder / "winlog.db"
        with running(peer, Setup("NORMAL", "error"), path):
            past.wait_for_schema(path)
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


def stored(path: Path) -> int:
    """Return how many of a load's events are in the database at `path`. Its server must have ended."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(COUNT_STORED).fetchone()[0])
