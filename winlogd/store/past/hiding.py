"""Replaces forgotten names in texts: identifiers of sessions, and reports of hardware. Pure.

A report of hardware is JSON that may have a user's name in it: as a value, or as a part of a path such as
``C:\\\\Users\\\\alice``. Only whole parts between quotation marks, slashes and @ are names: a disk by "Intel" is none.
This file must not know tables.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, final

from winlogd.events.names import folded, short_user
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
    """

    __slots__ = ("_any", "_each")

    def __init__(self, found: Mapping[Tombstone, Iterable[str]]) -> None:
        self._each = [(tombstone, _pattern(spellings)) for tombstone, spellings in found.items()]
        self._any = _pattern(spelling for spellings in found.values() for spelling in spellings)

    def may_be_in(self, report: str) -> bool:
        """Return True if a report has one of the names."""
        return self._any.search(report) is not None

    def hidden(self, report: str, received_us: int) -> str:
        """Return a report without the names that were forgotten for this time of receipt."""
        for tombstone, pattern in self._each:
            if tombstone.reaches(received_us):
                name = tombstone.pseudonym or REMOVED
                report = pattern.sub(lambda _, name=name: name, report)  # type: ignore[misc]  # mypy#12557
        return report


def renamed(identifier: str | None, username: str, pseudonym: str) -> str | None:
    """Return a session's identifier for another name. Equal identifiers stay equal.

    Args:
        identifier: as stored, such as ``alice@A102-07@a1b2c3``; None for none.
        username: the name of the row.
        pseudonym: the name that it gets.
    """
    if identifier is None:
        return None
    for prefix in _PREFIXES:
        if identifier.startswith(f"{prefix}{username}@"):
            return f"{prefix}{pseudonym}{identifier[len(prefix) + len(username) :]}"
    return re.sub(re.escape(username), lambda _: pseudonym, identifier, flags=re.IGNORECASE)


def _pattern(spellings: Iterable[str]) -> re.Pattern[str]:
    """Return what finds names in JSON, as whole parts of a text, in any spelling of case and domain."""
    forms = {form for name in spellings for form in (name, folded(name), short_user(name)) if form}
    texts = {json.dumps(form, ensure_ascii=is_ascii)[1:-1] for form in forms for is_ascii in (True, False)}
    parts = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf'(?<=["\\/@])(?:{parts})(?=["\\/@])', re.IGNORECASE)
