"""What a fuzz target is, and where its inputs are kept.

A target is a check over octets: it returns when a promise was kept and raises when it was not. It knows no engine; an
engine (`guided`, `drawn`) knows no promise. Inputs that are worth keeping are small files in ``corpus/<target>/``;
the ordinary test run replays them all.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).parent / "corpus"
MAX_INPUT_BYTES: Final = 4096
"""What an engine makes is no longer, where a target does not ask for more: what has a limit is checked with small
limits, too."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that is fuzzed.

    Attributes:
        name: also of its folder in the corpus.
        check: raises, whatever it likes, when the input breaks a promise.
        mutate: a relative of an input: as often as not still valid, and damaged where it matters.
        max_input_bytes: what an engine makes is no longer.
    """

    name: str
    check: Callable[[bytes], None]
    mutate: Callable[[bytes, random.Random], bytes]
    max_input_bytes: int = MAX_INPUT_BYTES


def inputs(folder: Path) -> list[Path]:
    """The files of a corpus folder, in a steady order."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def keep(octets: bytes, folder: Path, kind: str) -> Path:
    """Writes an input into a folder, under a name that its content gives; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{hashlib.sha256(octets).hexdigest()[:12]}"
    path.write_bytes(octets)
    return path


def fault_of(target: Target, octets: bytes) -> Exception | None:
    """What the check raises for this input."""
    try:
        target.check(octets)
    except Exception as error:  # an AssertionError, or whatever came out of what is fuzzed
        return error
    return None


def smallest(target: Target, octets: bytes) -> bytes:
    """A shorter input with the same kind of fault: pieces are left out as long as that changes nothing."""
    kind = type(fault_of(target, octets))
    size = len(octets) // 2
    while size:
        at = 0
        while at < len(octets):
            shorter = octets[:at] + octets[at + size :]
            if type(fault_of(target, shorter)) is kind:
                octets = shorter
            else:
                at += size
        size //= 2
    return octets
