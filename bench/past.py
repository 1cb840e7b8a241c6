"""Make the database of a site with a long past: a year of sessions in the archive, and a day that is not over.

The archive takes minutes to make. It is kept beside the databases of the runs, and made once for each number of rows.
Each run adds a day of its own. This file must not know what is asked.
"""

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.events import PAIRS
from bench.registry import PEERS
from bench.server import Setup, running

if TYPE_CHECKING:  # types only
    import apsw

TOKENS: Final = tuple(f"{number:032x}" for number in range(16))
"""The tokens of the readers who ask. A server lets one reader have few questions waiting."""
HOSTS: Final = PAIRS
"""The machines of the load's events are among those of the past."""
USERS: Final = 20_000
ROOM_HOSTS: Final = 20
_DAYS: Final = 300
_SLOTS: Final = (8 * 3600, 10 * 3600, 13 * 3600, 15 * 3600)
"""The seconds of the day at which lessons begin. A machine has one session in a lesson, or none."""
_SLOT_S: Final = 2 * 3600 - 600
_ROWS_A_SESSION: Final = 25 / 12
"""A logon, a logoff, and every twelfth time an inventory."""
_NO_LOGOFF: Final = 0.06
_RECENT_S: Final = 11 * 60
"""The newest row is this old: no server remembers it for retries."""
_TODAY_S: Final = 8 * 3600
_TODAY_SLOTS: Final = 10

_INSERT: Final = """INSERT INTO {} (username, action, timestamp, hostname, source_ip, server_timestamp, os_name,
    os_version, kernel_version, hardware_info, session_uuid, created_at, origin)
    VALUES (?, ?, ?, ?, ?, ?, 'Windows', '11 (26100)', '26100', ?, ?, ?, ?)"""
_OF_LOAD: Final = "SELECT count(*) FROM events_today WHERE id > ? AND origin = 'client'"
_HARDWARE: Final = '{"cpu_count":8,"cpu_brand":"Intel(R) Core(TM) i5-12400","memory_total":%d}'
_INDEXES: Final = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'events_history' AND sql <> ''"
)

Row = tuple[str | None, ...]


def host_name(host: int) -> str:
    """Return the name of a machine, as `bench.events` names it."""
    return f"A{host // 100:03d}-{host % 100:02d}"


def user_name(user: int) -> str:
    """Return the name of a user, as `bench.events` names the first 5 000."""
    return f"user{user:05d}"


def address(host: int) -> str:
    """Return the address of a machine. A network /24 has 200 machines."""
    return f"10.7.{host // 200}.{host % 200 + 10}"


def room_name(host: int) -> str:
    """Return the room of a machine."""
    return f"R{host // ROOM_HOSTS:03d}"


def write_rooms(path: Path) -> None:
    """Write the list of machines for `rooms.rooms_file`."""
    lines = [f"{host_name(host)},{room_name(host)}\n" for host in range(HOSTS)]
    path.write_text("hostname,room\n" + "".join(lines))


def add_readers(path: Path) -> None:
    """Add a reader for each of `TOKENS`, who may see all, beside the database at `path`. No server may run there."""
    from winlogd.access.readers import digest_of
    from winlogd.access.scopes import ALL
    from winlogd.store.access_file.file import AccessFile
    from winlogd.store.access_file.readers import add_reader
    from winlogd.store.access_file.tables import access_path

    def add(connection: "apsw.Connection") -> None:
        now_us = time.time_ns() // 1000
        for number, token in enumerate(TOKENS):
            add_reader(connection, f"reader {number}", ALL, None, digest_of(token), now_us, None)

    with closing(AccessFile(access_path(str(path)))) as file:
        file.run([add])


def kept(folder: Path, rows: int) -> Path:
    """Return the path of a database with `rows` rows in the archive, all of them in the past. Make it if necessary."""
    path = folder / f"winlogd-bench-past-{rows}.db"
    if not path.exists():
        making = folder / f"winlogd-bench-past-{rows}-{os.getpid()}"
        making.mkdir()
        try:
            _make(making / "winlog.db", rows)
            (making / "winlog.db").rename(path)
        finally:
            shutil.rmtree(making)
    return path


def fill_today(path: Path, rows: int) -> int:
    """Add a day of some `rows` rows that is not over, and of which many sessions are open. Return the last id."""
    now_s = time.time()
    midnight_s = datetime.now().astimezone().replace(hour=0, minute=0, second=0).timestamp()
    begin_s = int(max(now_s - _TODAY_S, midnight_s))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(_INSERT.format("events_today"), _today(rows, begin_s, int(now_s) - _RECENT_S))
        return int(connection.execute("SELECT max(id) FROM events_today").fetchone()[0])


def fill_day(connection: "apsw.Connection", rows: int, begin_s: int, end_s: int) -> None:
    """Add some `rows` rows of sessions between two seconds since 1970, inside the caller's transaction."""
    connection.executemany(_INSERT.format("events_today"), _today(rows, begin_s, end_s))


def last_day(path: Path) -> date:
    """Return the last day of the archive."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT server_timestamp FROM events_history ORDER BY id DESC LIMIT 1").fetchone()
    return date.fromisoformat(found[0][:10])


def count_load(path: Path, last_id: int) -> int:
    """Return how many events of clients came after `last_id`."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(_OF_LOAD, (last_id,)).fetchone()
    return int(found[0])


def forget_load(path: Path, last_id: int) -> None:
    """Remove the events after `last_id`, so that the next run finds as many rows."""
    with closing(sqlite3.connect(path)) as connection:
        with connection:
            connection.execute("DELETE FROM events_today WHERE id > ?", (last_id,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def wait_for_schema(path: Path) -> None:
    """Wait until the server has made its tables: it may answer /health earlier.

    Raises:
        RuntimeError: there are no tables after 30 s.
    """
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if path.exists():
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if {"events_today", "events_history"} <= names:
                return
        time.sleep(0.05)
    raise RuntimeError(f"no tables were made in {path}")


def _make(path: Path, rows: int) -> None:
    """Let the server make its schema, write the archive, and take it into the past."""
    from winlogd.store.file.settings import Settings
    from winlogd.store.jobs import build, hours
    from winlogd.store.jobs.alone import run_alone
    from winlogd.store.jobs.steps import ALONE

    with running(PEERS["winlogd"], Setup("NORMAL", "error"), path):
        wait_for_schema(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        indexes = connection.execute(_INDEXES).fetchall()
        with connection:
            for name, _ in indexes:
                connection.execute(f"DROP INDEX {name}")
            connection.executemany(_INSERT.format("events_history"), _archive(rows))
            for _, sql in indexes:
                connection.execute(sql)
    settings = Settings(str(path), "WAL", "NORMAL", 5000, -500_000)
    run_alone(build.Build(ALONE), settings)
    run_alone(hours.Hours(hours.ALONE), settings)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _archive(rows: int) -> Iterator[Row]:
    """Yield the rows of the archive, in the order of receipt."""
    chance = random.Random(rows)
    sessions = int(rows / _ROWS_A_SESSION)
    last = datetime.now(UTC).date() - timedelta(days=1)
    number = 0
    for back in range(_DAYS - 1, -1, -1):
        day_s = int(datetime.combine(last - timedelta(days=back), datetime.min.time(), UTC).timestamp())
        count = sessions * (_DAYS - back) // _DAYS - number
        events: list[tuple[int, Row]] = []
        places = chance.choices(range(HOSTS * len(_SLOTS)), k=count)
        for place in places:
            slot, host = divmod(place, HOSTS)
            begin_s = day_s + _SLOTS[slot] + chance.randrange(_SLOT_S // 2)
            end_s = begin_s + 1 + chance.randrange(_SLOT_S // 2)
            events += _session(chance, number, host, begin_s, end_s)
            number += 1
        events.sort(key=lambda event: event[0])
        yield from (row for _, row in events)


def _session(
    chance: random.Random, number: int, host: int, begin_s: int, end_s: int | None
) -> Iterator[tuple[int, Row]]:
    """Yield the events of a session, each with its second. Without an end it is open."""
    user, hostname, ip = user_name(chance.randrange(USERS)), host_name(host), address(host)
    session_uuid = f"{user}@{hostname}@{number & 0xFFFFFF:06x}"
    yield begin_s, _row(user, "C", begin_s, number, hostname, ip, None, session_uuid, "client")
    if end_s is not None:
        lost = chance.random()
        origin = "client" if lost >= _NO_LOGOFF else "auto" if lost >= _NO_LOGOFF / 2 else "expired"
        yield end_s, _row(user, "D", end_s, number, hostname, ip, None, session_uuid, origin)
    if number % 12 == 0:
        memory = _HARDWARE % (17_179_869_184 + number % 3)
        yield begin_s + 5, _row(user, "M", begin_s + 5, number, hostname, ip, memory, None, "client")


def _row(
    user: str,
    action: str,
    second: int,
    number: int,
    hostname: str,
    ip: str,
    hardware: str | None,
    session_uuid: str | None,
    origin: str,
) -> Row:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    micros = number * 7919 % 1_000_000
    sent, received = f"{moment}.{micros // 2:06d}000+00:00", f"{moment}.{micros:06d}+00:00"
    created = f"{moment[:10]} {moment[11:]}"
    return user, action, sent, hostname, ip, received, hardware, session_uuid, created, origin


def _today(rows: int, begin_s: int, end_s: int) -> list[Row]:
    """Return the rows of a day until now. Some sessions have no logoff, and so has every other of the last ones."""
    chance = random.Random(rows)
    events: list[tuple[int, Row]] = []
    slot_s = max(4, (end_s - begin_s) // _TODAY_SLOTS)
    sessions = int(rows / _ROWS_A_SESSION)
    for number in range(sessions):
        slot, place = divmod(number * _TODAY_SLOTS, sessions)
        slot_begin_s = begin_s + slot * slot_s
        begun_s = slot_begin_s + chance.randrange(slot_s // 2)
        is_lost = chance.random() < _NO_LOGOFF or (slot == _TODAY_SLOTS - 1 and chance.random() < 1 / 2)
        ended_s = None if is_lost else begun_s + 1 + chance.randrange(slot_s // 2 - 1)
        events += _session(chance, number, place // _TODAY_SLOTS % HOSTS, begun_s, ended_s)
    events.sort(key=lambda event: event[0])
    return [row for _, row in events]
