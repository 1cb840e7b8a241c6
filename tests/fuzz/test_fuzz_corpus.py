"""Every input of the corpus keeps the promises, and so do a few hundred changed ones, new each time."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.drawn import relatives
from tests.fuzz.target import CORPUS, Target, inputs
from tests.fuzz.targets import TARGETS

KEPT = [(target, path) for target in TARGETS.values() for path in inputs(CORPUS / target.name)]

each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


@pytest.mark.parametrize(("target", "path"), KEPT, ids=[f"{target.name}-{path.name}" for target, path in KEPT])
def test_a_kept_input_breaks_no_promise(target: Target, path: Path) -> None:
    target.check(path.read_bytes())


@pytest.mark.hypothesis
@each_target
def test_no_relative_of_a_kept_input_breaks_a_promise(target: Target) -> None:
    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(relatives(target))
    def checked(octets: bytes) -> None:
        target.check(octets)

    checked()


@each_target
@settings(max_examples=50, deadline=None, database=None)
@given(octets=st.binary(max_size=200))
def test_no_random_octets_break_a_promise(target: Target, octets: bytes) -> None:
    target.check(octets)


@each_target
def test_a_mutation_changes_nearly_every_input(target: Target) -> None:
    chance = random.Random(1)
    kept = inputs(CORPUS / target.name)[0].read_bytes()
    mutated = {target.mutate(kept, chance) for _ in range(50)}
    assert len(mutated) > 25


def test_the_corpus_has_no_folder_that_nobody_replays() -> None:
    folders = {path.name for path in CORPUS.iterdir() if path.is_dir()}
    assert folders == {*TARGETS, "conversations"}
