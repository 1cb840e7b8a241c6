"""The two places where sessions are: the past in the database, and today in a reader's temporary tables.

Both have the same columns (`store.file.past_tables`), so that one statement reads either.
"""

from typing import Final, NamedTuple


class Source(NamedTuple):
    """The tables of one of the two places.

    Attributes:
        sessions: the table of sessions.
        names: the table of names.
        inventory: the table of the machines' inventories.
        holds: SQL for a row p of `sessions` that is to be read.
    """

    sessions: str
    names: str
    inventory: str
    holds: str


PAST: Final = Source("main.winlogd_past", "main.winlogd_names", "main.winlogd_inventory", "1")
TODAY: Final = Source(
    "temp.today_sessions",
    "temp.today_names",
    "temp.today_inventory",
    "EXISTS (SELECT 1 FROM main.events_today e WHERE e.id = p.event_id)",
)
"""A row whose event has moved to the archive is in the past, as of the same snapshot."""


EVENTS: Final = "temp.today_events"
"""The rows of ``events_today`` that were read, each with the numbers of its user and its host."""


def index_of(source: Source, column: str) -> str:
    """Return the name of the index on one column of `Source.sessions`: ``user``, ``host``, ``ip`` or ``lasting``."""
    return f"{'winlogd_past' if source is PAST else 'today_sessions'}_{column}"


def index_of_folded(source: Source) -> str:
    """Return the name of the index on the kind and the folded form of `Source.names`."""
    return f"{'winlogd_names' if source is PAST else 'today_names'}_folded"
