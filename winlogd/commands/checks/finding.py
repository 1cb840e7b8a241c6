"""What a check has found: a value with words for a person. It must not know how it is printed."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

Level = Literal["fault", "note", "ok"]
LEVELS: Final[tuple[Level, ...]] = ("fault", "note", "ok")
"""The worst first. A fault needs a person. A note is worth knowing."""

AS_ANOTHER_USER: Final = "run this as root, or as the user that winlogd runs as; or again later"
"""What to do if the server does not answer this user, or not now."""

_LISTED: Final = 5
"""A sentence names at most this many machines, rooms or readers."""


class Finding(NamedTuple):
    """One thing that a check has found.

    Attributes:
        level: how bad it is.
        what: what was found, without a full stop.
        meaning: what it means for the site; empty if `what` says it.
        advice: what to do; empty for `ok`.
    """

    level: Level
    what: str
    meaning: str = ""
    advice: str = ""


def fine(what: str) -> Finding:
    """Return that there is nothing to do."""
    return Finding("ok", what)


def unseen(what: str, reason: str, advice: str) -> Finding:
    """Return that something could not be looked at.

    Args:
        what: the thing, such as a path.
        reason: why not.
        advice: what to do.
    """
    return Finding("note", f"{what} could not be looked at: {reason}", "", advice)


def few(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level of some findings; ``ok`` if there are none."""
    return min((each.level for each in findings), key=LEVELS.index, default="ok")
