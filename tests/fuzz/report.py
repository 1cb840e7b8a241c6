"""What a run of a target has done, and how that is told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that breaks a promise.

    Attributes:
        fault: what was raised, in words.
        octets: the input, made as small as could be.
        path: where it was kept; the ordinary test run replays it from there.
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
        engine: what made the inputs.
        new: inputs that reached code which no kept one reaches; None when the engine cannot tell.
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
