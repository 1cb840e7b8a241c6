"""Names are found in reports wherever they stand, in all spellings, and parts of other words are no names."""

import json

import pytest

from winlogd.events.names import folded
from winlogd.store.past.mentions import Mentions

NAMES = ("alice", "dom\\zoé", "strauß", "person.012", "a b", "1000", "true", "carol$", "zoé", '"eve"', "\\dan\\")
STAYS = "alice.jones"


def hidden(report: str) -> str:
    """Return a report with ``*`` in place of the names."""
    known: dict[str, str | None] = dict.fromkeys(map(folded, NAMES), "*")
    mentions = Mentions({**known, STAYS: None})
    changed = mentions.replaced(report, lambda value: value)
    assert changed == report or mentions.may_be_in(report)
    return changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("alice", "*"),
        ("alice, bobby", "*, bobby"),
        (r"C:\Users\alice.ADMIN", r"C:\Users\*.ADMIN"),
        ("user Alice logged on", "user * logged on"),
        ("alice:1000:x", "*:*:x"),
        ("ALICE (Alice M.)", "* (* M.)"),
        ("/alice?x", "/*?x"),
        ("dom\\ZOÉ", "*"),
        ("DOM\\zoe\N{COMBINING ACUTE ACCENT}", "*"),
        ("STRAUSS", "*"),
        ("\nalice\talice", "\n*\t*"),
        ("person.012", "*"),
        ("(A b)", "(*)"),
        ("carol$", "*"),
        ('an "Eve"', "an *"),
        ("C:\\Dan\\x", "C:*x"),
    ],
)
def test_a_name_is_found_between_all_other_characters(before: str, after: str) -> None:
    assert json.loads(hidden(json.dumps([before]))) == [after]
    assert json.loads(hidden(json.dumps({before: before}, ensure_ascii=False))) == {after: after}
    assert hidden(f"no JSON: {before}") == f"no JSON: {after}"


@pytest.mark.parametrize(
    "text",
    ["malice", "alice2", "alice-laptop", "alice_b", "alice\N{COMBINING ACUTE ACCENT}", "nalice", "a.b", "person-012",
     "person.013", "carol", STAYS],
)  # fmt: skip
def test_a_part_of_another_word_is_no_name(text: str) -> None:
    for report in (json.dumps([text]), json.dumps({text: 1}, ensure_ascii=False), f"no JSON: {text}"):
        assert hidden(report) == report


def test_what_is_no_text_in_json_stays() -> None:
    assert hidden('{"n":1000,"is":true,"x":[1000,"1000"]}') == '{"n":1000,"is":true,"x":[1000,"*"]}'


@pytest.mark.parametrize("report", [r'["\ud800 \u00e9 \u0022"]', r'["\\u0061lice"]', "", "alice\\", "\\"])
def test_any_text_is_borne(report: str) -> None:
    assert hidden(report) == report.replace("alice", "*")


def test_a_name_in_numbers_of_characters_is_found() -> None:
    assert json.loads(hidden(r'["\u0061lice \ud83d\ude00 \u0022zo\u00e9\u0022"]')) == ['* \U0001f600 "*"']
