"""The order of turns, and the bound on the work of one round of the event loop."""

import asyncio
import time
from typing import Final

import uvloop

from winlogd.http.turns import Turns

TOO_LONG_S: Final = 0.002
"""Longer than one round may give turns."""


class Reader:
    """A reader that notes the rounds of its turns. It asks for further turns until it has had enough."""

    def __init__(self, turns: Turns, rounds: "Rounds", wanted: int = 1, takes_s: float = 0.0) -> None:
        self._turns = turns
        self._rounds = rounds
        self._wanted = wanted
        self._takes_s = takes_s
        self.had: list[int] = []
        self.is_satisfied = asyncio.Event()

    def take_turn(self) -> None:
        self.had.append(self._rounds.number)
        time.sleep(self._takes_s)
        if len(self.had) < self._wanted:
            self._turns.ask(self)
        else:
            self.is_satisfied.set()


class Rounds:
    """Count the rounds of the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.number = 0
        self._loop = loop
        loop.call_soon(self._count)

    def _count(self) -> None:
        self.number += 1
        self._loop.call_soon(self._count)


def play(*plans: tuple[int, float], asked: int = 1) -> list[list[int]]:
    """Run one reader for each plan: the number of its turns, and the seconds of one turn. Return the rounds of each."""

    async def played() -> list[list[int]]:
        loop = asyncio.get_running_loop()
        turns, rounds = Turns(loop), Rounds(loop)
        readers = [Reader(turns, rounds, wanted, takes_s) for wanted, takes_s in plans]
        for _ in range(asked):
            for reader in readers:
                turns.ask(reader)
        assert not any(reader.had for reader in readers), "a turn is never taken at once"
        await asyncio.gather(*(reader.is_satisfied.wait() for reader in readers))
        await asyncio.sleep(0.01)  # time for turns that must not happen
        return [reader.had for reader in readers]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(played())


def test_a_turn_that_takes_long_is_alone_in_its_round() -> None:
    [first], [second], [third] = play((1, TOO_LONG_S), (1, TOO_LONG_S), (1, TOO_LONG_S))
    assert first < second < third


def test_who_wants_many_turns_lets_the_others_have_theirs() -> None:
    greedy, [modest] = play((3, TOO_LONG_S), (1, TOO_LONG_S))
    assert greedy[0] < modest < greedy[1] < greedy[2]


def test_who_asks_twice_has_one_turn() -> None:
    assert [len(had) for had in play((1, 0.0), (1, TOO_LONG_S), asked=2)] == [1, 1]


def test_a_turn_that_fails_takes_none_from_the_others() -> None:
    class Broken:
        def take_turn(self) -> None:
            raise ZeroDivisionError

    async def played() -> tuple[list[int], list[object]]:
        loop = asyncio.get_running_loop()
        faults: list[object] = []
        loop.set_exception_handler(lambda _, context: faults.append(context.get("exception")))
        turns = Turns(loop)
        reader = Reader(turns, Rounds(loop))
        turns.ask(Broken())
        turns.ask(reader)
        await asyncio.sleep(0.01)
        return reader.had, faults

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        had, faults = runner.run(played())
    assert len(had) == 1
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
