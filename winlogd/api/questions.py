"""Asks the reader for an endpoint, and turns what comes back into an answer.

The reader's thread makes the answer's octets, so that the event loop does not stand still while a thousand sessions are
encoded. This file must not know what is asked.
"""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Final

import orjson

from winlogd.api.cursor import OLD_CURSOR, OldCursorError
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Response
from winlogd.http.wire.parameters import ParameterError
from winlogd.store.errors import PastChangedError, QuestionRefusedError, QuestionTooLongError

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access
    from winlogd.store.read.reader import Reader

NOT_FOUND: Final = Response(404, b'{"error":"Not found"}')
_TRY_AGAIN: Final = (("Retry-After", "1"),)
_NO_STORE: Final = (("Cache-Control", "no-store"),)
"""Who was where is not for a cache."""
_LOCKED: Final = Response(
    503, b'{"error":"Try again","details":"another program holds the database"}', (("Retry-After", "1"),)
)
_FAILED: Final = Response(500, b'{"error":"Internal server error"}')


def ask(
    reader: "Reader",
    who: str,
    exchange: Exchange,
    question: "Callable[[Access], bytes | None]",
    same: Hashable | None = None,
) -> None:
    """Ask a question and answer the exchange with its result.

    Args:
        reader: answers it on its own thread.
        who: the reader of the answer, whose questions are counted together.
        exchange: the request.
        question: returns the JSON of the answer; None for 404.
        same: equal for requests whose answers are equal, if they are made at the same moment; see `Reader.ask`.
    """

    def answered(outcome: bytes | Exception | None) -> None:
        exchange.respond(response_to(outcome))
        if isinstance(outcome, Exception) and exchange_failed(outcome):
            raise outcome  # for the log

    def waits() -> bool:
        # A browser that sends FIN has closed its side. Others who do so get an answer as long as there is room.
        return exchange.is_open and not exchange.sender.peer_sent_fin

    reader.ask(who, question, answered, same, waits)


def response_to(outcome: bytes | Exception | None) -> Response:
    """Return the answer to what a question gave."""
    if isinstance(outcome, bytes):
        return Response(200, outcome, _NO_STORE)
    if outcome is None:
        return NOT_FOUND
    if isinstance(outcome, ParameterError):
        return invalid(outcome)
    if isinstance(outcome, (OldCursorError, PastChangedError)):
        return Response(400, _error("Invalid parameters", {"cursor": OLD_CURSOR}))
    if isinstance(outcome, QuestionRefusedError):
        return Response(503, _error("Try again", str(outcome)), _TRY_AGAIN)
    if isinstance(outcome, QuestionTooLongError):
        return Response(503, _error("The question takes too long", "ask for a shorter span, or a name"), _TRY_AGAIN)
    return _LOCKED if _is_lock(outcome) else _FAILED


def exchange_failed(outcome: Exception) -> bool:
    """Return True if an exception is a fault of this server's, which the log has to show."""
    expected = (ParameterError, OldCursorError, PastChangedError, QuestionRefusedError, QuestionTooLongError)
    return not isinstance(outcome, expected) and not _is_lock(outcome)


def _is_lock(outcome: Exception) -> bool:
    """Return True if another program holds the database."""
    from winlogd.store.file.faults import LOCKS  # loads SQLite, which the reader has loaded by now

    return isinstance(outcome, LOCKS)


def invalid(fault: ParameterError) -> Response:
    """Return the 400 that names each wrong parameter and what is wrong with it."""
    return Response(400, _error("Invalid parameters", fault.details), reason="Invalid parameters")


def _error(error: str, details: object) -> bytes:
    return orjson.dumps({"error": error, "details": details})
