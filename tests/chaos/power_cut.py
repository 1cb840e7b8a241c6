"""Cut the power at every write of a run, and check the files that are left.

`leftovers` makes the files that a power cut may leave at each point in the record of a run (`recorded_run`). They are
opened as a starting winlogd opens them. The database must be whole. It must have the first events that were sent, each
once, in one of the two tables: only the last events may be missing. With FULL no acknowledged event is missing.
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
    """The findings after all cuts.

    Attributes:
        cuts: points at which the power was cut.
        images: the different leftovers that were opened.
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
        """Return True if every image is whole, and only last events are missing: the promise of NORMAL."""
        return not (self.doubled or self.gaps or self.unended or self.broken)

    @property
    def is_clean(self) -> bool:
        """Return True if, besides, no acknowledged event is missing: the promise of FULL."""
        return self.is_consistent and not self.lost

    def keeps_what_is_promised(self, plan: Plan) -> bool:
        """Return True if the promise of the plan's setting was kept."""
        return self.is_consistent if plan.synchronous == "NORMAL" else self.is_clean

    def __str__(self) -> str:
        return (
            f"{self.cuts} cuts, {self.images} images; sent {self.sent}, acknowledged {self.acknowledged}, "
            f"retried 0, stored {self.stored}, lost {self.lost} (at most {self.most_lost} by one cut), "
            f"doubled {self.doubled}, gaps {self.gaps}, archived without an end {self.unended}, "
            f"broken {self.broken or 'none'}"
        )


def cut_everywhere(run: Run, plan: Plan, folder: Path) -> Account:
    """Cut the power after every operation of `run`. `folder` is for the leftovers."""
    judge = Judge(folder, plan, run.sent)
    disk = CachedDisk()
    for operation in run.operations:
        disk.take(operation)
        judge.hear(operation)
        judge.cut(disk)
    return judge.account


def cut_after_answers(run: Run, plan: Plan, folder: Path) -> Account:
    """Cut the power after every answer only, because events can be lost there."""
    judge = Judge(folder, plan, run.sent)
    disk = CachedDisk()
    for operation in run.operations:
        disk.take(operation)
        judge.hear(operation)
        if isinstance(operation, Note):
            judge.cut(disk)
    return judge.account


def syncs_to_fail(run: Run) -> range:
    """Return the syncs of a run after its first answer. An earlier one that fails would end the start."""
    syncs = [isinstance(operation, Sync) for operation in run.operations]
    first = next(at for at, operation in enumerate(run.operations) if isinstance(operation, Note))
    return range(sum(syncs[:first]) + 1, sum(syncs) + 1)


def cut_in(folder: Path, plan: Plan) -> Account:
    """Play `plan` in `folder`, and cut the power at every point."""
    (folder / "run").mkdir()
    return cut_everywhere(play(folder / "run", plan), plan, folder / "left")


def kill_in(folder: Path, plan: Plan) -> Account:
    """Play `plan` in `folder`. At every point kill, start again and cut the power."""
    (folder / "run").mkdir()
    run = play(folder / "run", plan)
    return kill_and_cut(run, plan, range(1, len(run.operations)), folder / "again")


def long_plans(seed: int) -> Iterator[Plan]:
    """Yield the plans that take too long for every day."""
    yield Plan(synchronous="FULL", events=200, checkpoint_pages=40, batch=4, seed=seed, step_rows=8)
    yield Plan(synchronous="NORMAL", events=200, checkpoint_pages=40, batch=4, seed=seed, step_rows=8)
    for journal_mode in ("DELETE", "TRUNCATE", "PERSIST"):
        yield Plan(journal_mode, events=30, seed=seed)
    first = 15 + seed % 20  # after the start, which a disk that fails would end
    yield Plan(events=40, failing_syncs=range(first, first + 3), seed=seed)


def kill_and_cut(run: Run, plan: Plan, points: Iterable[int], folder: Path) -> Account:
    """Kill the process after this many operations, let another one answer the next event, and cut the power.

    The next process sees unsynced writes of the killed one, though they are not on the disk yet.
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
    """Open the leftovers, and count.

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
        """Note an acknowledged event."""
        if isinstance(operation, Note) and isinstance(operation.value, dict):
            self.acknowledged |= operation.value
            self.account.acknowledged = max(self.account.acknowledged, len(self.acknowledged))

    def cut(self, disk: CachedDisk) -> None:
        """Cut the power now, and check all leftovers that were not checked before."""
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
