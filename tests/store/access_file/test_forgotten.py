"""Tombstones hold no name, and the readers' log has their numbers."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from winlogd.events.names import folded
from winlogd.store.access_file.file import AccessFile
from winlogd.store.access_file.forgotten import Wish, add_forgotten, read_forgotten, wish_from
from winlogd.store.access_file.looks import Look, LooksAsked, find_looks, write_look
from winlogd.store.past.tombstones import Forgotten, Tombstone

WISH = Wish(("admin\\alice", "alice"), None, None, "", "alice")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.access"


@pytest.fixture
def file(path: Path) -> Iterator[AccessFile]:
    with closing(AccessFile(str(path))) as file:
        yield file


def add(file: AccessFile, wish: Wish, now_us: int = 1) -> Forgotten:
    [found] = file.run([lambda connection: add_forgotten(connection, wish, now_us)])
    assert isinstance(found, Forgotten)
    return found


def filters(file: AccessFile, *texts: str, wish: Wish = WISH, kind: str = "sessions", at_us: int = 1) -> list[str]:
    """Write looks with some filters, forget alice, and return the filters."""
    for text in texts:
        look = Look(at_us, "bob", kind, text, "command")
        file.run([partial(write_look, look=look)])
    add(file, wish)
    [found] = file.run([lambda connection: find_looks(connection, LooksAsked(None, 0, None, 100))])
    return [look.filter for look in reversed(found.looks)]


def test_each_name_gets_a_number_and_is_known_in_all_spellings(file: AccessFile) -> None:
    first = add(file, WISH)
    assert first.last == 2
    found = add(file, Wish(("é",), 5, 9, "forgotten-1", ""), now_us=7)

    assert [each.number for each in found.of("Alice")] == [2]
    assert [each.number for each in found.of("ADMIN\\ALICE")] == [1]
    assert found.of("OTHER\\alice") == ()
    assert [each[2:] for each in found.of("E\u0301")] == [(5, 9, 7, "forgotten-1")]
    again = file.run([read_forgotten])[0]
    assert again.of("alice") == found.of("alice")
    assert again.missing_in(first.mark).of("alice") == ()
    assert again.missing_in(first.mark).of("é") == again.of("é")
    assert again.missing_in(again.mark).last == 0


def test_no_name_is_in_the_file(file: AccessFile, path: Path) -> None:
    filters(file, "user=alice", "user=ADMIN\\alice host=A102-07")
    file.close()

    assert b"alice" not in path.read_bytes().lower()


def test_a_mark_counts_for_no_other_file(file: AccessFile, tmp_path: Path) -> None:
    """Another file may be there after a loss, or an older copy of this one."""
    first = add(file, WISH)
    with closing(AccessFile(str(tmp_path / "other.access"))) as other:
        assert add(other, WISH).missing_in(first.mark).last == 2
    earlier, later = (Forgotten(b"key", [Tombstone(1, b"", None, None, at_us, "")]) for at_us in (1, 2))
    assert later.missing_in(earlier.mark).last == 1
    for mark in ("", "0", "2", "9:0123456789abcdef"):
        assert first.missing_in(mark).of("alice") == first.of("alice")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("user=alice", "user=#2"),
        ("user=ALICE from=2026-01-12", "user=#2 from=2026-01-12"),
        ("username=Admin\\Alice", "username=#1"),
        ("q=A102 alice hier", "q=A102 #2 hier"),
        ("user=alice*", "user=#2*"),
        ("user=bob host=alice-laptop q=malice", "user=bob host=alice-laptop q=malice"),
    ],
)
def test_the_readers_log_has_the_number_in_place_of_the_name(file: AccessFile, before: str, after: str) -> None:
    assert filters(file, before) == [after]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("strauß", "user=STRAUSS q=Strauß* to=Straus", "user=#1 q=#1* to=Straus"),
        ("zoé", "user=ZOE\N{COMBINING ACUTE ACCENT}", "user=#1"),
        ("jean dupont", "q=hier Jean Dupont A102", "q=hier #1 A102"),
        (" carol", "user= Carol host=A1", "user=#1 host=A1"),
        ("dave ", "user=dave  host=dave", "user=#1 host=dave"),
        ("al\u200dice", "user=al ice q=al\u200dIce", "user=#1 q=#1"),
        ("a=b,c", "user=A=B,C", "user=#1"),
    ],
)
def test_each_spelling_is_found_in_the_readers_log(file: AccessFile, name: str, before: str, after: str) -> None:
    assert filters(file, before, wish=Wish((folded(name),), None, None, "", folded(name))) == [after]


@pytest.mark.parametrize(("at_us", "after"), [(4, "user=alice"), (5, "user=#1"), (9, "user=#1"), (10, "user=alice")])
def test_only_looks_inside_the_span_lose_the_name(file: AccessFile, at_us: int, after: str) -> None:
    assert filters(file, "user=alice", wish=Wish(("alice",), 5, 9, "", "alice"), at_us=at_us) == [after]


@pytest.mark.parametrize(
    ("wish", "of_command", "of_others"),
    [
        (Wish(("dom\\alice",), 5, 9, "", "alice"), "user=#1", "user=alice"),
        (Wish((), None, None, "", "alice"), "user=[removed]", "user=[removed]"),
        (Wish((), None, None, "", "alice", is_exact=True), "user=[removed]", "user=alice"),
    ],
)
def test_the_commands_own_row_never_keeps_the_name(
    file: AccessFile, wish: Wish, of_command: str, of_others: str
) -> None:
    assert filters(file, "user=alice", wish=Wish((), None, None, "", ""), kind="forget", at_us=20) == ["user=alice"]
    assert filters(file, "user=alice", wish=wish, at_us=20) == [of_command, of_others]


@pytest.mark.parametrize(
    ("change", "is_right"),
    [
        ({}, True),
        ({"first_us": 1, "last_us": 2}, True),
        ({"names": "alice"}, False),
        ({"names": [1]}, False),
        ({"names": ["Alice"]}, False),
        ({"first_us": "now"}, False),
        ({"pseudonym": None}, False),
    ],
)
def test_an_order_is_read_strictly(change: dict[str, object], is_right: bool) -> None:
    fields = {"names": ["alice"], "first_us": None, "last_us": None, "pseudonym": "", "asked": "alice", **change}
    assert (wish_from(fields) is not None) == is_right
