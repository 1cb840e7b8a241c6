"""A run finds a fault, makes its input small, keeps the input, and reports it."""

import random
from pathlib import Path

import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz import drawn, target
from tests.fuzz.log_lines import mutate
from tests.fuzz.report import Failure, Report
from tests.fuzz.target import Target, fault_of, inputs, keep, smallest


def refuses_escape(octets: bytes) -> None:
    """Raise an error for one octet."""
    if b"\x1b" in octets:
        raise ValueError("an escape")


TOY = Target("toy", refuses_escape, mutate)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a corpus of its own, with one harmless input for `TOY`."""
    monkeypatch.setattr(target, "CORPUS", tmp_path)
    monkeypatch.setattr(drawn, "CORPUS", tmp_path)
    keep(b"harmless text", tmp_path / "toy", "text")
    return tmp_path / "toy"


def test_a_fault_is_found_made_small_and_kept(corpus: Path) -> None:
    report = drawn.run(TOY, 30, random.Random(1))

    assert [failure.octets for failure in report.failures] == [b"\x1b"]
    assert report.failures[0].path.read_bytes() == b"\x1b"
    assert report.failures[0].path in inputs(corpus)
    assert "ValueError('an escape')" in str(report)


def test_nothing_is_reported_of_what_is_not_wrong(corpus: Path) -> None:
    report = drawn.run(Target("toy", len, mutate), seconds=0.05)  # type: ignore[arg-type]  # its result is not used

    assert report.failures == ()
    assert report.executions > 0
    assert len(inputs(corpus)) == 1


def test_smaller_inputs_have_the_same_kind_of_fault() -> None:
    assert smallest(TOY, b"before\x1bbehind" * 50) == b"\x1b"
    assert isinstance(fault_of(TOY, b"\x1b"), ValueError)
    assert fault_of(TOY, b"text") is None


def test_a_failure_ends_the_run_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = Failure("ValueError()", b"\x1b[2J", Path("corpus/log/failure-1"))
    reports = {name: Report(name, "an engine", 7, 0, (failure,) if name == "log" else ()) for name in fuzz.NAMES}
    monkeypatch.setattr(fuzz, "run", lambda name, seconds, keep: reports[name])

    assert fuzz.main(["--target", "parser"]) == 0
    assert fuzz.main(["--seconds", "1"]) == 1
    printed = capsys.readouterr().out
    assert "parser (an engine): 7 executions, 0 new corpus entries, 0 failures" in printed
    assert r"input b'\x1b[2J'" in printed
    assert "kept in corpus/log/failure-1" in printed
