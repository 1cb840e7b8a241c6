"""Answers questions on a thread of its own, one after the other. The event loop asks and gets the answers.

The thread and its connection begin with the first question, and end when nobody has asked for ten minutes. This file
must not load SQL before that, and must not know what is asked.
"""

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from winlogd.store.errors import QuestionFailedError, QuestionRefusedError
from winlogd.store.read.limits import Limits
from winlogd.store.submission import DURATIONS_S, Histogram

if TYPE_CHECKING:  # types only
    from winlogd.store.file.settings import Settings
    from winlogd.store.read.access import Access
    from winlogd.store.read.answering import Answering

T = TypeVar("T")

_NICE: Final = 19
"""The thread's priority: events go first when the processor is busy. With sixteen clients who asked without a pause,
P99 of 1,000 events a second was 6 to 11 ms without it, 3 to 4 with 10, and 2 with 19: the event loop, when it is woken,
waits less often until the thread's slice of time is over (`python -m bench --scenario queries --variant user`). Beside
a program that kept the core busy, as many were answered with 19 as with 10. winlogd.service forbids it."""


class _Asked(NamedTuple):
    """One question that waits.

    Attributes:
        who: the reader, whose questions are counted together.
        question: called on the reader's thread.
        answered: called on the event loop's thread.
        asked_s: when it was asked, on `time.monotonic`'s clock.
        same: equal for questions that one answer suits; None for one that is like no other.
    """

    who: str
    question: "Callable[[Access], Any]"
    answered: Callable[[Any], None]
    asked_s: float
    same: Hashable | None


class _Waiting:
    """The questions that wait, in order. The event loop puts them in, and the reader's thread takes them out.

    Equal ones share a place, and one answer. It is read after all of them were asked, so none of them gets what is
    older than its request.
    """

    __slots__ = ("_lock", "_places", "_queue")

    def __init__(self) -> None:
        self._queue: SimpleQueue[list[_Asked] | None] = SimpleQueue()
        self._places: dict[Hashable, list[_Asked]] = {}
        self._lock = threading.Lock()  # whoever joins a place is in it before its question begins

    def put(self, asked: _Asked) -> None:
        """Let a question wait: in the place of an equal one, or behind all others."""
        if asked.same is not None:
            with self._lock:
                place = self._places.setdefault(asked.same, [])
                place.append(asked)
                if len(place) > 1:
                    return
        else:
            place = [asked]
        self._queue.put(place)

    def put_end(self) -> None:
        """Let the thread end after the questions that wait."""
        self._queue.put(None)

    def take(self, timeout_s: float) -> list[_Asked] | None:
        """Return the equal questions that are next, in the order in which they were asked. Nobody joins them now.

        The last one's question suits all of them: it was asked at a time at which all waited. Return None for the end.

        Raises:
            queue.Empty: nothing waits after so many seconds.
        """
        place = self._queue.get(timeout=timeout_s) if timeout_s else self._queue.get_nowait()
        if place is not None and (same := place[0].same) is not None:
            with self._lock:
                del self._places[same]
        return place

    @property
    def is_empty(self) -> bool:
        """Return True if nothing waits."""
        return self._queue.empty()


class Reader:
    """The reader of a store. All methods are called on the event loop's thread.

    Args:
        loop: the event loop.
        settings: the database.
        limits: how long a question may take, and how many may wait.

    Attributes:
        answered_s: how long each question took, with its wait for others.
        at_stop: called once each when the reader stops, for those who would ask again later.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: "Settings", limits: Limits | None = None) -> None:
        self._loop = loop
        self._settings = settings
        self._limits = limits or Limits()
        self._queue = _Waiting()
        self._waiting: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._is_open = False
        self._is_stopping = False  # the loop writes it, the reader's thread looks at it
        self._ended: Callable[[], None] = _nothing
        self.answered_s = Histogram(DURATIONS_S)
        self.at_stop: set[Callable[[], None]] = set()

    def begin(self) -> None:
        """Accept questions: the writer has configured SQLite, and has opened and upgraded the database."""
        self._is_open = True

    def ask(
        self,
        who: str,
        question: "Callable[[Access], T]",
        answered: "Callable[[T | Exception], None]",
        same: Hashable | None = None,
    ) -> None:
        """Ask a question.

        Args:
            who: the reader, whose questions are counted together.
            question: called on the reader's thread. It must not keep what it is given.
            answered: called on the loop's thread with the result, or the exception. `QuestionRefusedError` means that
                the question may be asked again later; it may come before this call returns.
            same: equal for questions that may share an answer. Those that wait when the first one's turn comes get the
                answer to the last one. None for a question that shares none.
        """
        limits = self._limits
        if self._is_stopping:
            answered(QuestionRefusedError("winlogd is stopping"))
        elif not self._is_open:
            answered(QuestionRefusedError("the database is not open yet"))
        elif self._waiting.total() >= limits.waiting or self._waiting[who] >= limits.waiting_of_one:
            answered(QuestionRefusedError("too many questions wait"))
        else:
            self._waiting[who] += 1
            self._queue.put(_Asked(who, question, answered, time.monotonic(), same))
            if self._thread is None:
                self._start()

    @property
    def waiting(self) -> int:
        """Return how many questions wait or are being answered."""
        return self._waiting.total()

    def stop(self, ended: Callable[[], None]) -> None:
        """End the thread. Interrupt its question, and refuse those that wait.

        The writer must not close the database before: only the last connection removes the WAL.

        Args:
            ended: called when the connection is closed; perhaps before this call returns.
        """
        self._is_stopping = True
        while self.at_stop:
            self.at_stop.pop()()
        if self._thread is None:
            ended()
            return
        self._ended = ended
        self._queue.put_end()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def _deliver(self, asked: _Asked, outcome: object) -> None:
        self._waiting[asked.who] -= 1
        if not self._waiting[asked.who]:
            del self._waiting[asked.who]
        self.answered_s.note(time.monotonic() - asked.asked_s)
        asked.answered(outcome)

    def _note_end(self, fault: Exception | None) -> None:
        """Take note that the thread has ended. Start another one for questions that came meanwhile.

        Args:
            fault: what has ended it, such as a module that could not be loaded; None if nobody asked, or at a stop.
        """
        self._thread = None
        if self._is_stopping:
            self._answer_all(QuestionRefusedError("winlogd is stopping"))
            self._ended()
        elif fault is not None:
            self._answer_all(fault)
        elif self._waiting:
            self._start()

    def _answer_all(self, outcome: Exception) -> None:
        """Answer all questions in the queue with an exception. No thread takes them out now.

        A question that raises the exception, for the log, must not keep the others from theirs.
        """
        while not self._queue.is_empty:
            for asked in self._queue.take(0) or ():
                self._loop.call_soon(self._deliver, asked, outcome)

    # Everything below runs on the reader's thread.

    def _run(self) -> None:
        fault = None
        with suppress(OSError):  # a filter of system calls may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            from winlogd.store.read.answering import Answering  # loads SQL

            answering = Answering(self._settings, self._limits, lambda: self._is_stopping)
            try:
                while self._answer_next(answering):
                    pass
            finally:
                answering.close()
        except BaseException as error:  # the loop waits for the end of this thread
            fault = error if isinstance(error, Exception) else QuestionFailedError(repr(error))
        self._loop.call_soon_threadsafe(self._note_end, fault)

    def _answer_next(self, answering: "Answering") -> bool:
        """Answer the next question, and those that are equal. Return False if the thread has to end.

        No question or result stays in a variable while the thread waits.
        """
        place = self._next(answering)
        if place is None:
            return False
        outcome: object = QuestionFailedError("the reader's thread has ended")
        try:
            outcome = answering.answer(place[-1].question, place[-1].asked_s)
        finally:
            for asked in place:
                self._loop.call_soon_threadsafe(self._deliver, asked, outcome)
        if self._queue.is_empty:
            answering.rest()
        return True

    def _next(self, answering: "Answering") -> list[_Asked] | None:
        """Wait for a question, and read the events of today meanwhile. Return None if the thread has to end."""
        while answering.is_behind:
            try:
                return self._queue.take(0)
            except Empty:
                answering.catch_up()
        try:
            return self._queue.take(self._limits.idle_s)
        except Empty:
            return None


def _nothing() -> None:
    """Do nothing."""
