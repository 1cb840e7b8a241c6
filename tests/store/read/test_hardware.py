"""The list of hardware: the latest inventory of each machine, searched for words, page by page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.questions import a_site, at, interrupted, reading, receive, sent, stay
from tests.support.school_rows import ClockedServer
from winlogd.sessions.places import Place
from winlogd.store.read import hardware
from winlogd.store.read.access import Access
from winlogd.store.read.filters import Site
from winlogd.store.read.hardware import Hardware, HardwarePage, find_hardware

SITE: Final = a_site()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClockedServer]:
    with ClockedServer(tmp_path / "winlog.db", at(0, 6)) as opened:
        yield opened


@pytest.fixture
def access(server: ClockedServer, tmp_path: Path) -> Iterator[Access]:
    with reading(tmp_path / "winlog.db") as opened:
        yield opened


def report(server: ClockedServer, day: int, hour: float, hostname: str, **values: object) -> None:
    receive(server, sent(at(day, hour), "SYSTEM", "M", hostname, hardware=dict(values)))


def asked(
    access: Access, *words: str, room: str | None = None, site: Site = SITE, limit: int = 100
) -> list[tuple[str, str]]:
    found = find_hardware(access, words, room, site, at(5, 0), limit).found
    return [(each.hostname, each.text) for each in found]


def test_each_machine_has_its_latest_inventory_and_the_newest_comes_first(
    server: ClockedServer, access: Access
) -> None:
    report(server, 0, 8, "A1-1", ram=8)
    report(server, 0, 9, "A1-2", ram=8)
    server.rotate(at(1, 1))
    report(server, 1, 8, "a1-1", ram=16)
    receive(server, *stay(at(1, 9), at(1, 10), "alice", "B1-1"))
    before = find_hardware(access, (), None, SITE, at(1, 12), 100)
    assert before == HardwarePage(
        [Hardware("a1-1", "A1", at(1, 8), '{"ram":16}'), Hardware("A1-2", "A1", at(0, 9), '{"ram":8}')],
        None,
        "complete",
    )
    server.rotate(at(2, 1))
    assert find_hardware(access, (), None, SITE, at(2, 12), 100) == before


def test_all_words_are_in_the_inventory_or_the_name_in_any_letter_case(server: ClockedServer, access: Access) -> None:
    report(server, 0, 8, "A1-1", cpu="Intel i5", disk={"model": "Größe E\u0301"})
    report(server, 0, 9, "A1-2", cpu="Intel i7")
    one, two = ("A1-1", '{"cpu":"Intel i5","disk":{"model":"Größe E\u0301"}}'), ("A1-2", '{"cpu":"Intel i7"}')
    assert asked(access, "intel") == [two, one]
    assert asked(access, "intel", "i5") == [one]
    assert asked(access, "grösse", "é") == [one]
    assert asked(access, "a1-2", "i7") == [two]
    assert asked(access, "i5", "i7") == []


def test_a_room_is_the_one_in_which_a_machine_stands_today(server: ClockedServer, access: Access) -> None:
    report(server, 0, 8, "A1-1", n=1)
    report(server, 0, 9, "A1-2", n=2)
    report(server, 0, 10, "A1-3", n=3)
    site = a_site([Place("A1-1", "B7"), Place("A1-3", "A1", state="retired")])
    assert asked(access, site=site) == [("A1-2", '{"n":2}'), ("A1-1", '{"n":1}')]
    assert asked(access, room="B7", site=site) == [("A1-1", '{"n":1}')]


def test_a_name_with_its_domain_is_the_same_machine_and_the_unknown_host_is_none(
    server: ClockedServer, access: Access
) -> None:
    report(server, 0, 8, "A1-1", n=1)
    report(server, 0, 9, "A1-1.school.local", n=2)
    report(server, 0, 10, "unknown", n=3)
    receive(server, sent(at(0, 11), "SYSTEM", "M", "A1-9"))
    assert asked(access) == [("A1-1.school.local", '{"n":2}')]


@pytest.mark.parametrize("rotates", [False, True])
def test_pages_neither_skip_nor_repeat_a_machine_that_reports_meanwhile(
    rotates: bool, server: ClockedServer, access: Access
) -> None:
    for number in range(7):
        report(server, 0, 8 + number / 10, f"A1-{number}", n=number)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = find_hardware(access, (), None, SITE, at(0, 12), 2, cursor)
        seen += [each.hostname for each in page.found]
        cursor, pages = page.next, pages + 1
        report(server, 0, 9 + pages, "A1-0", n=100 + pages)
        report(server, 0, 9.5 + pages, f"B1-{pages}", n=100)
        if rotates:
            server.rotate(at(pages, 20))
            access.begin_question()
    assert (seen, pages) == ([f"A1-{number}" for number in range(6, -1, -1)], 4)


def test_the_last_page_has_no_next_one(server: ClockedServer, access: Access) -> None:
    for number in range(4):
        report(server, 0, 8 + number / 10, f"A1-{number}", n=number % 2)
    assert find_hardware(access, ('"n":1',), None, SITE, at(0, 12), 2).next is None
    assert find_hardware(access, (), None, SITE, at(0, 12), 3).next is not None
    assert find_hardware(access, (), None, SITE, at(0, 12), 4).next is None


def test_large_inventories_make_a_page_shorter(
    server: ClockedServer, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_MOST_CHARACTERS", 2_000)
    for number in range(5):
        report(server, 0, 8 + number / 10, f"A1-{number}", text="x" * 900)
    page = find_hardware(access, (), None, SITE, at(0, 12), 100)
    assert [each.hostname for each in page.found] == ["A1-4", "A1-3", "A1-2"]
    assert [each.hostname for each in find_hardware(access, (), None, SITE, at(0, 12), 100, page.next).found] == [
        "A1-1",
        "A1-0",
    ]


def test_an_inventory_that_moves_during_the_question_is_found(server: ClockedServer, access: Access) -> None:
    for number in range(3):
        report(server, 0, 8 + number / 10, f"A1-{number}", n=number)
    with interrupted(access, lambda: server.rotate(at(1, 1))):
        found = find_hardware(access, (), None, SITE, at(1, 2), 100).found
    assert [each.hostname for each in found] == ["A1-2", "A1-1", "A1-0"]
