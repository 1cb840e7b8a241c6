"""The result of a run of a target, and its text."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that breaks a promise.

    Attributes:
        fault: the text of the exception.
        octets: the input, made as small as possible.
        path: the file with the input. The ordinary test run replays it.
    """

    fault: str
    octets: bytes
    path: Path

    def __str__(self) -> str:
        return f"  FAILED with {self.fault}\n  input {self.octets!r}\n  kept in {self.path}"


@dataclass(frozen=True, slots=True)
class Report:
    """The sums of a run.

    Attributes:
        target: the target's name.
        engine: the name of the engine that made the inputs.
        executions: the number of checked inputs.
        new: the number of inputs that reached new code; None if the engine does not observe that.
        failures: the inputs that broke a promise.
    """

    target: str
    engine: str
    executions: int
    new: int | None
    failures: tuple[Failure, ...]

    def __str__(self) -> str:
        new = "unknown" if self.new is None else str(self.new)
        sums = f"{self.executions} executions, {new} new corpus entries, {len(self.failures)} failures"
        return "\n".join([f"{self.target} ({self.engine}): {sums}", *map(str, self.failures)])
