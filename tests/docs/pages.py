"""Read the pages for tests: their texts, and their code blocks, each with the answer that the page shows below it.

This file knows the form of a page: fenced blocks, headings, `sudo`. It must not know what the commands do.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Final, NamedTuple

from tests.support.paths import ROOT

PAGES: Final = (
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md")),
)
"""Every page, as its path below the repository."""

TEXTS: Final = {name: (ROOT / name).read_text("utf-8") for name in PAGES}
EVERYTHING: Final = "\n".join(TEXTS.values())

LOGON: Final = {"username": "alice", "action": "C", "timestamp": "2026-01-13T08:30:00Z", "hostname": "A102-07"}
"""The first event that README.md sends."""

DATABASE: Final = "/var/lib/winlogd/winlog.db"
ADDRESS: Final = "127.0.0.1:3000"
LAN_ADDRESS: Final = "192.168.1.100:3000"
"""The server's address in the LAN on all pages. `DATABASE` and `ADDRESS` are the database and the local address."""

_FENCED: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_ANSWERS: Final = ("json", "text")
_PRELUDE: Final = 'set -euo pipefail; sudo() { "$@"; }; systemctl() { :; }\n'
"""Run each command as the user of the tests, and do nothing for `systemctl`: the tests start servers themselves."""
_PATIENCE_S: Final = 60.0


class Block(NamedTuple):
    """A code block of a page. `answer` is the JSON or text block directly below it, if there is one."""

    page: str
    language: str
    text: str
    answer: str


Runner = Callable[[Block, Path], None]
"""A function that runs a block, with a folder for its files, and asserts that it does what the page says."""


@cache
def blocks() -> tuple[Block, ...]:
    """Return every block of every page, except those that are the answer of the block before."""
    return tuple(block for name in PAGES for block in _blocks_of(name))


def _blocks_of(page: str) -> list[Block]:
    found: list[Block] = []
    end = 0
    for match in _FENCED.finditer(TEXTS[page]):
        language, text = match[2], dedent(match[3])
        is_answer = language in _ANSWERS and found and not TEXTS[page][end : match.start()].strip()
        if not language:  # a picture
            continue
        if is_answer:
            found[-1] = found[-1]._replace(answer=text)
        else:
            found.append(Block(page, language, text, ""))
        end = match.end()
    return found


def block(beginning: str) -> Block:
    """Return the only block of all pages with this beginning."""
    [found] = [each for each in blocks() if each.text.startswith(beginning)]
    return found


def prose(page: str) -> str:
    """Return a page without its code blocks."""
    return _FENCED.sub("", TEXTS[page])


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them: no markup, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def replaced(text: str, replacements: Mapping[str, object]) -> str:
    """Return `text` with each key replaced. Assert that each key is there; else a test would run other commands."""
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, str(new))
    return text


def run(commands: str, replacements: Mapping[str, object], environ: Mapping[str, str] | None = None) -> str:
    """Run the commands of a block with bash. Return their output.

    Raises:
        AssertionError: a command failed.
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
    """Return an answer without the parts that change from run to run: random digits, the version, durations."""
    answer = re.sub(r"( in|;) \d+\.\d s\b", r"\1 _ s", answer)
    answer = re.sub(r'@[0-9a-f]{6}"', '@______"', answer)
    return re.sub(r'"version":"[^"]+"', '"version":"…"', answer).strip()
