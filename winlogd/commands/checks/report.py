"""Lay the findings out for a person: the faults first. It must not know what they are about."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final, NamedTuple

from winlogd.commands.checks.finding import LEVELS, Finding, Level, worst
from winlogd.commands.letters import visible
from winlogd.commands.nouns import counted

_TITLES: Final = {"fault": "FAULT", "note": "note", "ok": "ok"}
_GAP: Final = "  "
_NARROWEST: Final = 40
"""The text of a finding has at least this many cells, however narrow the terminal is."""


class Result(NamedTuple):
    """A finding, and the name of the check that has found it."""

    check: str
    finding: Finding


def text_of(results: Sequence[Result], width: int | None, shows_all: bool) -> str:
    """Return the findings as lines: the faults first, then the notes, and a line with the counts at the end.

    Args:
        results: the findings.
        width: the most cells of a line; None for any number.
        shows_all: True for a line for each check that has found nothing, too.
    """
    shown: list[Level] = [level for level in LEVELS if shows_all or level != "ok"]
    ordered = [each for level in shown for each in results if each.finding.level == level]
    left = max((len(each.check) for each in ordered), default=0)
    lines = [line for each in ordered for line in _lines(each, left, width)]
    return "".join(f"{line}\n" for line in (*lines, _counts(results)))


def _lines(result: Result, left: int, width: int | None) -> Iterator[str]:
    finding = result.finding
    head = f"{_TITLES[finding.level]:5}{_GAP}{result.check:{left}}{_GAP}"
    indent = " " * len(head)
    texts = [finding.what, finding.meaning, f"-> {finding.advice}" if finding.advice else ""]
    for text in filter(None, map(visible, texts)):
        for line in _wrapped(text, None if width is None else max(width - len(head), _NARROWEST)):
            yield head + line
            head = indent


def _wrapped(text: str, width: int | None) -> list[str]:
    return [text] if width is None else wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _counts(results: Sequence[Result]) -> str:
    """Return how many checks have found nothing. A check counts once, by its worst finding."""
    checks = dict.fromkeys(each.check for each in results)
    levels = [worst(each.finding for each in results if each.check == check) for check in checks]
    parts = [f"{levels.count('ok')} fine"]
    for level in LEVELS:
        if level != "ok" and (count := levels.count(level)):
            parts.append(f"{count} with a {level}" if count == 1 else f"{count} with {level}s")
    return f"{counted(len(checks), 'check')}: {', '.join(parts)}"
