"""GET /metrics: the figures for monitoring, as Prometheus reads them.

The event loop has most figures. Another thread looks at the disk, the store tries to write, and the reader counts the
doubtful sessions every five minutes. A scrape waits a second for the disk and the store, and the first one for the
reader, too. What does not come is left out: monitoring must see a server whose disk hangs. This file must not know any
figure in particular.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from winlogd.api.metrics_look import Look
from winlogd.api.metrics_table import Sources, samples
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.responses import FAILED
from winlogd.http.wire.message import Head, Response
from winlogd.metrics.text import CONTENT_TYPE, written

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access
    from winlogd.store.trial import Word

_PATIENCE_S: Final = 1.0
"""A scrape waits for its figures at most this long. Prometheus waits 10 s by default."""
_COUNT_EVERY_S: Final = 300.0
"""Count the doubtful sessions at most this often: with 5 000 open sessions that takes the reader 50 ms. All else takes
1.5 ms (``python -m bench.scrape_cost``)."""
_COUNT_AGAIN_S: Final = 15.0
"""Count again after this long if the reader could not."""
_FORGET_S: Final = 900.0
"""A count that is older is not shown any more: the reader cannot count."""
_WHO: Final = "metrics"
"""The name under which the reader counts these questions."""
_NO_STORE: Final = (("Cache-Control", "no-store"),)


@final
class Metrics:
    """The endpoint. One scrape is made at a time. Requests that come meanwhile share its answer.

    Args:
        loop: the event loop. Everything here runs on its thread.
        sources: where the figures come from.
        look: looks at the disk on another thread, and later calls its argument on the loop's thread.
        count: counts the doubtful sessions, on the reader's thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sources: Sources,
        look: Callable[[Callable[[Look | Exception], None]], None],
        count: "Callable[[Access], int]",
    ) -> None:
        self._loop = loop
        self._sources = sources
        self._look = look
        self._count = count
        self._asking: list[Exchange] = []
        self._patience: asyncio.TimerHandle | None = None
        self._is_looking = self._is_trying = self._is_counting = False
        self._found: Look | None = None
        self._doubtful: int | None = None
        self._counted_s = self._count_at_s = 0.0  # on the monotonic clock

    def handler_for(self, head: Head) -> Handler:
        """Return the handler of requests with `head`, the same for every head."""
        return self._respond

    def _respond(self, exchange: Exchange, body: bytes) -> None:
        self._asking.append(exchange)
        if self._patience is not None:
            return
        self._patience = self._loop.call_later(_PATIENCE_S, self._answer)
        self._found = None
        if not self._is_looking:
            self._is_looking = True
            self._look(self._looked)
        if not self._is_counting and time.monotonic() >= self._count_at_s:
            self._is_counting = True
            self._sources.readers.questions.ask(_WHO, self._count, self._counted)
        if not self._is_trying:
            self._is_trying = True
            self._sources.trial.ask(self._tried)

    def _counted(self, outcome: int | Exception) -> None:
        now_s = time.monotonic()
        self._is_counting = False
        if isinstance(outcome, int):
            self._doubtful, self._counted_s = outcome, now_s
            self._count_at_s = now_s + _COUNT_EVERY_S
        else:
            self._count_at_s = now_s + _COUNT_AGAIN_S
        self._answer_if_known()

    def _looked(self, outcome: Look | Exception) -> None:
        self._is_looking = False
        self._found = None if isinstance(outcome, Exception) else outcome
        self._answer_if_known()
        if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
            raise outcome  # for the log

    def _tried(self, _: "Word") -> None:
        self._is_trying = False
        self._answer_if_known()

    def _answer_if_known(self) -> None:
        is_counted = not self._is_counting or self._doubtful is not None
        if self._patience is not None and not (self._is_looking or self._is_trying) and is_counted:
            self._answer()

    def _answer(self) -> None:
        """Answer all requests with what is known now."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        asking, self._asking = self._asking, []
        is_fresh = time.monotonic() < self._counted_s + _FORGET_S
        response = FAILED
        try:
            text = written(samples(self._sources, self._found, self._doubtful if is_fresh else None))
            response = Response(200, text, _NO_STORE, CONTENT_TYPE)
        finally:  # the log gets an exception, and the requests get 500
            for exchange in asking:
                exchange.respond(response)
