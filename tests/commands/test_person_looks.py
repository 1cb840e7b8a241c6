"""Which rows of the readers' log name a person."""

import pytest

from winlogd.commands.person_looks import forms_of, names_one

ALICE = forms_of(["alice", "DOM\\alice"])


@pytest.mark.parametrize(
    "row",
    [
        "user=alice",
        "user=ALICE limit=5",
        "username=alice",
        "user=DOM\\alice",
        "user=al* host=A102-07",
        "q=alice",
        "q=Alice hier 10:15",
        "events format=csv reason=request 7 user=alice",
    ],
)
def test_a_row_with_the_name_is_about_the_person(row: str) -> None:
    assert names_one(row, ALICE)


@pytest.mark.parametrize(
    "row",
    [
        "",
        "user=bob",
        "user=*",
        "user=alice2",
        "user=*a*b*c*d*e*",
        "host=alice",
        "q=ali",
        "room=A102 at=now",
        "sessions reason=alice format=csv",
    ],
)
def test_a_row_without_the_name_is_not(row: str) -> None:
    assert not names_one(row, ALICE)


def test_a_question_for_the_name_alone_is_about_an_account_of_a_domain() -> None:
    assert names_one("user=alice", forms_of(["ADMIN\\alice"]))
    assert not names_one("user=DOM\\alice", forms_of(["ADMIN\\alice"]))


def test_a_name_may_have_spaces() -> None:
    assert names_one("user=john smith host=A102-07", forms_of(["John Smith"]))
