"""GET /api/v1/search: one box for a part of any name, an address, a room, a time, or a name and a time together.

It says what it understood, never fails, and finds nothing where there is nothing.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal

from winlogd.api.parameters import Values, one_of
from winlogd.api.reading import Asked
from winlogd.api.search_count import best_of, count_at
from winlogd.api.session_fields import local_text
from winlogd.sessions.moment_words import in_words
from winlogd.sessions.moments import Moment
from winlogd.sessions.spoken import find_moment
from winlogd.store.read.search import Name, find_names
from winlogd.store.read.search_now import find_names_now

if TYPE_CHECKING:  # types only
    from datetime import tzinfo

    from winlogd.store.read.access import Access

PARAMETERS: Final = ("q", "lang")
_MOST_CHARACTERS: Final = 256
"""Of a longer text, so many characters are understood."""
_NOTHING: Final = {"en": "nothing", "fr": "rien"}


def search(values: Values, asked: Asked) -> "Callable[[Access], object]":
    """Return the question for what some words may mean."""
    words = values.text("q")[:_MOST_CHARACTERS].split()
    language: Literal["en", "fr"] = values.read("lang", one_of(("en", "fr"))) or "en"
    site, now_us = asked.site, asked.now_us
    periods = {period.name: (period.begins, period.ends) for period in site.periods}
    understood = find_moment(words, now_us, site.zone, periods)

    def find(access: "Access") -> object:
        find_all = find_names if asked.asker.sees_past else find_names_now
        names, moment = find_all(access, understood.left, site, now_us), understood.moment
        best = best_of(names, understood.left)
        is_counted = asked.asker.sees_past and (best is not None or not understood.left)
        counted = moment if is_counted else None
        return {
            "understood": _understood(understood.left, understood.moment, asked, language),
            "words": list(understood.left),
            "people": [_name("username", "hostname", each, site.zone) for each in names.people],
            "machines": [_name("hostname", "username", each, site.zone) for each in names.machines],
            "rooms": [{"name": room} for room in names.rooms],
            "addresses": [_name("source_ip", "hostname", each, site.zone) for each in names.addresses],
            "moments": [] if moment is None else _moments(moment, asked, language),
            "best": best,
            "count": None if counted is None else count_at(access, counted, best, names, asked),
        }

    return find


def _understood(words: Sequence[str], moment: Moment | None, asked: Asked, language: Literal["en", "fr"]) -> str:
    """Return in words what was understood: the name that is looked for, and the moment."""
    parts = [" ".join(words)] if words else []
    if moment is not None:
        parts.append(in_words(moment, asked.now_us, asked.site.zone, language))
    return ", ".join(parts) or _NOTHING[language]


def _moments(moment: Moment, asked: Asked, language: Literal["en", "fr"]) -> list[dict[str, object]]:
    words = in_words(moment, asked.now_us, asked.site.zone, language)
    return [
        {
            "words": words,
            "from": local_text(first_us, asked.site.zone),
            "to": local_text(last_us, asked.site.zone),
            "is_future": first_us > asked.now_us,
            "is_now": first_us == last_us == asked.now_us,
        }
        for first_us, last_us in moment.spans
    ]


def _name(field: str, beside: str, found: Name, zone: "tzinfo | None") -> dict[str, object]:
    return {field: found.name, "last": local_text(found.used_us, zone), beside: found.beside}
