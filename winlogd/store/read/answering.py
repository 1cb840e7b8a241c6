"""Answers one question after the other with a connection that it opens at the first. It must not know the queue."""

import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import apsw

from winlogd.store.errors import QuestionFailedError, QuestionRefusedError, ReplacedError
from winlogd.store.file.faults import LOCKS
from winlogd.store.file.settings import Settings
from winlogd.store.read.access import Access
from winlogd.store.read.limits import Limits


class Answering:
    """The work of a reader's thread.

    Args:
        settings: the database.
        limits: how long a question may take.
        is_over: returns True to give a question up.

    Attributes:
        is_behind: many events of today were not read yet: `catch_up` reads some of them.
    """

    def __init__(self, settings: Settings, limits: Limits, is_over: Callable[[], bool]) -> None:
        self._settings = settings
        self._limits = limits
        self._is_over = is_over
        self._access: Access | None = None
        self.is_behind = False

    def answer(self, question: Callable[[Access], Any], asked_s: float) -> object:
        """Return the result of a question, or the exception that ended it. Then answer the next one, or `rest`.

        Args:
            question: the question.
            asked_s: when it was asked, on `time.monotonic`'s clock.
        """
        outcome = self._outcome(question, asked_s)
        if isinstance(outcome, Exception):
            _forget_frames(outcome)
        return outcome

    def rest(self) -> None:
        """End the snapshot of the last questions, if one is open: it suits none that waits."""
        if self._access is None:
            return
        try:
            self._access.end_snapshot()
        except apsw.Error:
            self.close()
            return
        if self._access.is_reading:  # a question has kept a cursor
            self.close()

    def _outcome(self, question: Callable[[Access], Any], asked_s: float) -> object:
        if self._is_over():
            return QuestionRefusedError("winlogd is stopping")
        if self._access is not None and not self._access.suits(asked_s):
            self.rest()
        try:
            if self._access is None:
                self._access = Access(self._settings, self._limits, self._is_over)
            self._access.begin_question(keeps_snapshot=True)
            return question(self._access)
        except LOCKS as error:
            return error
        except (apsw.Error, ReplacedError) as error:
            self.close()  # the next question opens the database again
            return error
        except Exception as error:
            self.is_behind = isinstance(error, QuestionRefusedError) and not self._is_over()
            return error
        except BaseException as error:  # such as SystemExit: it must not end the thread, and not reach the loop
            self.close()
            return QuestionFailedError(repr(error))

    def catch_up(self) -> None:
        """Read some events of today. After a fault the next question begins again."""
        try:
            self.is_behind = self._access is not None and not self._is_over() and self._access.catch_up()
        except apsw.Error as error:
            self.is_behind = False
            if not isinstance(error, LOCKS):
                self.close()

    def close(self) -> None:
        """Close the connection, with all that questions have left open. It has written nothing that could be lost."""
        access, self._access = self._access, None
        if access is not None:
            with suppress(apsw.Error):
                access.close()


def _forget_frames(error: BaseException | None) -> None:
    """Forget the variables of the functions that an exception has left: a cursor among them would hold its snapshot.

    The event loop would end that cursor, too, on the wrong thread.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
