"""Who a token belongs to."""

import random
import string
import time
from hashlib import sha256
from statistics import median
from typing import Final

import pytest

from tests.http.routing import head_of
from winlogd.access.readers import Reader, Readers, bearer_token
from winlogd.events.patterns import Pattern
from winlogd.store.access_file.readers import ReaderRow

TOKEN: Final = "3c6e0b8a9c15224a8228b9a98ca1531d"
NOW_US: Final = 1_800_000_000_000_000


def a_row(
    token: str = TOKEN,
    name: str = "alice",
    scope: str = "all",
    rooms: str | None = None,
    expires_us: int | None = None,
    revoked_us: int | None = None,
    number: int = 1,
) -> ReaderRow:
    digest = sha256(token.encode()).digest()
    return ReaderRow(number, name, scope, rooms, digest, NOW_US - 1, expires_us, revoked_us, None)


def test_a_token_finds_its_reader() -> None:
    readers = Readers([a_row(), a_row("other", "wall", "wall", "A1*", number=2)])
    assert readers.holder_of(TOKEN, NOW_US) == Reader("alice", "all", None, 1)
    assert readers.holder_of("other", NOW_US) == Reader("wall", "wall", Pattern("A1*"), 2)


@pytest.mark.parametrize(
    "token", ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\xe9", "\u20ac", sha256(b"").hexdigest()]
)
def test_another_token_finds_nobody(token: str) -> None:
    assert Readers([a_row()]).holder_of(token, NOW_US) is None


def test_a_hash_that_was_read_in_the_file_is_no_token() -> None:
    row = a_row()
    for text in (row.token.hex(), row.token.decode("latin-1")):
        assert Readers([row]).holder_of(text, NOW_US) is None


@pytest.mark.parametrize(
    ("expires_us", "revoked_us", "is_valid"),
    [
        (None, None, True),
        (NOW_US + 1, None, True),
        (NOW_US, None, False),
        (NOW_US - 1, None, False),
        (None, NOW_US - 1, False),
        (None, NOW_US + 1, False),
        (NOW_US + 1, NOW_US, False),
    ],
)
def test_a_token_that_is_expired_or_revoked_finds_nobody(
    expires_us: int | None, revoked_us: int | None, is_valid: bool
) -> None:
    readers = Readers([a_row(expires_us=expires_us, revoked_us=revoked_us)])
    assert (readers.holder_of(TOKEN, NOW_US) is not None) == is_valid


def test_a_revoked_reader_was_added_all_the_same() -> None:
    assert Readers([]).is_empty
    assert not Readers([a_row(revoked_us=NOW_US)]).is_empty


@pytest.mark.parametrize(
    ("rooms", "seen"),
    [
        (None, {"A101", "a102", "B1", None}),
        ("A1*", {"A101", "a102"}),
        ("a102", {"a102"}),
        ("*", {"A101", "a102", "B1"}),
    ],
)
def test_a_wall_sees_the_rooms_of_its_pattern(rooms: str | None, seen: set[str | None]) -> None:
    reader = Reader("wall", "wall", None if rooms is None else Pattern(rooms))
    assert {room for room in ("A101", "a102", "B1", None) if reader.sees_room(room)} == seen


@pytest.mark.parametrize(
    ("field", "token"),
    [
        ("Authorization: Bearer abc", "abc"),
        ("authorization: bearer  abc", "abc"),
        ("Authorization: BEARER abc def", "abc def"),
        ("Authorization: Bearer", ""),
        ("Authorization: Basic abc", None),
        ("Authorization: abc", None),
        ("User-Agent: Winlog/0.1.0 abc", None),
        ("Cookie: token=abc", None),
    ],
)
def test_a_token_stands_in_authorization_and_nowhere_else(field: str, token: str | None) -> None:
    assert bearer_token(head_of("GET", "/?token=abc", field)) == token


@pytest.mark.long
def test_how_much_of_a_wrong_token_is_right_does_not_show_in_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is asserted of the times: they are printed."""
    readers = Readers([a_row(), *(a_row(f"other {number}", number=number) for number in range(2, 200))])
    digits = random.Random(18).choices
    times: dict[int, list[int]] = {right: [] for right in (0, 8, 16, 24, 31)}
    for _ in range(1_000):
        for right, taken in times.items():
            wrong = TOKEN[:right] + "x" + "".join(digits(string.hexdigits[:16], k=31 - right))
            before = time.perf_counter_ns()
            found = readers.holder_of(wrong, NOW_US)
            taken.append(time.perf_counter_ns() - before)
            assert found is None
    with capsys.disabled():
        print(
            "\nmedian of 1 000, in ns, by digits that are right:",
            {right: median(each) for right, each in times.items()},
        )
