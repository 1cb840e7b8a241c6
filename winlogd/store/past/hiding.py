"""Replaces forgotten names in texts: identifiers of sessions, and reports of hardware. Pure.

This file must not know tables, or how a name is found in a report.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, final

from winlogd.events.names import folded, short_user
from winlogd.store.past.mentions import Mentions
from winlogd.store.past.tombstones import Tombstone

REMOVED: Final = "[removed]"
"""What a report has in place of a name whose rows are deleted."""
_PREFIXES: Final = ("", "orphan_", "hardware_")
"""Identifiers of events that belong to no session begin with one of these (`sessions.pairing`)."""


@final
class Hiding:
    """The names that were found, to be replaced in reports.

    Args:
        found: all spellings of names that were found, by the tombstone.
        staying: folded names of others. Where one of them stands, it stays. If a found name without its domain could
            mean one of them, it is hidden only with its domain.
    """

    __slots__ = ("_mentions",)

    def __init__(self, found: Mapping[Tombstone, Iterable[str]], staying: Iterable[str] = ()) -> None:
        forms: dict[str, tuple[Tombstone, ...]] = dict.fromkeys(staying, ())
        shared = set(map(short_user, forms))
        for tombstone, spellings in found.items():
            names = {folded(name) for name in spellings}
            for form in names | ({short_user(name) for name in names} - shared):
                forms[form] = (*forms.get(form, ()), tombstone)
        self._mentions: Final = Mentions(forms)

    def may_be_in(self, report: str) -> bool:
        """Return True if a report may have one of the names."""
        return self._mentions.may_be_in(report)

    def hidden(self, report: str, received_us: int) -> str:
        """Return a report without the names that were forgotten for this time of receipt."""

        def replacement(tombstones: tuple[Tombstone, ...]) -> str | None:
            return next((each.pseudonym or REMOVED for each in tombstones if each.reaches(received_us)), None)

        return self._mentions.replaced(report, replacement)


def others_than(mine: Iterable[str], all_names: Iterable[str]) -> Mentions[str | None]:
    """Return the names of others, to be replaced in the reports of one person: `REMOVED`, and None for the person's.

    Args:
        mine: the person's names. They stay, with and without their domains.
        all_names: the names of all users.
    """
    others = {form: REMOVED for name in all_names for form in (folded(name), short_user(name))}
    own = dict.fromkeys(form for name in mine for form in (folded(name), short_user(name)))
    return Mentions({**others, **own})


def renamed(identifier: str | None, username: str, pseudonym: str) -> str | None:
    """Return a session's identifier for another name. Equal identifiers stay equal.

    Args:
        identifier: as stored, such as ``alice@A102-07@a1b2c3``; None for none.
        username: the name of the row.
        pseudonym: the name that it gets.
    """
    if identifier is None:
        return None
    name = folded(username)
    for prefix in _PREFIXES:
        ends = (at.start() for at in re.finditer("@", identifier)) if identifier.startswith(prefix) else ()
        for end in ends:
            if folded(identifier[len(prefix) : end]) == name:
                return f"{prefix}{pseudonym}{identifier[end:]}"
    if name not in folded(identifier):
        return identifier
    changed = re.sub(re.escape(username), lambda _: pseudonym, identifier, flags=re.IGNORECASE)
    return folded(identifier).replace(name, pseudonym) if changed == identifier else changed
