"""Whole conversations with a running server keep its promises: those of the corpus, and some new ones each time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.conversations import NAME, Talk, assert_calm, conversations, converse, read, written
from tests.fuzz.target import CORPUS, inputs
from tests.support.running import Winlogd


@pytest.fixture(autouse=True)
def the_server_stays_calm(shared_server: Winlogd) -> Iterator[None]:
    yield
    assert_calm(shared_server)


@pytest.mark.parametrize("path", inputs(CORPUS / NAME), ids=lambda path: path.name)
def test_a_kept_conversation_breaks_no_promise(shared_server: Winlogd, path: Path) -> None:
    converse(shared_server, read(path.read_bytes()))


@settings(
    max_examples=25, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(conversation=conversations())
def test_no_conversation_breaks_a_promise(shared_server: Winlogd, conversation: list[Talk]) -> None:
    converse(shared_server, conversation)


@given(conversation=conversations())
@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None, database=None)
def test_a_conversation_is_the_same_when_it_was_written_and_read(conversation: list[Talk]) -> None:
    assert read(written(conversation)) == conversation
