"""What a Book remembers, for tests that compare two of them or say what one must know."""

from winlogd.sessions.book import Book
from winlogd.sessions.pair import ACTIONS, OpenSession, Pair, PairKey

Told = tuple[int, str, str]
"""A stored event: its id, timestamp and identifier."""


def remembered(book: Book) -> dict[PairKey, tuple[tuple[OpenSession, ...], dict[str, tuple[Told | None, str]]]]:
    """Return, for each pair, the open sessions, and the latest event and highest timestamp of each action.

    A session and the decision on its logon tell the same of that logon.
    """
    return {key: (pair.open, {each: latest(pair, each) for each in ACTIONS}) for key, pair in book.pairs.items()}


def latest(pair: Pair, action: str) -> tuple[Told | None, str]:
    """Return what a pair knows of an action: its latest event, and the highest timestamp."""
    known = pair.of(action)
    stored = known.stored
    return stored and (stored.event_id, stored.timestamp, stored.session_uuid), known.highest
