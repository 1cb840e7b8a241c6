"""README.md and other pages as tests see them: the first event, and code blocks, each with the answer shown below it.

Knows how the text is written (fenced blocks, `sudo`), not what the commands do.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from textwrap import dedent
from typing import Final, NamedTuple

from tests.support.paths import ROOT

TEXT: Final = (ROOT / "README.md").read_text("utf-8")

LOGON: Final = {"username": "alice", "action": "C", "timestamp": "2026-01-13T08:30:00Z", "hostname": "A102-07"}
"""The event that the text sends first."""

_FENCED: Final = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_ANSWERS: Final = ("json", "text")
_PRELUDE: Final = 'set -euo pipefail; sudo() { "$@"; }; systemctl() { :; }\n'
"""Commands run as whoever runs the tests; services are the test's own business."""
_PATIENCE_S: Final = 60.0


class Block(NamedTuple):
    """A code block; `answer` is the text of the JSON or text block that follows it, if one does."""

    language: str
    text: str
    answer: str


def blocks(page: str = TEXT) -> list[Block]:
    """Every block of a page that is not the answer of the one before it."""
    found: list[Block] = []
    for match in _FENCED.finditer(page):
        language, text = match[2], dedent(match[3])
        if language in _ANSWERS:
            found[-1] = found[-1]._replace(answer=text)
        else:
            found.append(Block(language, text, ""))
    return found


def block(beginning: str, page: str = TEXT) -> Block:
    """The one block of a page that begins so."""
    [found] = [each for each in blocks(page) if each.text.startswith(beginning)]
    return found


def replaced(text: str, replacements: Mapping[str, object]) -> str:
    """`text` with each key replaced; each has to be there, or the test would not run what it says it runs."""
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, str(new))
    return text


def run(commands: str, replacements: Mapping[str, object], environ: Mapping[str, str] | None = None) -> str:
    """Runs a block's commands by bash; returns what they printed.

    Raises:
        AssertionError: one of them failed.
    """
    script = _PRELUDE + replaced(commands, replacements)
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        env={**os.environ, **(environ or {})},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def comparable(answer: str) -> str:
    """An answer without what differs from run to run: the identifiers' random digits, the version, how long it took."""
    answer = re.sub(r" in \d+\.\d s;", " in _ s;", answer)
    answer = re.sub(r'@[0-9a-f]{6}"', '@______"', answer)
    return re.sub(r'"version":"[^"]+"', '"version":"…"', answer).strip()
