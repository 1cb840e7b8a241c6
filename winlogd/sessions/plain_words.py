"""Words for days, months and parts of a day, in English and French. It knows words, not dates or time zones.

The tables belong to winlogd: a locale of the system may be missing, and one search takes both languages. All words are
in the form of `plain`: small letters without accents.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from unicodedata import combining, normalize

_LONGEST: Final = 40
"""Characters of a word. No longer word is about time, except by mistake."""
PADDING: Final = 8
"""Empty words after the last one. So a phrase can be compared without a look at the end."""

_SAME: Final = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`\u2032"), "'"),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
}
"""Typographic apostrophes and dashes."""
_AROUND: Final = ' ,;.:!?()[]"«»“”'

WEEKDAYS: Final[Mapping[str, int]] = {
    name: number
    for names in (
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "monday tuesday wednesday thursday friday saturday sunday",
    )
    for number, name in enumerate(names.split())
}
"""Monday is 0."""
SHORT_WEEKDAYS: Final[Mapping[str, int]] = {
    name: number
    for names in (
        "lun mar mer jeu ven sam dim",
        "mon tue wed thu fri sat sun",
        "mon tues weds thur fri sat sun",
        "mon tue wed thurs fri sat sun",
    )
    for number, name in enumerate(names.split())
}
MONTHS: Final[Mapping[str, int]] = {
    name: number
    for names in (
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "janv fev mars avr mai juin juil aou sept oct nov dec",
        "janv fevr mars avr mai juin jui aout sept octo nov dec",
    )
    for number, name in enumerate(names.split(), 1)
}

_HOUR: Final = 3600
MORNING: Final = (6 * _HOUR, 12 * _HOUR)
AFTERNOON: Final = (12 * _HOUR, 18 * _HOUR)
EVENING: Final = (18 * _HOUR, 24 * _HOUR)
"""Parts of a day: the first and the last second since midnight."""
PARTS: Final[Mapping[tuple[str, ...], tuple[int, int]]] = {
    ("matin",): MORNING,
    ("morning",): MORNING,
    ("apres-midi",): AFTERNOON,
    ("apres", "midi"): AFTERNOON,
    ("aprem",): AFTERNOON,
    ("afternoon",): AFTERNOON,
    ("soir",): EVENING,
    ("evening",): EVENING,
}

_Meaning = TypeVar("_Meaning")


def plain(word: str) -> str:
    """Return the form in which a word is compared; empty if the word is too long to be about time.

    Only ``à`` keeps its accent: without one it may be the name of a room.
    """
    if len(word) > _LONGEST:
        return ""
    text = normalize("NFKD", word.translate(_SAME)).casefold()
    bare = "".join(each for each in text if not combining(each)).strip(_AROUND)
    return "à" if bare == "a" and normalize("NFC", text) == "à" else bare


def plain_words(words: Sequence[str]) -> list[str]:
    """Return all words in the form in which they are compared, and `PADDING` empty ones."""
    return [*map(plain, words), *[""] * PADDING]


def phrase_at(
    phrases: Mapping[tuple[str, ...], _Meaning], words: Sequence[str], at: int
) -> tuple[int, _Meaning] | None:
    """Return the longest phrase that begins at a word: the place after it, and its meaning. None if none begins there.

    Args:
        phrases: the meaning of each phrase. No phrase is empty.
        words: the words, in plain form.
        at: the place of the word at which the phrase begins.
    """
    best: tuple[int, _Meaning] | None = None
    for phrase, meaning in phrases.items():
        after = at + len(phrase)
        if words[at] == phrase[0] and tuple(words[at:after]) == phrase and (best is None or after > best[0]):
            best = after, meaning
    return best
