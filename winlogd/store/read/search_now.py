"""What a search may find for one who sees nothing of the past: the people and addresses that are on now."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from winlogd.events.names import folded
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.search import ALPHABET, MOST_FOUND, Name, NamesFound, find_names
from winlogd.store.read.sessions import FIRST_PAGE, Found, find_sessions

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_A_PAGE: Final = 1_000


def find_names_now(access: "Access", words: Sequence[str], site: Site, now_us: int) -> NamesFound:
    """Return the names that contain all words, with the people and addresses of open sessions alone.

    Neither a time nor the order tells of any last use.

    Args:
        access: a reader's database.
        words: parts of a name. Without one, nobody is found.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
    """
    names = find_names(access, words, site, now_us, ALPHABET)
    parts = [part for word in words if (part := folded(word))]
    opened = _open_sessions(access, site, now_us) if parts else []
    return NamesFound(
        people=_matching(opened, lambda found: found.session.username, parts),
        machines=[Name(each.name, None) for each in names.machines],
        rooms=names.rooms,
        addresses=_matching(opened, lambda found: found.session.source_ip, parts),
    )


def _open_sessions(access: "Access", site: Site, now_us: int) -> list[Found]:
    opened: list[Found] = []
    key: int | None = FIRST_PAGE
    while key is not None:
        page = find_sessions(access, Filters(state="open"), site, now_us, _A_PAGE, key)
        opened += page.found
        key = page.next_key
    return opened


def _matching(opened: list[Found], text_of: Callable[[Found], str | None], parts: list[str]) -> list[Name]:
    """Return the names that contain all parts, each once, the shortest first: they are the nearest."""
    names: dict[str, str] = {}
    for found in opened:
        text = text_of(found)
        if text and all(part in folded(text) for part in parts):
            names.setdefault(folded(text), text)
    best = sorted(names.values(), key=lambda name: (len(name), name))
    return [Name(name, None) for name in best[:MOST_FOUND]]
