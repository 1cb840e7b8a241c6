"""Finds names in reports of hardware, and puts something else in their place. Pure.

A report is JSON that may have a name in it: as a value, or as a part of a text such as ``alice, bobby``. A name begins
and ends at each character that is no letter, digit, ``_`` or ``-``. The words of a report are looked up in a table, so
that many names cost no more than one. This file must not know whose names they are.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, Generic, NamedTuple, TypeVar, final

import orjson

from winlogd.events.names import folded

T = TypeVar("T")

_WORD: Final = re.compile(r"[\w\-\u0300-\u036f]+")
"""A name is made of words and of what stands between them. The range has the accents of decomposed letters."""
_SPACES: Final = {code: " " for code in range(128) if not _WORD.fullmatch(chr(code))}
"""ASCII is split three times as fast that way."""
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_AFTER_ESCAPE: Final = re.compile(rf"\\[bfnrt]({_WORD.pattern})")
r"""In JSON ``\nalice`` is the end of a line and alice."""
_ESCAPES: Final = re.compile(r"((?:\\u[0-9A-Fa-f]{4})+)|\\.", re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class _Form(NamedTuple):
    """How a text is written: how its words are found (group 1), and how it writes what stands between them."""

    word: re.Pattern[str]
    written: Callable[[str], str]


class _Name(NamedTuple, Generic[T]):
    """A name, folded: its words, what stands before, between and behind them, and what belongs to it."""

    words: list[str]
    gaps: list[str]
    value: T


class _Place(NamedTuple):
    """A word of a text: where it begins and ends, and its folded form."""

    begin: int
    end: int
    word: str


@final
class Mentions(Generic[T]):
    """The names to look for. Where several fit, the longest counts.

    Args:
        names: folded names, and what belongs to each. A name without any letter or digit is not looked for.
    """

    __slots__ = ("_by_first_word",)

    def __init__(self, names: Mapping[str, T]) -> None:
        self._by_first_word: Final[dict[str, list[_Name[T]]]] = {}
        for text in sorted(names, key=len, reverse=True):
            if words := _WORD.findall(text):
                name = _Name(words, _WORD.split(text), names[text])
                self._by_first_word.setdefault(words[0], []).append(name)

    def may_be_in(self, report: str) -> bool:
        """Return True if a report may have one of the names."""
        text, known = folded(_without_escapes(report)), self._by_first_word.keys()
        return not known.isdisjoint(words_of(text)) or not known.isdisjoint(_AFTER_ESCAPE.findall(text))

    def replaced(self, report: str, replacement: Callable[[T], str | None]) -> str:
        """Return a report with other texts in place of names. JSON stays JSON: numbers and the like are no names.

        Args:
            report: the text.
            replacement: returns the text in place of a name, by what belongs to it; None if the name stays.
        """
        text = _without_escapes(report)
        if _is_json(report):
            changed = _STRING.sub(lambda found: self._replaced(found[0], _JSON, replacement), text)
        else:
            changed = self._replaced(text, _TEXT, replacement)
        return report if changed == text else changed

    def _replaced(self, text: str, form: _Form, replacement: Callable[[T], str | None]) -> str:
        if not self.may_be_in(text):
            return text
        places = [_Place(*found.span(1), folded(found[1])) for found in form.word.finditer(text) if found[1]]
        pieces, copied = [], 0
        for begin, end, value in self._found(text, form, places):
            if (new := replacement(value)) is not None:
                pieces += [text[copied:begin], new]
                copied = end
        return "".join([*pieces, text[copied:]])

    def _found(self, text: str, form: _Form, places: Sequence[_Place]) -> Iterator[tuple[int, int, T]]:
        """Yield where names begin and end, and what belongs to them."""
        at = 0
        while at < len(places):
            for name in self._by_first_word.get(places[at].word, ()):
                span = _span(name, text, form, places[at : at + len(name.words)])
                if span is not None:
                    yield *span, name.value
                    at += len(name.words) - 1
                    break
            at += 1


def words_of(text: str) -> list[str]:
    """Return the words of a folded text."""
    return text.translate(_SPACES).split() if text.isascii() else _WORD.findall(text)


def _span(name: _Name[T], text: str, form: _Form, places: Sequence[_Place]) -> tuple[int, int] | None:
    """Return where a name begins and ends that stands at some words of a text; None if it does not."""
    if [place.word for place in places] != name.words:
        return None
    first, *inner, last = map(form.written, name.gaps)
    begin, end = places[0].begin, places[-1].end
    between = [text[one.end : other.begin] for one, other in pairwise(places)]
    if between != inner or not text[:begin].endswith(first) or not text.startswith(last, end):
        return None
    return begin - len(first), end + len(last)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


_JSON: Final = _Form(re.compile(rf"\\.|({_WORD.pattern})", re.DOTALL), _escaped)
_TEXT: Final = _Form(re.compile(rf"({_WORD.pattern})"), str)


def _is_json(report: str) -> bool:
    try:
        orjson.loads(report)
    except orjson.JSONDecodeError:
        return False
    return True


def _without_escapes(report: str) -> str:
    r"""Return JSON with characters in place of their numbers, such as é for ``\u00e9``."""
    return _ESCAPES.sub(_character, report) if "\\u" in report else report


def _character(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[0]
    text = str(json.loads(f'"{found[1]}"'))
    return found[0] if _SURROGATE.search(text) else _escaped(text)
