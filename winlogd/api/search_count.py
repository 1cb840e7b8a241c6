"""What a search means above all: the best of the names that were found, and who was there at the moment it names.

This file must not know how names are found, or how a moment is understood.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from winlogd.api.parameters import addresses_in
from winlogd.api.reading import Asked
from winlogd.events.names import folded, short_host, short_user
from winlogd.events.patterns import Pattern
from winlogd.sessions.moments import Moment
from winlogd.store.read.filters import Filters
from winlogd.store.read.search import NamesFound
from winlogd.store.read.sessions import find_sessions

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

Best = Literal["rooms", "people", "machines", "addresses"]
"""The list whose first name is meant."""

MOST_COUNTED: Final = 1_000
"""Sessions that are counted at most: 20 µs each."""
_EXACT, _BEGINS, _INSIDE = range(3)


def best_of(names: NamesFound, words: Sequence[str]) -> Best | None:
    """Return the list whose first name is meant; None if no name was found.

    A name that is the whole text wins over one that begins with it, and that over the others. Of equal ones a room
    wins, then a person, a machine, an address.
    """
    parts = [part for word in words if (part := folded(word))]
    ranks: dict[Best, int] = {}
    if names.rooms:
        name = folded(names.rooms[0])
        is_former = not all(part in name for part in parts)  # a former name is found by its whole text only
        ranks["rooms"] = _EXACT if is_former else _rank((name,), parts)
    if names.people:
        name = names.people[0].name
        ranks["people"] = _rank((folded(name), short_user(name)), parts)
    if names.machines:
        name = names.machines[0].name
        ranks["machines"] = _rank((folded(name), short_host(name)), parts)
    if names.addresses:
        ranks["addresses"] = _rank((folded(names.addresses[0].name),), parts)
    return min(ranks, key=lambda kind: ranks[kind], default=None)


def _rank(forms: tuple[str, ...], parts: Sequence[str]) -> int:
    if " ".join(parts) in forms:
        return _EXACT
    return _BEGINS if any(form.startswith(parts[0]) for form in forms) else _INSIDE


def count_at(
    access: "Access", moment: Moment, best: Best | None, names: NamesFound, asked: Asked
) -> dict[str, object] | None:
    """Return how many people were on at a moment: in the room that is meant, on the machine, from the address.

    Args:
        access: a reader's database.
        moment: an instant or a span.
        best: what `best_of` returns; None for the whole site.
        names: what was found.
        asked: what the question is about.

    Returns:
        ``people``; of these, how many are ``doubtful``; ``is_more`` if there are more sessions than are counted; and
        the ``only`` session if there is just one. None for a moment in the future.

    Raises:
        PastChangedError, QuestionTooLongError, QuestionRefusedError, apsw.Error: see `find_sessions`.
    """
    if moment.first_us > asked.now_us:
        return None
    page = find_sessions(access, _filters(moment, best, names), asked.site, asked.now_us, MOST_COUNTED)
    people: dict[str, bool] = {}
    for each in page.found:
        name = folded(each.session.username)
        people[name] = people.get(name, True) and each.certainty == "doubtful"
    only = page.found[0] if len(page.found) == 1 else None
    return {
        "people": len(people),
        "doubtful": sum(people.values()),
        "is_more": page.next_key is not None,
        "only": None
        if only is None
        else {
            "username": only.session.username,
            "hostname": only.session.hostname,
            "certainty": only.certainty,
        },
    }


def _filters(moment: Moment, best: Best | None, names: NamesFound) -> Filters:
    return Filters(
        room=names.rooms[0] if best == "rooms" else None,
        user=_pattern(names.people[0].name) if best == "people" else None,
        host=_pattern(names.machines[0].name.removesuffix(".")) if best == "machines" else None,
        ip=addresses_in(names.addresses[0].name) if best == "addresses" else None,
        from_us=None if moment.is_instant else moment.first_us,
        to_us=None if moment.is_instant else moment.last_us,
        at_us=tuple(first_us for first_us, _ in moment.spans) if moment.is_instant else (),
    )


def _pattern(name: str) -> Pattern:
    """Return a pattern that finds at least one name, also if it has a star."""
    begin, star, _ = name.partition("*")
    return Pattern(begin + star)
