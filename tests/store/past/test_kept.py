"""How long the archive is kept follows from the marks of the database."""

import pytest

from winlogd.store.file.marks import KEPT_DAYS, TAKEN_OVER
from winlogd.store.past.kept import kept_days, kept_text, kept_value


@pytest.mark.parametrize(
    ("days", "is_chosen", "is_taken_over", "value"),
    [(365, False, False, "365"), (0, True, False, "0"), (365, False, True, "waits"), (365, True, True, "365")],
)
def test_the_default_counts_only_in_a_database_of_its_own(
    days: int, is_chosen: bool, is_taken_over: bool, value: str
) -> None:
    assert kept_value(days, is_chosen, is_taken_over) == value


@pytest.mark.parametrize(
    ("marks", "text", "days"),
    [
        ({}, "kept for 365 days", 365),
        ({KEPT_DAYS: "30"}, "kept for 30 days", 30),
        ({KEPT_DAYS: "0"}, "kept for ever", None),
        ({TAKEN_OVER: "1"}, "kept for ever, until retention.history_days is set: the database was taken over", None),
        ({TAKEN_OVER: "1", KEPT_DAYS: "365"}, "kept for 365 days", 365),
    ],
)
def test_a_person_reads_it_in_words_and_a_program_as_a_number(
    marks: dict[str, str], text: str, days: int | None
) -> None:
    assert kept_text(marks, 365) == text
    assert kept_days(marks, 365) == days
