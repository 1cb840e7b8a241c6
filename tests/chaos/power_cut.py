"""Cuts the power at every write of a run, and looks at what is left.

For each point in the record of a run (`recorded_run`) the files that a power cut may leave (`leftovers`) are opened as
a starting winlogd opens them. Then the database is whole, and the events in it are the first ones that were sent, each
once, in one of the two tables: whatever is missing is the end. With FULL no acknowledged event is missing.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw

from tests.chaos.leftovers import CachedDisk, Image
from tests.chaos.recorded_run import DATABASE, Acknowledged, Key, Plan, Run, key_of, play, play_on, put
from tests.chaos.recording_disk import Note, Operation, Sync
from winlogd.events.event import Event
from winlogd.store.file.database import Database
from winlogd.store.file.settings import Settings

_UNENDED = """SELECT count(*) FROM events_history WHERE action = 'C' AND session_uuid NOT IN
    (SELECT session_uuid FROM events_history WHERE action = 'D'
     UNION ALL SELECT session_uuid FROM events_today WHERE action = 'D')"""


@dataclass(slots=True)
class Account:
    """What was found after all cuts.

    Attributes:
        cuts: points at which the power was cut; `images` the different leftovers of them that were opened.
        sent, acknowledged: events of the run, each sent once.
        stored: the most of them that one image held.
        lost: acknowledged events that were missing, added up over all images.
        most_lost: of these, the most in one image.
        doubled: events or logoffs that were there twice, or in both tables.
        gaps: images in which an event was missing though a later one was there.
        unended: logons that were in the archive without the logoff that ended them, in either table.
        broken: images that did not open, or were damaged, with the reason; the first few.
    """

    cuts: int = 0
    images: int = 0
    sent: int = 0
    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    most_lost: int = 0
    doubled: int = 0
    gaps: int = 0
    unended: int = 0
    broken: list[str] | None = None

    @property
    def is_consistent(self) -> bool:
        """Whether every image is whole, and what is missing is the end: what NORMAL promises."""
        return not (self.doubled or self.gaps or self.unended or self.broken)

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
            f"retried 0, stored {self.stored}, lost {self.lost} (at most {self.most_lost} by one cut), "
            f"doubled {self.doubled}, gaps {self.gaps}, archived without an end {self.unended}, "
            f"broken {self.broken or 'none'}"
        )


def cut_everywhere(run: Run, plan: Plan, folder: Path) -> Account:
    """Cuts the power after every operation of `run`; `folder` is for the leftovers."""
    judge = Judge(folder, plan, run.sent)
    disk = CachedDisk()
    for operation in run.operations:
        disk.take(operation)
        judge.hear(operation)
        judge.cut(disk)
    return judge.account


def cut_after_answers(run: Run, plan: Plan, folder: Path) -> Account:
    """Cuts the power after every answer alone, which is where events can be lost."""
    judge = Judge(folder, plan, run.sent)
    disk = CachedDisk()
    for operation in run.operations:
        disk.take(operation)
        judge.hear(operation)
        if isinstance(operation, Note):
            judge.cut(disk)
    return judge.account


def syncs_to_fail(run: Run) -> range:
    """The syncs of a run after its first answer; one that fails before that ends the start."""
    syncs = [isinstance(operation, Sync) for operation in run.operations]
    first = next(at for at, operation in enumerate(run.operations) if isinstance(operation, Note))
    return range(sum(syncs[:first]) + 1, sum(syncs) + 1)


def cut_in(folder: Path, plan: Plan) -> Account:
    """Plays `plan` in `folder`, and cuts the power everywhere."""
    (folder / "run").mkdir()
    return cut_everywhere(play(folder / "run", plan), plan, folder / "left")


def kill_in(folder: Path, plan: Plan) -> Account:
    """Plays `plan` in `folder`; kills, starts again and cuts the power at every point of it."""
    (folder / "run").mkdir()
    run = play(folder / "run", plan)
    return kill_and_cut(run, plan, range(1, len(run.operations)), folder / "again")


def long_plans(seed: int) -> Iterator[Plan]:
    """What takes too long for every day."""
    yield Plan(synchronous="FULL", events=200, checkpoint_pages=40, batch=4, seed=seed, step_rows=8)
    yield Plan(synchronous="NORMAL", events=200, checkpoint_pages=40, batch=4, seed=seed, step_rows=8)
    for journal_mode in ("DELETE", "TRUNCATE", "PERSIST"):
        yield Plan(journal_mode, events=30, seed=seed)
    first = 15 + seed % 20  # after the start, which a disk that fails would end
    yield Plan(events=40, failing_syncs=range(first, first + 3), seed=seed)


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
        unanswered = [event for event in run.sent if key_of(event) not in judge.acknowledged]
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
        self._settings = Settings(str(folder / DATABASE), plan.journal_mode, "OFF", 0, 1000)
        self._sent = [key_of(event) for event in sent]
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
        put(self._folder, image)
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
        account.stored = max(account.stored, len(stored))
        account.doubled += sum(row[4] == "client" for row in rows) - len(stored)
        account.doubled += sum(count - 1 for count in logoffs.values())
        account.gaps += set(stored) != set(self._sent[: len(stored)])
        [(unended,)] = connection.execute(_UNENDED)
        account.unended += unended
        lost = sum(stored.get(key) != session for key, session in self.acknowledged.items())
        account.lost += lost
        account.most_lost = max(account.most_lost, lost)
