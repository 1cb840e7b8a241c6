"""The order ``backup``: copy the database and the readers' file into ``[backup] folder``.

A thread of its own makes the backup, because it waits for disks and checks the copy. It asks the writer of each file
for the copy, through the event loop. No order names a path: the answer says where the backup is. This file must not
know what a copy is.
"""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.running import Running
from winlogd.daemon.settings import least_free_bytes
from winlogd.store.access_file.errors import AccessFileError, OrderRefusedError
from winlogd.store.backup.errors import BackupFailedError
from winlogd.store.backup.files import names_of
from winlogd.store.backup.make import Copying, Made, make
from winlogd.store.backup.syncing import Syncing
from winlogd.store.errors import JobCutShortError, ReplacedError, StoppedError
from winlogd.store.jobs.backup import Backup, Copied
from winlogd.store.jobs.identify import Identify
from winlogd.store.pauses import Pauses

_THREAD: Final = "backup"
_NICE: Final = 10
"""The thread's priority: events go first when the processor is busy."""
_EXPECTED: Final = (
    BackupFailedError,
    AccessFileError,
    OrderRefusedError,
    JobCutShortError,
    StoppedError,
    ReplacedError,
)
"""Errors whose text is a sentence for a person."""


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Start a backup. `keep` in the order says how many backups stay; without it all do."""
    keep = order.fields.get("keep")
    if not (keep is None or (isinstance(keep, int) and not isinstance(keep, bool) and keep >= 1)):
        order.failed("the running winlogd does not understand this order: it is of another version; restart it")
    elif any(thread.name == _THREAD for thread in threading.enumerate()):
        order.failed("a backup is being made already; try again when it is done")
    else:
        work = _Work(order, running, config, keep)
        threading.Thread(target=work.run, name=_THREAD, daemon=True).start()


class _Work:
    """One backup. `run` is called on its own thread. Methods that begin with `_on_loop` are called on the loop's."""

    def __init__(self, order: Order, running: Running, config: Config, keep: int | None) -> None:
        self._order: Final = order
        self._running: Final = running
        self._config: Final = config
        self._keep: Final = keep

    def run(self) -> None:
        """Make the backup, and answer the order."""
        outcome: Made | Exception
        try:
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
            names = names_of(self._config.backup.folder, os.path.realpath(self._config.database.path))
            counts = self._running.parts.store.counts
            pauses = Pauses(lambda: counts().committed_s)
            copying = Copying(self._copy_database, self._copy_access, pauses)
            outcome = make(names, copying, self._keep, self._report)
        except Exception as error:
            outcome = error
        with suppress(JobCutShortError):  # the loop is closed, and the control connection with it: nobody listens
            self._call(self._on_loop_answer, outcome)

    def _copy_database(self, path: str) -> Copied:
        self._waited(lambda ended: self._running.parts.store.run(Identify(), ended))
        syncing = Syncing(path)
        job = Backup(path, least_free_bytes(self._config), syncing=syncing)
        self._call(self._running.parts.store.run, job, syncing.end, self._on_loop_report)
        copied: Copied = _raised(syncing.until_end())
        return copied

    def _copy_access(self, path: str) -> bool:
        while True:
            copied: bool | None = self._waited(lambda ended: self._running.parts.looking.copy(path, ended))
            if copied is not False:  # otherwise other work had written in the same transaction
                return copied is not None

    def _report(self, progress: Mapping[str, object]) -> None:
        self._call(self._on_loop_report, progress)

    def _waited(self, start: Callable[[Callable[[Any], None]], None]) -> Any:  # noqa: ANN401  # any outcome
        """Have the loop call `start`. Return the outcome that `start` hands over later, or raise it."""
        outcomes: SimpleQueue[Any] = SimpleQueue()
        self._call(start, outcomes.put)
        return _raised(outcomes.get())

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            self._running.loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: the server has stopped
            raise JobCutShortError("winlogd is stopping") from None

    def _on_loop_report(self, progress: Mapping[str, Any]) -> None:
        self._order.progress(**progress)

    def _on_loop_answer(self, outcome: Made | Exception) -> None:
        log = self._running.log
        if isinstance(outcome, Made):
            counts, copied = outcome.counts, outcome.copied
            log.info(
                "backup", "backup made", file=outcome.file, access=outcome.access, today=counts.today,
                history=counts.history, seconds=round(outcome.seconds, 3), removed=outcome.removed,
                longest_step_ms=round(copied.longest_step_s * 1000, 1), restarts=copied.restarts,
            )  # fmt: skip
            self._order.done(sentence=outcome.sentence, file=outcome.file, access=outcome.access)
            return
        if isinstance(outcome, _EXPECTED):
            log.warn("backup", "no backup was made", cause=str(outcome))
        else:
            log.exception("backup", "no backup was made", outcome)
        self._order.failed(f"the backup did not come to its end: {outcome}")


def _raised(outcome: Any) -> Any:  # noqa: ANN401  # any outcome
    """Return an outcome. Raise it if it is an exception."""
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
