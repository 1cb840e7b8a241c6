"""Archives for the past to be built from, and what a past says, in a form that can be compared."""

import random
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from tests.store.test_load_book import load
from winlogd.sessions.book import Book
from winlogd.sessions.session import second_of
from winlogd.store.file import schema
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.hours import Hours
from winlogd.store.jobs.job import AnyJob, Step
from winlogd.store.jobs.steps import Steps
from winlogd.store.past.progress import progress
from winlogd.store.past.rows import SELECTED, session_of

NOW_S: Final = 1_768_266_000.0  # 2026-01-13T01:00:00Z
AT_ONCE: Final = Steps(1.0, 100_000, 100_000)
EIGHT: Final = Steps(1.0, 8, 8)

DAY: Final = datetime(2026, 1, 12, 8, 0, 0, tzinfo=UTC)
_SESSIONS: Final = f"""SELECT {SELECTED} FROM winlogd_past p
    JOIN winlogd_names u ON u.id = p.user JOIN winlogd_names h ON h.id = p.host JOIN winlogd_names a ON a.id = p.ip
    JOIN winlogd_names n ON n.id = p.os_name JOIN winlogd_names v ON v.id = p.os_version ORDER BY p.key"""
_MARKS: Final = "SELECT key, value FROM winlogd_meta WHERE key LIKE 'past_%' OR key LIKE 'h%' ORDER BY key"


class Contents(NamedTuple):
    """What a past says. Numbers of names are replaced by the names.

    Attributes:
        sessions: of each session or orphan: the key, and all other columns.
        reports: of each report of hardware: the host, the key, and the row in the archive.
        changes: of each change of hardware: the host, the key, the path, the old and the new value.
        hours: the rows of ``winlogd_hours``.
        history: how much of the archive is in the past.
    """

    sessions: list[tuple[Any, ...]]
    reports: list[tuple[Any, ...]]
    changes: list[tuple[Any, ...]]
    hours: list[tuple[Any, ...]]
    history: str

    @property
    def without_ids(self) -> "Contents":
        """Return the same with the second of receipt in place of each key: other ids give other keys."""
        return self._replace(
            sessions=sorted([(second_of(key), *rest) for key, *rest in self.sessions], key=repr),
            reports=sorted([(host, second_of(key)) for host, key, _ in self.reports], key=repr),
            changes=sorted([(host, second_of(key), *rest) for host, key, *rest in self.changes], key=repr),
        )


@contextmanager
def opened(path: Path) -> Iterator[apsw.Connection]:
    """Open a database, and make or upgrade its tables."""
    with closing(apsw.Connection(str(path))) as connection:
        schema.prepare(connection)
        yield connection


def contents(connection: apsw.Connection) -> Contents:
    """Return what the past of a database says."""
    sessions = []
    for row in connection.execute(_SESSIONS):
        session = session_of(row)
        sessions.append(
            (session.key, session.username, session.hostname, session.source_ip, session.session_uuid,
             session.received_us, session.connected_us, session.ended_by, session.logoff_received_us,
             session.disconnected_us, session.os_name, session.os_version)
        )  # fmt: skip
    lasting = connection.execute("SELECT key, since, until FROM winlogd_past WHERE since IS NOT NULL").fetchall()
    spans = {key: (since, until) for key, since, until in lasting}
    return Contents(
        [(*each, spans.get(each[0])) for each in sessions],
        connection.execute(
            "SELECT name, key, history_id FROM winlogd_inventory JOIN winlogd_names n ON n.id = host ORDER BY key"
        ).fetchall(),
        connection.execute(
            "SELECT name, key, path, old, new FROM winlogd_hardware JOIN winlogd_names n ON n.id = host"
            " ORDER BY key, path"
        ).fetchall(),
        connection.execute("SELECT * FROM winlogd_hours ORDER BY hour").fetchall(),
        progress(connection).text,
    )


def marks(connection: apsw.Connection) -> dict[str, str]:
    """Return the marks of the past."""
    return {str(key): str(value) for key, value in connection.execute(_MARKS)}


def step(job: AnyJob, connection: apsw.Connection, book: Book) -> Step:
    """Run and commit one step of a job."""
    connection.execute("BEGIN IMMEDIATE")
    done: Step = job.step(connection, book, NOW_S)
    connection.execute("COMMIT")
    job.took(done, book, 1.0)
    return done


def finish(job: AnyJob, connection: apsw.Connection, book: Book | None = None) -> int:
    """Run a job to its end. Return the number of its steps."""
    book = load(connection) if book is None else book
    steps = 1
    while not step(job, connection, book).is_last:
        steps += 1
    return steps


def built(connection: apsw.Connection) -> Contents:
    """Build all that is missing, count the hours, and return what the past says."""
    finish(Build(AT_ONCE), connection)
    finish(Hours(AT_ONCE), connection)
    return contents(connection)


def built_afresh(connection: apsw.Connection, path: Path) -> Contents:
    """Return what a past says that is built at once from the same rows, in another file."""
    with closing(apsw.Connection(str(path))) as other:
        with other.backup("main", connection, "main") as backup:
            backup.step()
        names = [name for (name,) in other.execute("SELECT name FROM sqlite_master WHERE name LIKE 'winlogd_%'"
                                                   " AND type = 'table'")]  # fmt: skip
        for name in names:
            other.execute(f"DROP TABLE {name}")
        schema.prepare(other)
        return built(other)


def copy(path: Path, name: str) -> Path:
    """Copy a closed database."""
    return Path(shutil.copy(path, path.with_name(name)))


def insert(connection: apsw.Connection, table: str, **columns: object) -> int:
    """Insert a row of an event, and return its id."""
    row: dict[str, object] = {"username": "alice", "hostname": "A102-07", "source_ip": "192.0.2.7"}
    row |= {"os_name": "Windows", "os_version": "11"} | columns
    row.setdefault("created_at", str(row["server_timestamp"])[:19].replace("T", " "))
    connection.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
    )
    return connection.last_insert_rowid()


def nanoseconds(moment: datetime) -> str:
    """Return a time of receipt in the form of the older servers."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}789+00:00"


def microseconds(moment: datetime) -> str:
    """Return a time of receipt in winlogd's form."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}+00:00"


def fill(
    connection: apsw.Connection, table: str, rows: int, begin: datetime = DAY, seed: int = 1, is_older: bool = True
) -> None:
    """Insert rows of a day: sessions, some with a lost logoff, automatic logoffs, orphans, and reports of hardware.

    Args:
        connection: the database.
        table: ``events_today`` or ``events_history``.
        rows: at least so many rows.
        begin: the receipt of the first one.
        seed: of the random choices.
        is_older: as an older server has stored them; else as winlogd has.
    """
    chance = random.Random(seed)
    moment, count, number = begin, 0, 0
    receipt = nanoseconds if is_older else microseconds
    open_sessions: dict[tuple[str, str], str] = {}

    def add(action: str, pair: tuple[str, str], session: str, sent: datetime, **columns: object) -> None:
        nonlocal count
        insert(
            connection, table, username=pair[0], hostname=pair[1], action=action, session_uuid=session,
            timestamp=f"{sent:%Y-%m-%dT%H:%M:%S.%f}Z", server_timestamp=receipt(moment), **columns,
        )  # fmt: skip
        count += 1

    with connection:
        while count < rows:
            moment += timedelta(seconds=chance.choice([0, 1, 40, 400]), microseconds=chance.randrange(1000))
            pair = chance.choice(["alice", "Bob", "carol", "DOM\\dave"]), chance.choice(["A102-07", "a102-07", "B1"])
            number += 1
            drift = timedelta(days=chance.choice([0, 0, 0, -1]))
            match chance.random():
                case luck if luck < 0.15:
                    report = {"cpu": chance.choice(["x", "y"]), "memory_used": number}
                    add("M", pair, f"hardware_{number}", moment, hardware_info=str(report).replace("'", '"'))
                case luck if luck < 0.25:
                    add("D", pair, f"orphan_{number}", moment)
                case luck if luck < 0.6 and pair in open_sessions:
                    add("D", pair, open_sessions.pop(pair), moment + drift)
                case _:
                    if pair in open_sessions:
                        automatic = {} if is_older else {"origin": "auto"}
                        add("D", pair, open_sessions.pop(pair), moment + drift - timedelta(seconds=1), **automatic)
                    open_sessions[pair] = f"{pair[0]}@{pair[1]}@{number + seed * 65_536:06x}"
                    add("C", pair, open_sessions[pair], moment + drift)
