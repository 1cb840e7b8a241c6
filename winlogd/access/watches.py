"""Ends answers in pieces when their readers may not read any more: after a revocation or a logout, and in time.

This file must not know why a reader may read, or what is sent.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from winlogd.access.readers import US, Reader
from winlogd.http.wire.message import Response

_LOOK_EVERY_S: Final = 60.0
"""Look at least this often: somebody may set the clock."""

_ENDED: Final = Response(
    403,
    b'{"error":"Not allowed","details":"meanwhile the token was revoked or has expired, the login has ended, or the'
    b' rules for readers have changed: ask again"}',
    reason="The right to read has ended",
)


class Answer(Protocol):
    """An answer in pieces (`http.stream.Stream`)."""

    is_done: bool

    def cut_off(self, refusal: Response) -> None:
        """End it early."""


class Watches:
    """The answers that are being sent. All methods are called on the event loop's thread.

    Args:
        loop: the event loop.
        ends_us: returns the time from which on a reader may not read, in microseconds since 1970; None for never.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ends_us: Callable[[Reader], int | None]) -> None:
        self._loop = loop
        self._ends_us = ends_us
        self._watched: list[tuple[Reader, Answer]] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, reader: Reader, answer: Answer) -> None:
        """Watch an answer until it is done."""
        self._watched.append((reader, answer))
        self._look()

    def look_soon(self) -> None:
        """Look after the present call: readers or logins have changed."""
        if self._watched:
            self._loop.call_soon(self._look)

    def end(self, answer: Answer) -> None:
        """End one answer."""
        self._loop.call_soon(answer.cut_off, _ENDED)

    def end_all(self) -> None:
        """End all answers: nobody knows who may read. Those who may ask again."""
        watched, self._watched = self._watched, []
        for _, answer in watched:
            self.end(answer)

    def __len__(self) -> int:
        """Return how many answers are watched, perhaps with some that are done."""
        return len(self._watched)

    def _look(self) -> None:
        """End the answers whose readers may not read any more, and look again when the next right ends."""
        now_us, next_s = time.time_ns() // 1000, _LOOK_EVERY_S
        watched, self._watched = self._watched, []
        for reader, answer in watched:
            ends_us = self._ends_us(reader)
            if answer.is_done:
                continue
            if ends_us is not None and now_us >= ends_us:
                self.end(answer)  # after this call: one that fails must not keep the others
                continue
            self._watched.append((reader, answer))
            if ends_us is not None:
                next_s = min(next_s, (ends_us - now_us) / US)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(next_s, self._look) if self._watched else None
