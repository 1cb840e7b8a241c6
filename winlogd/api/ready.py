"""Answer GET /ready in one word: can events be stored now?

A balancer that sends no events to a server that is not ready would never end that: each request lets the store try.
This file must not know how that is found out.
"""

from typing import Final, final

from winlogd.http.exchange import Exchange, Handler
from winlogd.http.wire.message import Head, Response
from winlogd.store.trial import Trial, Word

_TEXT: Final = "text/plain; charset=utf-8"
_NO_STORE: Final = (("Cache-Control", "no-store"),)


@final
class Ready:
    """The endpoint.

    Args:
        trial: finds out if events can be stored.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def handler_for(self, head: Head) -> Handler:
        """Return the handler of requests with `head`, the same for every head."""
        return self._respond

    def _respond(self, exchange: Exchange, body: bytes) -> None:
        def answer(word: Word) -> None:
            status = 200 if word == "ready" else 503
            exchange.respond(Response(status, b"%b\n" % word.encode(), _NO_STORE, _TEXT, reason=f"Not ready: {word}"))

        self._trial.ask(answer)
