"""Answers questions on a thread of its own, one after the other. The event loop asks and gets the answers.

The thread and its connection begin with the first question, and end when nobody has asked for ten minutes. This file
must not load SQL before that, and must not know what is asked.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING, Final, TypeVar

from winlogd.store.errors import QuestionFailedError, QuestionRefusedError
from winlogd.store.read.limits import Limits
from winlogd.store.read.waiting import Asked, Waiting
from winlogd.store.submission import DURATIONS_S, Histogram

if TYPE_CHECKING:  # types only
    from winlogd.store.file.settings import Settings
    from winlogd.store.read.access import Access
    from winlogd.store.read.answering import Answering

T = TypeVar("T")

_NICE: Final = 10
"""The thread's priority: events go first when the processor is busy. With sixteen clients who asked without a pause,
P99 of 1,000 events a second was 3.5 ms instead of 6 to 11 (`python -m bench --scenario queries --variant user`). With
19 it was some 2 ms. But beside a busy program the thread would then stand still for long, with Python's lock."""
_TOO_MANY: Final = "too many questions wait"
_LEFT: Final = "the client had closed its side, and another question took the place"


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
        self._queue = Waiting()
        self._asked: set[Asked] = set()  # what waits or is being answered
        self._place: list[Asked] = []  # what is being answered; of the reader's thread
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
        waits: Callable[[], bool] = lambda: True,
    ) -> None:
        """Ask a question.

        If too many wait, those whose answers nobody waits for are refused and given up: a page that is loaded again
        has left the questions of its first load behind.

        Args:
            who: the reader, whose questions are counted together.
            question: called on the reader's thread. It must not keep what it is given.
            answered: called on the loop's thread with the result, or the exception. `QuestionRefusedError` means that
                the question may be asked again later; it may come before this call returns.
            same: equal for questions that may share an answer. Those that wait when the first one's turn comes get the
                answer to the last one. None for a question that shares none.
            waits: called on the loop's thread; returns True while somebody waits for the answer.
        """
        if self._is_stopping:
            answered(QuestionRefusedError("winlogd is stopping"))
        elif not self._is_open:
            answered(QuestionRefusedError("the database is not open yet"))
        elif not self._has_room_for(who) and not self._makes_room_for(who):
            answered(QuestionRefusedError(_TOO_MANY))
        else:
            asked = Asked(
                who=who, question=question, answered=answered, waits=waits, same=same, asked_s=time.monotonic()
            )
            self._asked.add(asked)
            self._queue.put(asked)
            if self._thread is None:
                self._start()

    @property
    def waiting(self) -> int:
        """Return how many questions wait or are being answered."""
        return len(self._asked)

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

    def _has_room_for(self, who: str) -> bool:
        limits = self._limits
        of_one = sum(asked.who == who for asked in self._asked)
        return len(self._asked) < limits.waiting and of_one < limits.waiting_of_one

    def _makes_room_for(self, who: str) -> bool:
        """Refuse all questions that nobody waits for. Return True if one more of a reader may wait now."""
        for asked in [each for each in self._asked if not each.waits()]:
            asked.is_left = True
            self._queue.drop(asked)
            self._deliver(asked, QuestionRefusedError(_LEFT))
        return self._has_room_for(who)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def _deliver(self, asked: Asked, outcome: object) -> None:
        if asked not in self._asked:  # it was refused meanwhile
            return
        self._asked.remove(asked)
        if not asked.is_left:
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
        elif self._asked:
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

            answering = Answering(self._settings, self._limits, self._is_over)
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
        if place:
            self._answer(answering, place)
        if self._queue.is_empty:
            answering.rest()
        return True

    def _answer(self, answering: "Answering", place: list[Asked]) -> None:
        outcome: object = QuestionFailedError("the reader's thread has ended")
        self._place = place
        try:
            outcome = answering.answer(place[-1].question, place[-1].asked_s)
        finally:
            self._place = []
            for asked in place:
                self._loop.call_soon_threadsafe(self._deliver, asked, outcome)

    def _is_over(self) -> bool:
        """Return True if the question that is being answered has to end: at a stop, or if it was refused meanwhile."""
        return self._is_stopping or (bool(self._place) and all(asked.is_left for asked in self._place))

    def _next(self, answering: "Answering") -> list[Asked] | None:
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
