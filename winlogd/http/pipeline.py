"""How many requests of one connection may be handled at once, and may wait for their answers, before it has to wait.

Knows exchanges and their order; not why a connection may have to stop reading besides.
"""

from collections import deque
from typing import Final

from winlogd.http.exchange import Exchange
from winlogd.http.wire.grammar import SAFE_METHODS

MOST: Final = 64
"""With so many that wait, the socket is not read,"""
FEW: Final = MOST // 2 + 1
"""until they are fewer than these."""

IN_A_TURN: Final = 16
"""Requests of one connection that are handled before all others have had their turn: 256 KiB of pipelined GETs, which
come in one piece, would hold up the event loop for 50 ms."""


def is_full(exchanges: deque[Exchange], limit: int) -> bool:
    """Whether no further request may be added to those that wait: there are `limit` of them, or a large answer is due.

    A safe request that is not answered at once waits for something to be fetched, which may be a thousand times its
    own size, and may then have to wait for the answers before it. There is never more than one such answer for each
    connection.
    """
    if len(exchanges) >= limit:
        return True
    if not exchanges:
        return False
    last = exchanges[-1]
    if last.answer is None:
        return last.head is not None and last.head.method in SAFE_METHODS
    return bool(last.shared)
