"""A name is found in a file in all encodings and letter cases, and not where it is a part of a longer name."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from winlogd.commands import forget_traces
from winlogd.commands.forget_traces import Traces

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "json": lambda text: json.dumps(text)[1:-1].encode(),
    "percent": lambda text: quote(text, safe="").encode(),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("spelling", ["admin\\zoé", "ADMIN\\ZOÉ", "Admin\\Zoe\u0301", "aDMIN\\zOÉ"])
def test_it_finds_all_encodings_and_spellings(path: Path, encoding: str, spelling: str) -> None:
    path.write_bytes(b"\0\x07xC" + ENCODINGS[encoding](spelling) + b"2026")
    assert Traces(["admin\\zoé"], []).count_in(str(path)) == 1
    assert Traces(["admin\\eve"], []).count_in(str(path)) == 0


def test_a_part_of_a_longer_name_is_no_trace(path: Path) -> None:
    path.write_bytes(b"malice ALICE-laptop alice alicealice malice")
    assert Traces(["alice"], ["alice"]).count_in(str(path)) == 6
    path.write_bytes(path.read_bytes() + "Malice".encode("utf-16-le"))
    assert Traces(["alice"], ["malice", "alice-laptop"]).count_in(str(path)) == 3
    assert Traces([], ["alice"]).count_in(str(path)) == 0


@pytest.mark.parametrize("piece", [1, 3, 5, 7, 16, 1000])
def test_it_finds_each_place_once_wherever_a_piece_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(forget_traces, "_PIECE_BYTES", piece)
    path.write_bytes(b"alice" * 3 + b"malice." * 4 + b"." * 20 + b"alice" + b"malice" + b"x" * 9 + b"alice")
    assert Traces(["alice"], ["malice"]).count_in(str(path)) == 5


def test_it_says_how_far_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget_traces, "_PIECE_BYTES", 4)
    path.write_bytes(b"alice 1234")
    searched: list[int] = []
    Traces(["alice"], []).count_in(str(path), searched.append)
    assert searched == [4, 4, 2]


def test_many_longer_names_take_no_more_look_ups(path: Path) -> None:
    """The names of thousands of accounts with the same beginning have few lengths: only these are looked up."""
    accounts = [f"eleve{number:04}" for number in range(3000)]
    path.write_bytes(b"".join(f"\x07{each}C2026-01-12{each}@A1".encode() for each in accounts) + b"\x07eleveC2026")
    around = forget_traces._around(b"eleve", [each.encode() for each in [*accounts, "x-eleve", "eleve"]])

    assert around.shapes == {(0, 9), (2, 7)}
    assert Traces(["eleve"], accounts).count_in(str(path)) == 1
