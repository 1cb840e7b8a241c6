"""Names of which a person knows a part: all words, the best first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.questions import a_site, at, reading, receive, sent, stay
from tests.support.school_rows import ClockedServer
from winlogd.sessions.places import Place
from winlogd.store.read.access import Access
from winlogd.store.read.search import Name, find_names
from winlogd.store.read.search_now import find_names_now

SITE: Final = a_site()
NOW: Final = at(2, 12)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClockedServer]:
    with ClockedServer(tmp_path / "winlog.db", at(0, 6)) as opened:
        yield opened


@pytest.fixture
def access(server: ClockedServer, tmp_path: Path) -> Iterator[Access]:
    with reading(tmp_path / "winlog.db") as opened:
        yield opened


def people(access: Access, *words: str) -> list[str]:
    return [each.name for each in find_names(access, words, SITE, NOW).people]


def test_the_best_come_first(server: ClockedServer, access: Access) -> None:
    names = ("marianne", "anne", "anne.roux", "DOM\\anne", "joanne", "bob", "anne.costa")
    for number, name in enumerate(names):
        receive(server, *stay(at(0, 8 + number), at(0, 8.5 + number), name))
    assert people(access, "Anne") == ["DOM\\anne", "anne", "anne.costa", "anne.roux", "joanne", "marianne"]
    server.rotate(at(1, 1))
    assert people(access, "Anne") == ["DOM\\anne", "anne", "anne.costa", "anne.roux", "joanne", "marianne"]


def test_all_words_count_in_any_order(server: ClockedServer, access: Access) -> None:
    for name in ("anne.roux", "anne.costa", "paul.roux"):
        receive(server, *stay(at(0, 8), at(0, 9), name, name))
    assert people(access, "roux", "ANN") == ["anne.roux"]
    assert people(access, "") == people(access) == []
    assert people(access, "%") == people(access, "_") == people(access, "*") == []


def test_the_spelling_that_was_used_last_is_shown_once(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "Gül", "A1-1"))
    server.rotate(at(1, 1))
    receive(server, *stay(at(1, 8), at(1, 9), "GÜL", "a1-1"))
    found = find_names(access, ["gü"], SITE, NOW)
    assert found.people == [Name("GÜL", at(1, 8), "a1-1")]
    assert find_names(access, ["a1"], SITE, NOW).machines == [Name("a1-1", at(1, 8), "GÜL")]


def test_machines_rooms_and_addresses(server: ClockedServer, access: Access) -> None:
    receive(server, sent(at(0, 8), "alice", "C", "A102-07", ip="10.1.0.7"))
    receive(server, sent(at(0, 9), "bob", "C", "B102-01", ip="10.1.0.77"))
    receive(server, sent(at(0, 10), "x", "M", "unknown", ip="2001:db8::5"))
    site = a_site([Place("A102-09", "A102"), Place("C1", "Salle 102")], aliases={"Old lab": "A102"})
    found = find_names(access, ["102"], site, NOW)
    assert found.rooms == ["A102", "B102", "Salle 102"]
    assert found.machines == [
        Name("B102-01", at(0, 9), "bob"),
        Name("A102-07", at(0, 8), "alice"),
        Name("A102-09", None, None),
    ]
    assert find_names(access, ["10.1.0.7"], site, NOW).addresses == [
        Name("10.1.0.7", at(0, 8), "A102-07"),
        Name("10.1.0.77", at(0, 9), "B102-01"),
    ]
    assert find_names(access, ["db8"], site, NOW).addresses == [Name("2001:db8::5", None)]
    assert find_names(access, ["a102"], site, NOW).rooms == ["A102"]
    assert find_names(access, ["old", "lab"], site, NOW).rooms == ["A102"]
    assert find_names(access, ["unknown"], site, NOW).machines == []


def test_at_most_twenty_of_each(server: ClockedServer, access: Access) -> None:
    receive(server, *(sent(at(0, 8) + number, f"user{number}", "C", f"A1-{number}") for number in range(30)))
    found = find_names(access, ["1"], SITE, NOW)
    assert len(find_names(access, ["user"], SITE, NOW).people) == len(found.machines) == 20


def test_a_name_comes_with_the_machine_or_user_of_its_last_session(server: ClockedServer, access: Access) -> None:
    receive(server, *stay(at(0, 8), at(0, 9), "alice", "A1-1"), sent(at(0, 10), "bob", "C", "A1-1"))
    receive(server, *stay(at(0, 11), at(0, 12), "alice", "B1-1"))
    server.rotate(at(1, 1))
    receive(server, sent(at(1, 8), "alice", "C", "A1-2", ip="10.1.0.9"))
    assert find_names(access, ["alice"], SITE, NOW).people == [Name("alice", at(1, 8), "A1-2")]
    machines = {each.name: each.beside for each in find_names(access, ["1-"], SITE, NOW).machines}
    assert machines == {"A1-1": "bob", "A1-2": "alice", "B1-1": "alice"}
    assert find_names(access, ["10.1.0.9"], SITE, NOW).addresses == [Name("10.1.0.9", at(1, 8), "A1-2")]


def test_who_sees_only_now_finds_the_first_machines_of_the_alphabet_whenever_they_were_used(
    server: ClockedServer, access: Access
) -> None:
    hosts = [f"A1-{number:02}" for number in range(30)]
    receive(server, *(sent(at(0, 8) + number, "alice", "C", host) for number, host in enumerate(hosts[:15])))
    server.rotate(at(1, 1))
    receive(server, *(sent(at(1, 8) + number, "bob", "C", host) for number, host in enumerate(hosts[15:])))
    receive(server, *stay(at(1, 9), at(1, 10), "carol", "B-1"))
    assert find_names_now(access, ["a1"], SITE, NOW).machines == [Name(host, None) for host in hosts[:20]]
    assert [each.name for each in find_names_now(access, ["1"], SITE, NOW).machines] == hosts[:20]
    assert find_names_now(access, ["b-1"], SITE, NOW).machines == [Name("B-1", None)]


def test_who_sees_only_now_finds_the_first_of_very_many(server: ClockedServer, access: Access) -> None:
    """Of more than a thousand names, those that came last are left out only where the last use counts."""
    receive(server, *(sent(at(0, 8) + number, "alice", "C", f"A1-{number:04}") for number in range(1_050)))
    assert find_names_now(access, ["a1"], SITE, NOW).machines[0] == Name("A1-0000", None)
