"""Names have numbers, one a spelling, and forms by which all spellings are found."""

from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.store.file.schema import prepare
from winlogd.store.past.names import ADDRESS, HOST, SYSTEM, USER, Names, address_digits, compared

MAPPED = f"{'0' * 20}ffff"


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        yield connection


def found(database: apsw.Connection, kind: int, column: str, text: str) -> list[object]:
    sql = f"SELECT name FROM winlogd_names WHERE kind = ? AND {column} = ? ORDER BY id"
    return [row[0] for row in database.execute(sql, (kind, text))]


def test_a_spelling_has_one_number_for_ever(database: apsw.Connection) -> None:
    first = Names(database).number(USER, "Alice")

    assert [Names(database).number(USER, "Alice") for _ in range(2)] == [first, first]
    assert Names(database).number(USER, "alice") != first
    assert list(database.execute("SELECT count(*) FROM winlogd_names")) == [(2,)]


def test_the_same_text_has_a_number_for_each_kind(database: apsw.Connection) -> None:
    names = Names(database)

    assert len({names.number(kind, "pc-05") for kind in (USER, HOST, ADDRESS, SYSTEM)}) == 4


def test_no_name_and_an_empty_name_are_rows_of_their_own(database: apsw.Connection) -> None:
    names = Names(database)
    numbers = names.number(HOST, None), names.number(HOST, "")

    assert (Names(database).number(HOST, None), Names(database).number(HOST, "")) == numbers
    assert found(database, HOST, "folded", "") == [None, ""]
    assert numbers[0] != numbers[1]


def test_numbers_that_were_rolled_back_are_given_again(database: apsw.Connection) -> None:
    database.execute("BEGIN")
    Names(database).number(USER, "alice")
    database.execute("ROLLBACK")

    bob = Names(database).number(USER, "bob")

    assert list(database.execute("SELECT id, name FROM winlogd_names")) == [(bob, "bob")]


def test_all_spellings_are_found_by_the_folded_and_the_short_name(database: apsw.Connection) -> None:
    names = Names(database)
    users = ["alice", "Alice", "SCHOOL\\Alice", "alice@school.local", "alicia", "\u00c9lise", "e\u0301lise"]
    hosts = ["PC-05", "pc-05.", "PC-05.school.local", "PC-050", "192.0.2.7", "192.0.2.8"]
    for user in users:
        names.number(USER, user)
    for host in hosts:
        names.number(HOST, host)

    assert found(database, USER, "folded", "alice") == users[:2]
    assert found(database, USER, "short", "alice") == users[:4]
    assert found(database, USER, "folded", "\u00e9lise") == users[5:]
    assert found(database, HOST, "folded", "pc-05") == hosts[:2]
    assert found(database, HOST, "short", "pc-05") == hosts[:3]
    assert found(database, HOST, "short", "192.0.2.7") == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("address", "digits"),
    [
        ("192.0.2.7", f"{MAPPED}c0000207"),
        ("::ffff:192.0.2.7", f"{MAPPED}c0000207"),
        ("2001:DB8::1", f"20010db8{'0' * 23}1"),
        ("unknown", "unknown"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("192.0.2.7\0", "192.0.2.7\0"),
        ("", ""),
    ],
)
def test_an_address_is_32_digits_that_sort_like_networks(address: str, digits: str) -> None:
    assert address_digits(address) == digits
    assert compared(ADDRESS, address) == (digits, digits)


@given(st.sampled_from([USER, HOST, ADDRESS, SYSTEM]), st.none() | st.text())
def test_any_name_gets_its_number_back(kind: int, name: str | None) -> None:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        number = Names(connection).number(kind, name)

        assert Names(connection).number(kind, name) == number
        assert list(connection.execute("SELECT kind, name FROM winlogd_names")) == [(kind, name)]


def test_a_name_is_found_by_an_index(database: apsw.Connection) -> None:
    sql = "EXPLAIN QUERY PLAN SELECT id FROM winlogd_names WHERE kind = ? AND name IS ?"

    [(*_, line)] = database.execute(sql, (USER, "alice"))

    assert "winlogd_names_name (name=? AND kind=?)" in str(line)
