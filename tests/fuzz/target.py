"""Define a fuzz target, and keep its inputs.

A target is a check of octets. It returns if a promise is kept, and raises an error if it is broken. A target must not
know an engine, and an engine (`guided`, `drawn`) must not know a promise. Inputs worth keeping are small files in
``corpus/<target>/``. The ordinary test run replays them all.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).parent / "corpus"
MAX_INPUT_BYTES: Final = 4096
"""The longest input of an engine, unless a target sets another length. It is enough, because small limits are checked
too."""


@dataclass(frozen=True, slots=True)
class Target:
    """One part of winlogd that is fuzzed.

    Attributes:
        name: the target's name, and that of its folder in the corpus.
        check: raises any exception if the input breaks a promise.
        mutate: returns a changed input: often still valid, and damaged in places that matter.
        max_input_bytes: the longest input of an engine.
    """

    name: str
    check: Callable[[bytes], None]
    mutate: Callable[[bytes, random.Random], bytes]
    max_input_bytes: int = MAX_INPUT_BYTES


def inputs(folder: Path) -> list[Path]:
    """Return the files of a corpus folder, always in the same order."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def keep(octets: bytes, folder: Path, kind: str) -> Path:
    """Write an input into a folder, with a name made from its content. Return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{hashlib.sha256(octets).hexdigest()[:12]}"
    path.write_bytes(octets)
    return path


def fault_of(target: Target, octets: bytes) -> Exception | None:
    """Return the exception that the check raises for this input; None if it raises none."""
    try:
        target.check(octets)
    except Exception as error:  # an AssertionError, or any error of the fuzzed part
        return error
    return None


def smallest(target: Target, octets: bytes) -> bytes:
    """Return a shorter input with the same kind of fault. Leave pieces out as long as the fault stays."""
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
