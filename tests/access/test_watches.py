"""Answers in pieces end when their readers may not read any more."""

import asyncio
import time

from winlogd.access.readers import Reader
from winlogd.access.watches import Watches
from winlogd.http.wire.message import Response

NAMES = ("alice", "bob", "carol")


class Rights:
    """When the rights of readers end, and the answers that they get."""

    def __init__(self) -> None:
        self.ends_us: dict[str, int | None] = dict.fromkeys(NAMES)
        self.watches = Watches(asyncio.get_running_loop(), lambda reader: self.ends_us[reader.name])
        self.answers = {name: Sent() for name in NAMES}

    def watch_all(self) -> None:
        for name, answer in self.answers.items():
            self.watches.add(Reader(name, "all"), answer)

    def cut_off(self) -> list[str]:
        return [name for name, answer in self.answers.items() if answer.refusals]


class Sent:
    """An answer that is being sent."""

    def __init__(self) -> None:
        self.is_done = False
        self.refusals: list[int] = []

    def cut_off(self, refusal: Response) -> None:
        self.is_done = True
        self.refusals.append(refusal.status)


async def until_cut_off(rights: Rights, names: list[str]) -> None:
    for _ in range(6_000):
        if rights.cut_off() == names:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{rights.cut_off()} were cut off, and not {names}")


async def test_a_change_ends_the_answers_of_those_who_may_not_read_any_more() -> None:
    rights = Rights()
    rights.watch_all()
    rights.ends_us["bob"] = 0
    rights.watches.look_soon()
    await until_cut_off(rights, ["bob"])
    rights.ends_us["alice"] = 0
    rights.watches.look_soon()
    await until_cut_off(rights, ["alice", "bob"])
    assert [answer.refusals for answer in rights.answers.values()] == [[403], [403], []]


async def test_an_answer_ends_in_time_without_a_change() -> None:
    rights = Rights()
    now_us = time.time_ns() // 1000
    rights.ends_us |= {"alice": now_us + 300_000, "bob": now_us + 3_600_000_000}
    rights.watch_all()
    await until_cut_off(rights, ["alice"])
    assert time.time_ns() // 1000 >= now_us + 300_000


async def test_a_right_that_has_ended_before_gives_no_answer() -> None:
    rights = Rights()
    rights.ends_us["carol"] = 0
    rights.watch_all()
    await until_cut_off(rights, ["carol"])


async def test_answers_that_are_done_are_forgotten() -> None:
    rights = Rights()
    rights.watch_all()
    for answer in rights.answers.values():
        answer.is_done = True
    rights.ends_us["alice"] = 0
    rights.watches.add(Reader("bob", "all"), Sent())
    assert len(rights.watches) == 1
    await asyncio.sleep(0.02)
    assert rights.cut_off() == []


async def test_all_end_if_nobody_knows_who_may_read() -> None:
    rights = Rights()
    rights.watch_all()
    rights.watches.end_all()
    await until_cut_off(rights, list(NAMES))
    assert len(rights.watches) == 0


async def test_one_that_fails_does_not_keep_the_others() -> None:
    rights, failed = Rights(), []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failed.append(context["exception"]))

    def fail(refusal: Response) -> None:
        raise ZeroDivisionError

    rights.answers["alice"].cut_off = fail  # type: ignore[method-assign]
    rights.ends_us = dict.fromkeys(NAMES, 0)
    rights.watch_all()
    await until_cut_off(rights, ["bob", "carol"])
    assert [type(error) for error in failed] == [ZeroDivisionError]
