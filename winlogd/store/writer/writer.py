"""The writer as other threads see it: a queue for events and jobs, and a thread that starts and ends.

This thread alone writes and checkpoints the database. It loads SQLite, and all modules that use it, by itself: the
event loop answers before that is done. `serving` works the queue off. This file must not load SQL.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

from winlogd.store.errors import StoppedError
from winlogd.store.submission import Counts, Fault, Submission
from winlogd.store.writer.inbox import Inbox

if TYPE_CHECKING:  # types only
    from winlogd.store.file.settings import Settings
    from winlogd.store.jobs.job import AnyJob
    from winlogd.store.writer.life import Life
    from winlogd.store.writer.listener import Listener
    from winlogd.store.writer.serving import Serving


class Writer:
    """The writer's thread and its queue.

    Args:
        settings: the database.
        listener: notified of results and faults.
    """

    def __init__(self, settings: "Settings", listener: "Listener") -> None:
        self._settings = settings
        self._listener = listener
        self._queue: SimpleQueue[list[Submission] | AnyJob | None] = SimpleQueue()
        self._inbox = Inbox(self._queue)
        self._serving: Serving | None = None
        self._life: Life | None = None
        self._prepare: Callable[[], None] = _nothing
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self, prepare: "Callable[[], None] | None" = None) -> None:
        """Start the thread, which opens the database.

        Args:
            prepare: called on the thread before that, such as `store.file.database.configure_sqlite`.
        """
        if prepare is not None:
            self._prepare = prepare
        self._thread.start()

    def submit(self, submissions: list[Submission]) -> None:
        """Queue events, from any thread. This never blocks."""
        self._queue.put(submissions)

    def run(self, job: "AnyJob") -> None:
        """Queue a job, from any thread. `Listener.job_ended` is called when it has ended."""
        self._queue.put(job)

    def go_on(self) -> None:
        """Take note that the loop has handed all results out and has submitted the clients' next events."""
        inbox = self._inbox
        inbox.is_clients_turn = False
        if inbox.waits_for_clients:
            self._queue.put([])

    def has_moved(self) -> bool:
        """Return True if the thread has moved since the last call, and False if it hangs. This never blocks."""
        if self._life is None:
            from winlogd.store.writer.life import Life  # loaded only with a watchdog

            self._life = Life(self._inbox, self._thread)
        has_moved = self._life.has_moved()
        self._queue.put([])  # an idle thread looks only when something comes
        return has_moved

    def hurry(self, due_s: float) -> None:
        """Let no event wait longer than until `due_s` on the monotonic clock, whatever its own deadline."""
        self._inbox.latest_due_s = due_s

    def change_free_space(self, least_bytes: int) -> None:
        """Let the disk need another free space, from the next look at it on."""
        self._settings = self._settings._replace(min_free_bytes=least_bytes)
        serving = self._serving
        if serving is not None:  # else the thread finds the figure in the settings
            serving.change_free_space(least_bytes)

    def stop(self) -> None:
        """Ask the thread to write all queued events, to close the database and to end."""
        self._inbox.is_stopping = True
        self._queue.put(None)

    def counts(self) -> Counts:
        """Return what was committed since the start."""
        serving = self._serving
        return Counts() if serving is None else serving.batches.counts

    def leftovers(self) -> list[Submission]:
        """Return the queued events that were not written. Call this when the thread has ended."""
        self._inbox.take_all_in()
        return list(self._inbox.waiting)

    # Everything below runs on the writer's thread.

    def _run(self) -> None:
        try:
            from winlogd.store.writer.serving import Serving

            self._prepare()
            self._serving = serving = Serving(self._settings, self._inbox, self._listener)
            serving.change_free_space(self._settings.min_free_bytes)  # it may be another one by now
            serving.run()
        except StoppedError:
            self._listener.ended(None)
        except BaseException as error:
            try:
                lost = self._serving.give_up() if self._serving is not None else []
                self._listener.finished([(submission, Fault.UNAVAILABLE) for submission in lost])
            finally:
                self._listener.ended(error)
        else:
            self._listener.ended(None)


def _nothing() -> None:
    """Prepare nothing."""
