"""Answer GET /ready in one word: can events be stored now?

The store knows it from its last attempt. While no event comes, that may be hours ago, and a balancer that sends none to
a server that is not ready would never end that. So a request lets the store try, if nothing was tried lately. This file
must not know why the database cannot be written.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Literal, final

from winlogd.http.exchange import Exchange, Handler
from winlogd.http.wire.message import Head, Response
from winlogd.store.file.marks import WRITTEN_AT

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.job import AnyJob
    from winlogd.store.store import Store

Word = Literal["ready", "starting", "unwritable", "stopping"]

_SURE_S: Final = 10.0
"""A success counts for this long. Only then a request lets the store try again."""
_AGAIN_S: Final = 1.0
"""After a failure, let the store try again at most this often."""
_PATIENCE_S: Final = 1.5
"""A request waits for a trial at most this long. Then the database counts as unwritable: a disk may hang."""
_TEXT: Final = "text/plain; charset=utf-8"
_NO_STORE: Final = (("Cache-Control", "no-store"),)


@final
class Ready:
    """The endpoint. Everything here runs on the event loop's thread.

    Args:
        loop: the event loop.
        store: stores events.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, store: "Store[Any]") -> None:
        self._loop = loop
        self._store = store
        self._waiting: list[Exchange] = []
        self._patience: asyncio.TimerHandle | None = None
        self._is_trying = False
        self._next_s = 0.0  # no trial before this, on the monotonic clock

    def handler_for(self, head: Head) -> Handler:
        """Return the handler of requests with `head`, the same for every head."""
        return self._respond

    def _respond(self, exchange: Exchange, body: bytes) -> None:
        word = self._word()
        if word in ("starting", "stopping") or self._is_known():
            _answer(exchange, word)
        elif word == "unwritable":  # the next request sees if that has changed
            _answer(exchange, word)
            self._try_to_write()
        else:
            self._waiting.append(exchange)
            if self._patience is None:
                self._patience = self._loop.call_later(_PATIENCE_S, self._answer_all, "unwritable")
            self._probe()

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
            self._is_trying = True
            self._store.run(job, self._tried)

    def _tried(self, outcome: Exception | None) -> None:
        self._is_trying = False
        word = self._word()
        self._next_s = time.monotonic() + (_SURE_S if word == "ready" and outcome is None else _AGAIN_S)
        self._answer_all(word)

    def _answer_all(self, word: Word) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        waiting, self._waiting = self._waiting, []
        for exchange in waiting:
            _answer(exchange, word)


def _answer(exchange: Exchange, word: Word) -> None:
    status = 200 if word == "ready" else 503
    exchange.respond(Response(status, b"%b\n" % word.encode(), _NO_STORE, _TEXT, reason=f"Not ready: {word}"))
