"""Measure what questions cost the reader, with a real archive and a real day: the command that the docs name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import past
from bench.questions import QUESTIONS

_LINE = re.compile(r"(.+?) +P50 +[0-9.]+ +P99 +[0-9.]+ ms")


def _names(*options: str, database: Path) -> list[str]:
    """Return the names of the questions for which the command prints figures."""
    command = [sys.executable, "-m", "bench.question_cost", str(database), "--seconds", "0.01", *options]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [_LINE.fullmatch(line) for line in printed.splitlines()]
    assert all(lines), printed
    return [line[1] for line in lines if line]


@pytest.mark.long
def test_the_cost_of_each_question_of_the_scenario_is_printed(tmp_path: Path) -> None:
    database = past.kept(tmp_path, 2_000)

    assert _names("--today", "200", database=database) == [question.name for question in QUESTIONS]
    assert _names("--question", "user", "--question", "rooms", database=database) == ["user", "rooms"]
