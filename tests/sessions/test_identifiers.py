import re
from hashlib import md5

import pytest

from winlogd.sessions.identifiers import Identifiers

DAY = "2026-01-13"


def digits_of(session_uuid: str) -> int:
    return int(session_uuid[-6:], 16)


def test_an_identifier_names_user_and_host_and_six_hex_digits() -> None:
    assert re.fullmatch(r"alice@A102-07@[0-9a-f]{6}", Identifiers().draw("alice", "A102-07", DAY, 1))


def test_the_digits_are_the_first_of_an_md5_over_names_day_and_time() -> None:
    expected = md5(b"aliceA102-072026-01-131768293800123456789", usedforsecurity=False).hexdigest()[:6]

    assert Identifiers().draw("alice", "A102-07", DAY, 1768293800123456789) == f"alice@A102-07@{expected}"


def test_any_name_can_be_drawn_for() -> None:
    assert Identifiers().draw("用户\u00a0@", "é@", DAY, 1).startswith("用户\u00a0@@é@@")


def test_the_same_draw_twice_gives_two_identifiers() -> None:
    identifiers = Identifiers()

    drawn = {identifiers.draw("alice", "A102-07", DAY, 1) for _ in range(10)}

    assert len(drawn) == 10


def test_digits_are_used_once_whoever_they_are_for() -> None:
    identifiers = Identifiers()

    drawn = [identifiers.draw(f"user{number}", "A102-07", DAY, number) for number in range(20_000)]

    # Without the map, 20 000 draws of 16 777 216 would repeat about twelve times.
    assert len({digits_of(session_uuid) for session_uuid in drawn}) == 20_000


@pytest.mark.parametrize("prefix", ["", "orphan_", "hardware_"])
def test_marked_digits_are_not_drawn(prefix: str) -> None:
    would_draw = Identifiers().draw("alice", "A102-07", DAY, 1)
    identifiers = Identifiers()

    identifiers.mark(f"{prefix}{would_draw}")

    assert identifiers.draw("alice", "A102-07", DAY, 1) != would_draw


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f",
        "00000",
        "no-hex",
        "None",
        "-00001",
        "-fffff",
        "+0000f",
        " 0000f",
        "0x00ff",
        "0_0_0f",
        "１２３４５６",
        "ffffff",
    ],
)
def test_marking_any_text_does_no_harm(text: str) -> None:
    identifiers = Identifiers()

    identifiers.mark(text)

    assert identifiers.draw("alice", "A102-07", DAY, 1).startswith("alice@A102-07@")


def test_the_first_and_the_last_number_can_be_marked_and_differ() -> None:
    identifiers = Identifiers()

    assert identifiers._mark(0)
    assert identifiers._mark(0xFFFFFF)
    assert not identifiers._mark(0)
    assert not identifiers._mark(0xFFFFFF)
    assert identifiers._mark(1)


def test_an_identifier_is_drawn_even_when_all_digits_are_used() -> None:
    identifiers = Identifiers()
    identifiers._used |= {piece: bytearray(b"\xff" * 4096) for piece in range(16**6 // 8 // 4096)}

    assert identifiers.draw("alice", "A102-07", DAY, 1).startswith("alice@A102-07@")


def test_a_map_is_worn_when_more_than_half_of_all_digits_are_used() -> None:
    identifiers = Identifiers()
    identifiers._marked = 16**6 // 2  # to mark them one by one would take seconds
    assert not identifiers.is_worn

    identifiers.mark("alice@A102-07@00000f")

    assert identifiers.is_worn
