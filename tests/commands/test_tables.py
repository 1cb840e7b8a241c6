"""Tables fit the terminal, and nothing in a name can run it."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winlogd.commands.letters import cells, cut, visible
from winlogd.commands.table import table

TEXTS = st.text(max_size=30)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice", "alice"),
        ("françois", "françois"),
        ("\x1b[2J", "⟨U+001B⟩[2J"),
        ("\u202eecila", "⟨U+202E⟩ecila"),
        ("a\nb\tc\x9b", "a⟨U+000A⟩b⟨U+0009⟩c⟨U+009B⟩"),
        ("\u2028\u2066\u200b\ufeff\U000e0041", "⟨U+2028⟩⟨U+2066⟩⟨U+200B⟩⟨U+FEFF⟩⟨U+E0041⟩"),
        ("\udc80", "⟨U+DC80⟩"),
    ],
)
def test_what_would_control_a_terminal_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("日本", 4),
        ("ｱ", 1),
        ("Ａ", 2),
        ("한", 2),
        ("\u1112\u1161\u11ab", 2),
        ("نور", 3),
        ("\u0e01\u0e34", 1),
    ],
    ids=ascii,
)
def test_wide_characters_and_combining_marks_are_counted(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("alice", 5, "alice"),
        ("alice", 4, "ali…"),
        ("alice", 1, "…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
    ],
    ids=ascii,
)
def test_a_text_is_cut_between_characters_and_not_before_a_mark(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=5), st.integers(1, 120))
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, str, str, str]], width: int) -> None:
    lines = table(("USER", "FROM", "ROOM", "STATE"), rows, width).split("\n")
    assert len(lines) == len(rows) + 2
    assert lines.pop() == ""
    assert all(cells(line) <= width for line in lines)
    assert not {category(each) for line in lines for each in line} & {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_without_a_terminal_nothing_is_cut(rows: list[tuple[str, str]]) -> None:
    lines = table(("USER", "ROOM"), rows, None).split("\n")[1:-1]
    for row, line in zip(rows, lines, strict=True):
        first, second = map(visible, row)
        assert line.startswith(first.rstrip(" "))
        assert line.endswith(second.rstrip(" "))


def test_names_are_cut_before_times() -> None:
    rows = [("somebody.with.a.long.name", "2026-01-13 10:15", "A room with a long name")]
    assert table(("USER", "FROM", "ROOM"), rows, 44) == (
        "USER          FROM              ROOM\nsomebody.wi…  2026-01-13 10:15  A room with…\n"
    )


def test_a_table_without_rows_is_nothing() -> None:
    assert table(("USER",), [], 80) == ""
