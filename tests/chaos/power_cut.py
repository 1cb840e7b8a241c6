"""Cuts the power at every write of a run, and looks at what is left.

A writer stores events and rotates on a disk that records (`recording_disk`); for each point in the record the files
that a power cut may leave (`leftovers`) are opened as a starting winlogd opens them. Then the database is whole, and
the events in it are the first ones that were sent, each once, in one of the two tables: whatever is missing is the
end. With FULL no acknowledged event is missing.
"""

import os
import queue
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from tests.chaos.leftovers import CachedDisk, Image
from tests.chaos.recording_disk import Note, Operation, recording
from tests.store.writing import PATIENCE_S, Ear, Running
from winlogd.event import Event
from winlogd.rotation import rules
from winlogd.session import Decision
from winlogd.store.database import Database, Settings
from winlogd.store.rotation import Moved, Rotation
from winlogd.store.submission import Result

_NAME: Final = "winlog.db"
_DAY_S: Final = 86400.0


class Key(NamedTuple):
    """What makes an event another one than all others."""

    username: str
    action: str
    timestamp: str


Acknowledged = dict[Key, str]
"""Events that were answered as stored, with their sessions' identifiers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to the database.

    Attributes:
        journal_mode, synchronous: as in the configuration.
        events: how many; two thirds are of finished days, and are moved by a rotation while the others come.
        checkpoint_pages: at how many pages in the WAL SQLite checkpoints.
        batch: the most events that are submitted at once.
        seed: of what is left.
    """

    journal_mode: str = "WAL"
    synchronous: str = "FULL"
    events: int = 6
    checkpoint_pages: int = 12
    batch: int = 2
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What was done: `sent` in this order, and all that the disk was asked for, with each acknowledgement a `Note`."""

    sent: list[Event]
    operations: list[Operation]


@dataclass(slots=True)
class Account:
    """What was found after all cuts.

    Attributes:
        cuts: points at which the power was cut; `images` the different leftovers of them that were opened.
        sent, acknowledged: events of the run.
        lost: acknowledged events that were missing, added up over all images.
        most_lost: of these, the most in one image.
        doubled: events or logoffs that were there twice, or in both tables.
        gaps: images in which an event was missing though a later one was there.
        broken: images that did not open, or were damaged, with the reason; the first few.
    """

    cuts: int = 0
    images: int = 0
    sent: int = 0
    acknowledged: int = 0
    lost: int = 0
    most_lost: int = 0
    doubled: int = 0
    gaps: int = 0
    broken: list[str] | None = None

    @property
    def is_consistent(self) -> bool:
        """Whether every image is whole, and what is missing is the end: what NORMAL promises."""
        return not (self.doubled or self.gaps or self.broken)

    @property
    def is_clean(self) -> bool:
        """Whether, beside that, nothing that was acknowledged is missing: what FULL promises."""
        return self.is_consistent and not self.lost

    def keeps_what_is_promised(self, plan: Plan) -> bool:
        """For the plan's setting."""
        return self.is_consistent if plan.synchronous == "NORMAL" else self.is_clean

    def __str__(self) -> str:
        return (
            f"{self.cuts} cuts, {self.images} images; sent {self.sent}, acknowledged {self.acknowledged}, "
            f"lost {self.lost} (at most {self.most_lost} by one cut), doubled {self.doubled}, gaps {self.gaps}, "
            f"broken {self.broken or 'none'}"
        )


# ── the run ───────────────────────────────────────────────────────────────────────────────────────────────


class _Witness(Ear):
    """Writes acknowledgements down between the disk's operations, at the moment at which they are given."""

    def __init__(self, operations: list[Operation]) -> None:
        super().__init__()
        self._operations = operations
        self._rotated: queue.SimpleQueue[Moved | Exception] = queue.SimpleQueue()

    def rotated(self, outcome: Moved | Exception) -> None:
        self._rotated.put(outcome)

    def wait_for_rotation(self) -> Moved:
        """What the rotation has done, which may end before or after the events that come meanwhile."""
        outcome = self._rotated.get(timeout=PATIENCE_S)
        assert isinstance(outcome, Moved), outcome
        return outcome

    def finished(self, results: Sequence[Result]) -> None:
        stored = {
            _key(submission[0]): outcome.session_uuid
            for submission, outcome in results
            if isinstance(outcome, Decision)
        }
        self._operations.append(Note(stored))
        super().finished(results)


def events_of(plan: Plan) -> list[Event]:
    """Users who come and go in turn; now and then one comes again without having gone."""
    events = []
    for number in range(plan.events):
        user, turn = number % 5, number // 5
        action = "C" if user == 0 else "CDM"[turn % 3]
        timestamp = f"2026-01-13T{turn // 60:02d}:{turn % 60:02d}:00Z"
        hardware = '{"cpu_count":8}' if action == "M" else None
        events.append(Event(f"user{user}", action, timestamp, "A102-07", "Windows", "11", "26100", hardware))
    return events


def play(folder: Path, plan: Plan) -> Run:
    """Stores the plan's events on a new database in `folder`, with a rotation, and stops as the server does.

    When the rotation comes, some sessions are open and young enough to stay, others too old.
    """
    events = events_of(plan)
    third = plan.events // 3
    now_s = time.time()
    with recording(folder) as record, _checkpointing_at(plan.checkpoint_pages):
        witness = _Witness(record.operations)
        running = _start(folder, plan, witness)
        _store(running, events[:third], plan.batch, now_s - 3 * _DAY_S)
        _store(running, events[third : 2 * third], plan.batch, now_s - 1.5 * _DAY_S)
        running.writer.rotate(Rotation(rules(now_s, now_s - _DAY_S, 48.0), "2026-01-14"))
        _store(running, events[2 * third :], plan.batch, now_s)
        assert witness.wait_for_rotation().rows > 0
        assert running.stop() is None
    return Run(events, record.operations)


def play_on(folder: Path, plan: Plan, image: Image, again: list[Event]) -> list[Operation]:
    """Starts on the files that a killed process has left, and sends `again`; returns what the disk was asked for."""
    _put(folder, image)
    with recording(folder) as record:
        running = _start(folder, plan, _Witness(record.operations))
        _store(running, again, plan.batch, time.time())
        operations = list(record.operations)
        assert running.stop() is None
    return operations


def _start(folder: Path, plan: Plan, witness: _Witness) -> Running:
    return Running(folder / _NAME, witness, journal_mode=plan.journal_mode, synchronous=plan.synchronous)


def _store(running: Running, events: list[Event], batch: int, received_s: float) -> None:
    due_s = time.monotonic() + PATIENCE_S
    left = list(events)
    for size in cycle(range(1, batch + 1)):
        if not left:
            return
        running.writer.submit([(event, "192.0.2.1", received_s, due_s, None) for event in left[:size]])
        assert all(isinstance(outcome, Decision) for outcome in running.outcomes(min(size, len(left))))
        del left[:size]


@contextmanager
def _checkpointing_at(pages: int) -> Iterator[None]:
    def set_on(connection: apsw.Connection) -> None:
        connection.wal_autocheckpoint(pages)

    apsw.connection_hooks.append(set_on)
    try:
        yield
    finally:
        apsw.connection_hooks.remove(set_on)


# ── the cuts ──────────────────────────────────────────────────────────────────────────────────────────────


def cut_everywhere(run: Run, plan: Plan, folder: Path) -> Account:
    """Cuts the power after every operation of `run`; `folder` is for the leftovers."""
    judge = Judge(folder, plan, run.sent)
    disk = CachedDisk()
    for operation in run.operations:
        disk.take(operation)
        judge.hear(operation)
        judge.cut(disk)
    return judge.account


def cut_in(folder: Path, plan: Plan) -> Account:
    """Plays `plan` in `folder`, and cuts the power everywhere."""
    (folder / "run").mkdir()
    return cut_everywhere(play(folder / "run", plan), plan, folder / "left")


def long_plans(seed: int) -> Iterator[Plan]:
    """What takes too long for every day."""
    yield Plan("WAL", "FULL", events=300, checkpoint_pages=40, seed=seed)
    yield Plan("WAL", "NORMAL", events=300, checkpoint_pages=40, seed=seed)
    for journal_mode in ("DELETE", "TRUNCATE", "PERSIST"):
        yield Plan(journal_mode, "FULL", events=60, seed=seed)


def kill_and_cut(run: Run, plan: Plan, points: Iterable[int], folder: Path) -> Account:
    """Kills the process after so many operations, lets another one answer the first event left, cuts the power.

    What the killed process has written and not synced is still seen by the next one, though not yet on the disk.
    """
    folder.mkdir(exist_ok=True)
    account = Account(sent=len(run.sent))
    for point in points:
        disk = CachedDisk()
        judge = Judge(folder / "left", plan, run.sent, account)
        for operation in run.operations[:point]:
            disk.take(operation)
            judge.hear(operation)
        unanswered = [event for event in run.sent if _key(event) not in judge.acknowledged]
        for operation in play_on(folder / "killed", plan, disk.seen(), unanswered[:1]):
            disk.take(operation)
            judge.hear(operation)
        judge.cut(disk)
    return account


class Judge:
    """Opens what is left, and counts.

    Args:
        folder: for the leftovers.
        plan: what was done.
        sent: the events in their order.
        account: to add to.
    """

    def __init__(self, folder: Path, plan: Plan, sent: list[Event], account: Account | None = None) -> None:
        self.account = account or Account(sent=len(sent))
        self.acknowledged: Acknowledged = {}
        self._folder = folder
        self._settings = Settings(str(folder / _NAME), plan.journal_mode, "OFF", 0, 1000)
        self._sent = [_key(event) for event in sent]
        self._chance = random.Random(plan.seed)
        self._seen: set[int] = set()

    def hear(self, operation: Operation) -> None:
        """Takes note of what was acknowledged."""
        if isinstance(operation, Note) and isinstance(operation.value, dict):
            self.acknowledged |= operation.value
            self.account.acknowledged = max(self.account.acknowledged, len(self.acknowledged))

    def cut(self, disk: CachedDisk) -> None:
        """Cuts the power now, and looks at each of the leftovers that was not looked at before."""
        self.account.cuts += 1
        for what, image in disk.leftovers(self._chance):
            mark = hash((frozenset(image.items()), len(self.acknowledged)))
            if mark not in self._seen:
                self._seen.add(mark)
                self._look(what, image)

    def _look(self, what: str, image: Image) -> None:
        self.account.images += 1
        _put(self._folder, image)
        try:
            with closing(Database(self._settings, lambda _: False)) as database:
                self._examine(database.connection)
        except Exception as error:
            broken = self.account.broken = self.account.broken or []
            if len(broken) < 5:
                broken.append(f"cut {self.account.cuts}, {what}: {error!r}")

    def _examine(self, connection: apsw.Connection) -> None:
        integrity = connection.execute("PRAGMA integrity_check").fetchall()
        if integrity != [("ok",)]:
            raise AssertionError(integrity[:3])
        columns = "username, action, timestamp, session_uuid, origin"
        rows = connection.execute(
            f"SELECT {columns} FROM events_history UNION ALL SELECT {columns} FROM events_today"
        ).fetchall()
        stored = {Key(*map(str, row[:3])): row[3] for row in rows if row[4] == "client"}
        logoffs = Counter(row[3] for row in rows if row[1] == "D")
        account = self.account
        account.doubled += sum(row[4] == "client" for row in rows) - len(stored)
        account.doubled += sum(count - 1 for count in logoffs.values())
        account.gaps += set(stored) != set(self._sent[: len(stored)])
        lost = sum(stored.get(key) != session for key, session in self.acknowledged.items())
        account.lost += lost
        account.most_lost = max(account.most_lost, lost)


def _put(folder: Path, image: Image) -> None:
    """Makes the folder hold this and nothing else."""
    folder.mkdir(exist_ok=True)
    for name in os.listdir(folder):
        if name not in image:
            os.unlink(folder / name)
    for name, content in image.items():
        (folder / name).write_bytes(content)


def _key(event: Event) -> Key:
    return Key(event.username, event.action, event.timestamp)
