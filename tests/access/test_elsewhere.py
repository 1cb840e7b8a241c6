"""Where a person is led who may not open a page."""

import pytest

from tests.http.routing import head_of
from winlogd.access.guard import elsewhere
from winlogd.access.identity import Cure

PERSON, PROGRAM = "Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"


@pytest.mark.parametrize(
    ("cure", "target"),
    [
        ("login", "/login?next=/wall%3Froom%3DA%2520102"),
        ("other reader", "/account?refused=/wall%3Froom%3DA%2520102"),
        ("none", None),
    ],
)
def test_a_person_is_led_to_the_page_that_helps_and_a_program_is_not(cure: Cure, target: str | None) -> None:
    answer = elsewhere(head_of("GET", "/wall?room=A%20102", PERSON), cure)
    if target is None:
        assert answer is None
    else:
        assert answer is not None
        assert (answer.status, answer.body) == (303, b"")
        assert answer.fields == (("Location", target), ("Cache-Control", "no-store"))
    assert elsewhere(head_of("GET", "/wall", PROGRAM), cure) is None
