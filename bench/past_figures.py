"""What the past costs, and what questions to ``sessions`` take: ``python -m bench.past_figures --rows 1000000``.

Makes an archive of so many rows, and builds the past of it by the job of the server. Then it asks the questions of
administrators by Python's own SQLite. At last it rotates a day of 20 000 rows, with the past and without. A measurement
to look at; it asserts nothing.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import apsw

from winlogd.events.timestamps import microseconds_text
from winlogd.store import load_book
from winlogd.store.file import schema
from winlogd.store.file.database import configure_sqlite
from winlogd.store.jobs import rotate
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.job import AnyJob
from winlogd.store.jobs.rotation_rules import rules
from winlogd.store.jobs.steps import ALONE
from winlogd.store.past.archived import note_moved

_US: Final = 1_000_000
_FIRST_DAY_S: Final = 1_735_689_600  # 2025-01-01
_DAYS: Final = 200
_TODAY_S: Final = _FIRST_DAY_S + _DAYS * 86_400
_ROWS_OF_TODAY: Final = 20_000
_ASKED: Final = 5
_INSERT: Final = """INSERT INTO {} (username, action, timestamp, hostname, source_ip, server_timestamp, os_name,
    os_version, kernel_version, hardware_info, session_uuid, created_at, origin)
    VALUES (?, ?, ?, ?, ?, ?, 'Windows', '11 (26100)', '26100', ?, ?, ?, ?)"""
_SIZES: Final = """SELECT sum(pgsize) FILTER (WHERE name LIKE 'winlogd~_past%' ESCAPE '~'),
    sum(pgsize) FILTER (WHERE name LIKE 'winlogd~_%' ESCAPE '~') FROM dbstat"""
_QUESTIONS: Final = {
    "ten longest": "SELECT * FROM sessions ORDER BY duration_seconds DESC LIMIT 10",
    "of a user": "SELECT * FROM sessions WHERE username = 'user1234'",
    "of a host": "SELECT * FROM sessions WHERE hostname = 'A003-04'",
    "of a day": "SELECT * FROM sessions WHERE connected_at LIKE '2025-04-03%'",
}

_Row = tuple[str | None, ...]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m bench.past_figures", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the archive, default 1000000")
    rows = parser.parse_args().rows
    configure_sqlite()
    with tempfile.TemporaryDirectory(prefix="winlogd-past-", dir="/var/tmp") as folder:
        path = Path(folder) / "winlog.db"
        with _opened(path) as connection:
            _fill(connection, "events_history", rows, _FIRST_DAY_S, _DAYS)
            _measure_build(connection)
        # Two SQLite libraries in one process must not open a file at once: one drops the locks of the other.
        _measure_questions(path)
        with _opened(path) as connection:
            _measure_rotation(connection)


@contextmanager
def _opened(path: Path) -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = 10000")
        schema.prepare(connection)
        yield connection


def _fill(connection: apsw.Connection, table: str, rows: int, first_s: int, days: int) -> None:
    found = sorted(_rows(rows, first_s, days), key=lambda row: row[5] or "")
    with connection:
        connection.executemany(_INSERT.format(table), found)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _rows(rows: int, first_s: int, days: int) -> Iterator[_Row]:
    """Return sessions of 5 000 users on 500 hosts, and a report of hardware for each twelve of them."""
    chance = random.Random(first_s)
    for number in range(rows * 12 // 25):
        begin_us = (first_s + chance.randrange(days) * 86_400 + chance.randrange(8 * 3600, 18 * 3600)) * _US
        begin_us += chance.randrange(_US)
        end_us = begin_us + chance.randrange(60 * _US, 4 * 3600 * _US)
        host = chance.randrange(500)
        where, address = f"A{host // 20:03d}-{host % 20:02d}", f"10.0.{host // 250}.{host % 250}"
        user = f"user{chance.randrange(5000):04d}"
        origin = "client" if chance.random() < 0.94 else chance.choice(["auto", "expired"])
        skew_us = chance.randrange(-2 * _US, _US)
        session = f"{user}@{where}@{chance.randrange(1 << 24):06x}"
        yield _row(user, "C", begin_us, skew_us, where, address, session, "client")
        yield _row(user, "D", end_us, skew_us, where, address, session, origin)
        if number % 12 == 0:
            yield _row("SYSTEM", "M", begin_us, 0, where, address, f"hardware_SYSTEM@{where}@{number:06x}", "client")


def _row(
    user: str, action: str, received_us: int, skew_us: int, host: str, address: str, session: str, origin: str
) -> _Row:
    received = microseconds_text(received_us)
    hardware = '{"cpu_brand":"i5","cpu_count":8}' if action == "M" else None
    sent, created = microseconds_text(received_us + skew_us), received[:19].replace("T", " ")
    return user, action, sent, host, address, received, hardware, session, created, origin


def _run(job: AnyJob, connection: apsw.Connection, now_s: float) -> float:
    """Run a job to its end. Return its processor time in seconds."""
    book, begun_s, is_last = load_book.load_whole(connection), time.process_time(), False
    while not is_last:
        step_s = time.monotonic()
        with connection:
            step = job.step(connection, book, now_s)
        job.took(step, book, time.monotonic() - step_s)
        is_last = step.is_last
    return time.process_time() - begun_s


def _measure_build(connection: apsw.Connection) -> None:
    build = Build(ALONE)
    took_s = _run(build, connection, _TODAY_S)
    rows, sessions = build.outcome.rows, build.outcome.sessions
    print(f"build: {rows / took_s:.0f} rows a second of processor time, {took_s * 1e6 / rows:.0f} us each")
    found = connection.execute(_SIZES).fetchone() or (0, 0)
    past_bytes, all_bytes = int(str(found[0])), int(str(found[1]))
    print(
        f"{sessions} sessions: {past_bytes / sessions:.0f} bytes each in winlogd_past and its indexes,"
        f" {all_bytes / sessions:.0f} with names and hardware"
    )


def _measure_questions(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for what, sql in _QUESTIONS.items():
            times_s = []
            for _ in range(_ASKED):
                begun_s = time.perf_counter()
                count = len(connection.execute(sql).fetchall())
                times_s.append(time.perf_counter() - begun_s)
            print(f"sessions {what}: {count} rows, first {times_s[0]:.3f} s, best {min(times_s):.3f} s")


def _measure_rotation(connection: apsw.Connection) -> None:
    """Rotate two days of the same rows: one without the past, and one with it."""
    for day, (what, note) in enumerate((("without the past", _note_nothing), ("with the past", note_moved))):
        _fill(connection, "events_today", _ROWS_OF_TODAY, _TODAY_S + day * 86_400, 1)
        setattr(rotate, "note_moved", note)  # noqa: B010  # the rotation's own name
        now_s = _TODAY_S + (day + 2) * 86_400.0
        rotation = rotate.Rotation(rules(now_s, now_s, 24.0), None, ALONE)
        took_s = _run(rotation, connection, now_s)
        print(f"rotation {what}: {took_s * 1e6 / rotation.outcome.rows:.1f} us of processor time a row")


def _note_nothing(*_: object) -> None:
    """Take the place of `note_moved`: rows move, and nothing follows."""


if __name__ == "__main__":
    main()
