"""Find out if events can be stored now.

The store knows it from its last attempt. While no event comes, that may be hours ago. So a question lets the store try,
if nothing was tried lately. This file must not know who asks, or why the database cannot be written.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, final

from winlogd.store.file.marks import WRITTEN_AT
from winlogd.store.reporting import Writability

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.job import AnyJob
    from winlogd.store.store import Store

Word = Literal["ready", "starting", "unwritable", "stopping"]

_SURE_S: Final = 10.0
"""A success counts for this long. Only then a question lets the store try again."""
_AGAIN_S: Final = 1.0
"""After a failure, let the store try again at most this often."""
_PATIENCE_S: Final = 1.5
"""A question waits for a trial at most this long. Then the database counts as unwritable: a disk may hang."""
_HANGS: Final = "an attempt to write the database has not come to its end: the disk may hang"


@final
class Trial:
    """Lets the store try. Used on the event loop's thread only.

    Args:
        loop: the event loop.
        store: stores events.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, store: "Store[Any]") -> None:
        self._loop = loop
        self._store = store
        self._waiting: list[Callable[[Word], None]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._is_trying = self._hangs = False
        self._began_s = 0.0  # when the last trial began, since 1970
        self._next_s = 0.0  # no trial before this, on the monotonic clock

    def ask(self, answer: Callable[[Word], None]) -> None:
        """Call `answer` with how it is: at once if that is known, otherwise within 1.5 s."""
        word = self._word()
        if word in ("starting", "stopping") or self._is_known():
            answer(word)
        elif word == "unwritable":  # the next question sees if that has changed
            answer(word)
            self._try_to_write()
        else:
            self._waiting.append(answer)
            if self._patience is None:
                self._patience = self._loop.call_later(_PATIENCE_S, self._give_up)
            self._probe()

    def writability(self) -> Writability:
        """Return what is known now of storing: events can be stored or not. They cannot while a trial hangs."""
        known = self._store.writability()
        return Writability(False, self._began_s, _HANGS) if known.is_writable and self._hangs else known

    def _word(self) -> Word:
        state = self._store.state()
        if state.is_stopping:
            return "stopping"
        if not self._store.writability().is_writable:
            return "unwritable"
        return "ready" if state.book is not None else "starting"

    def _is_known(self) -> bool:
        """Return True if an event or a trial has shown a moment ago if the database can be written."""
        if time.monotonic() < self._next_s:
            return True
        committed_s = self._store.counts().committed_s
        return self._store.writability().is_writable and abs(time.time() - committed_s) < _SURE_S

    def _probe(self) -> None:
        from winlogd.store.jobs.probe import Probe

        self._try(Probe())

    def _try_to_write(self) -> None:
        """Have the store write a mark. Only that shows that a disk has space again or works again."""
        from winlogd.store.jobs.mark import SetMark

        self._try(SetMark(WRITTEN_AT, str(int(time.time()))))

    def _try(self, job: "AnyJob") -> None:
        if not self._is_trying:
            self._is_trying, self._began_s = True, time.time()
            self._store.run(job, self._tried)

    def _tried(self, outcome: Exception | None) -> None:
        self._is_trying = self._hangs = False
        word = self._word()
        self._next_s = time.monotonic() + (_SURE_S if word == "ready" and outcome is None else _AGAIN_S)
        self._answer_all(word)

    def _give_up(self) -> None:
        self._hangs = True
        self._answer_all("unwritable")

    def _answer_all(self, word: Word) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer(word)
