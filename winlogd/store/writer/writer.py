"""The writer thread, as others see it: a queue that takes events and jobs, and a thread that begins and ends.

The thread is the only one that writes or checkpoints the database. It loads SQLite and all that knows it by itself, so
that the event loop answers before that is done. What it does with the queue is in `serving`; this file knows no SQL.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

from winlogd.store.errors import StoppedError
from winlogd.store.submission import Fault, Submission
from winlogd.store.writer.inbox import Inbox

if TYPE_CHECKING:  # types only
    from winlogd.store.file.settings import Settings
    from winlogd.store.jobs.job import AnyJob
    from winlogd.store.writer.listener import Listener
    from winlogd.store.writer.serving import Serving


class Writer:
    """The thread and the queue before it.

    Args:
        settings: the database.
        listener: told of results and faults.
    """

    def __init__(self, settings: "Settings", listener: "Listener") -> None:
        self._settings = settings
        self._listener = listener
        self._queue: SimpleQueue[list[Submission] | AnyJob | None] = SimpleQueue()
        self._inbox = Inbox(self._queue)
        self._serving: Serving | None = None
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
        """Queues events, from any thread; never blocks."""
        self._queue.put(submissions)

    def run(self, job: "AnyJob") -> None:
        """Ask for a job, from any thread; `Listener.job_ended` tells how it ended."""
        self._queue.put(job)

    def go_on(self) -> None:
        """Told by who submits: results are handed out, and what clients sent upon that is submitted."""
        inbox = self._inbox
        inbox.is_their_turn = False
        if inbox.waits_its_turn:
            self._queue.put([])

    def hurry(self, due_s: float) -> None:
        """Lets no event wait longer than until `due_s`, on the monotonic clock, whatever its own deadline."""
        self._inbox.latest_due_s = due_s

    def stop(self) -> None:
        """Asks the thread to finish what is queued and to close the database."""
        self._inbox.is_stopping = True
        self._queue.put(None)

    def leftovers(self) -> list[Submission]:
        """What was queued and not taken up, once the thread has ended."""
        self._inbox.take_all_in()
        return list(self._inbox.waiting)

    # Everything below runs on the writer's thread.

    def _run(self) -> None:
        try:
            from winlogd.store.writer.serving import Serving

            self._prepare()
            self._serving = Serving(self._settings, self._inbox, self._listener)
            self._serving.run()
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
