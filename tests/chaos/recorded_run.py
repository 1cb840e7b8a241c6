"""Run winlogd's writer on a recording disk: events, a rotation meanwhile, checkpoints, a stop.

Knows what is done to winlogd, not what a power cut leaves on the disk.
"""

import os
import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from tests.chaos.leftovers import Image
from tests.chaos.recording_disk import NONE, Note, Operation, recording
from tests.support.writing import PATIENCE_S, Ear, Running
from winlogd.events.event import Event
from winlogd.sessions.pair import Decision
from winlogd.store.jobs.job import AnyJob
from winlogd.store.jobs.rotate import Moved, Rotation
from winlogd.store.jobs.rotation_rules import rules
from winlogd.store.jobs.steps import Steps
from winlogd.store.submission import Result, Submission

DATABASE: Final = "winlog.db"
_DAY_S: Final = 86400.0


class Key(NamedTuple):
    """The fields that tell an event from all others."""

    username: str
    action: str
    timestamp: str


Acknowledged = dict[Key, str]
"""Events that were answered as stored, with their sessions' identifiers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The operations on the database.

    Attributes:
        journal_mode, synchronous: as in the configuration.
        events: the number of events. Two thirds are of finished days. While other events come, a rotation moves
            those whose session is over, or was open for too long.
        checkpoint_pages: SQLite checkpoints at this many pages in the WAL.
        batch: the most events that are submitted at once.
        seed: of the random choices.
        failing_syncs: which of the disk's syncs fail, counted from 1.
        step_rows: the number of rows in a step of the rotation.
    """

    journal_mode: str = "WAL"
    synchronous: str = "FULL"
    events: int = 6
    checkpoint_pages: int = 12
    batch: int = 2
    seed: int = 1
    failing_syncs: range = NONE
    step_rows: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """The record of a run.

    Attributes:
        sent: the events, in order.
        operations: all operations of the disk, and a `Note` for each acknowledgement.
        stop: the number of operations before the stop.
    """

    sent: list[Event]
    operations: list[Operation]
    stop: int


class _Witness(Ear):
    """Records acknowledgements between the disk's operations, at the moment when they are given."""

    def __init__(self, operations: list[Operation]) -> None:
        super().__init__()
        self._operations = operations
        self._rotated: queue.SimpleQueue[Moved | Exception] = queue.SimpleQueue()

    def job_ended(self, job: AnyJob, outcome: object) -> None:
        assert isinstance(outcome, (Moved, Exception))
        self._rotated.put(outcome)

    def wait_for_rotation(self) -> Moved | Exception:
        """The state of the rotation, which may end before or after the events that come meanwhile."""
        return self._rotated.get(timeout=PATIENCE_S)

    def finished(self, results: Sequence[Result]) -> None:
        stored = {
            key_of(submission.event): outcome.session_uuid
            for submission, outcome in results
            if isinstance(outcome, Decision)
        }
        self._operations.append(Note(stored))
        super().finished(results)


def events_of(plan: Plan) -> list[Event]:
    """Return events of users who log on and off in turn. Sometimes one logs on again without a logoff."""
    events = []
    for number in range(plan.events):
        user, turn = number % 5, number // 5
        action = "C" if user == 0 else "CDM"[turn % 3]
        timestamp = f"2026-01-13T{turn // 60:02d}:{turn % 60:02d}:00Z"
        hardware = '{"cpu_count":8}' if action == "M" else None
        events.append(Event(f"user{user}", action, timestamp, "A102-07", "Windows", "11", "26100", hardware))
    return events


def play(folder: Path, plan: Plan) -> Run:
    """Store the plan's events in a new database in `folder`, with a rotation, and stop as the server does.

    When the rotation comes, some sessions are open and young enough to stay, others too old.
    """
    events = events_of(plan)
    third = plan.events // 3
    now_s = time.time()
    with recording(folder, plan.failing_syncs) as record, _checkpointing_at(plan.checkpoint_pages):
        witness = _Witness(record.operations)
        running = _start(folder, plan, witness)
        _store(running, events[:third], plan.batch, now_s - 3 * _DAY_S)
        _store(running, events[third : 2 * third], plan.batch, now_s - 1.5 * _DAY_S)
        steps = Steps(target_s=1.0, fewest=plan.step_rows, most=plan.step_rows)
        finished = rules(now_s, now_s - _DAY_S, 48.0)
        running.writer.run(Rotation(finished, "2026-01-14", steps))
        _store(running, events[2 * third :], plan.batch, now_s)
        while isinstance(moved := witness.wait_for_rotation(), Exception):
            assert plan.failing_syncs, moved
            assert isinstance(moved, apsw.IOError), moved
            running.writer.run(Rotation(finished, "2026-01-14", steps))  # as the server does after some minutes
        last = len(record.operations)
        stopped = running.stop()
        if not plan.failing_syncs:
            assert moved.rows > 0
            assert stopped is None
    return Run(events, record.operations, last)


def play_on(folder: Path, plan: Plan, image: Image, again: list[Event]) -> list[Operation]:
    """Start on the files of a killed process, and send `again`. Return the operations of the disk."""
    put(folder, image)
    with recording(folder) as record:
        running = _start(folder, plan, _Witness(record.operations))
        _store(running, again, plan.batch, time.time())
        operations = list(record.operations)
        assert running.stop() is None
    return operations


def _start(folder: Path, plan: Plan, witness: _Witness) -> Running:
    return Running(folder / DATABASE, witness, journal_mode=plan.journal_mode, synchronous=plan.synchronous)


def _store(running: Running, events: list[Event], batch: int, received_s: float) -> None:
    due_s = time.monotonic() + PATIENCE_S
    left = list(events)
    for size in cycle(range(1, batch + 1)):
        if not left:
            return
        submissions = [Submission(event, "192.0.2.1", received_s, due_s, None, 1) for event in left[:size]]
        running.writer.submit(submissions)
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


def put(folder: Path, image: Image) -> None:
    """Give the folder these files and no others."""
    folder.mkdir(exist_ok=True)
    for name in os.listdir(folder):
        if name not in image:
            os.unlink(folder / name)
    for name, content in image.items():
        (folder / name).write_bytes(content)


def key_of(event: Event) -> Key:
    return Key(event.username, event.action, event.timestamp)
