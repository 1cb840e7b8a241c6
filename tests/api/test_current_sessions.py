"""Who asks who is where before that is known."""

import asyncio
from collections.abc import Callable
from typing import Any

from winlogd.api.current_sessions import CurrentSessions
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Response
from winlogd.sessions.book import Book


class Unopened:
    """A store whose database is not open yet."""

    def with_book(self, use: Callable[[Book | None], None]) -> None:
        self.tell = use


class Peer:
    """What an exchange needs of its connection."""

    peer = "192.0.2.1"

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []

    def answered(self, exchange: Exchange) -> None:
        self.answers.append(exchange.answer)

    def refused(self, response: Response) -> None:
        """Nothing to do."""

    def hold(self) -> None:
        """Nothing to do."""

    def release(self) -> None:
        """Nothing to do."""


async def test_those_that_have_gone_are_forgotten_and_the_others_answered() -> None:
    store: Any = Unopened()
    sessions = CurrentSessions(asyncio.get_running_loop(), store)
    respond = sessions.handler_for(None)  # type: ignore[arg-type]  # it looks at none
    waiting, gone = Peer(), Peer()
    for number in range(10_000):
        exchange = Exchange(waiting if number % 1000 == 0 else gone, None)
        respond(exchange, b"")
        if exchange.sender is gone:
            exchange.drop()

    assert len(sessions._asking) <= 10 + 1100
    store.tell(None)
    await asyncio.sleep(0)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(waiting.answers) == 10
    assert gone.answers == []
