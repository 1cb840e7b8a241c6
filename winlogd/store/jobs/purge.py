"""What ``winlogd purge`` and the retention delete: which rows, and how that is said.

This file must not know who asks, or how jobs are run.
"""

from typing import Final, Literal, NamedTuple, cast, get_args

from winlogd.store.jobs.delete import BESIDE_EVENTS, Delete, Deleted
from winlogd.store.jobs.selections import Received
from winlogd.store.jobs.steps import Steps
from winlogd.store.jobs.tidy import Tidied

What = Literal["today", "history", "all", "before"]
"""The rows of ``events_today``, those of the archive, all, or those that were received before a moment."""

WHATS: Final[tuple[What, ...]] = get_args(What)


class Purge(NamedTuple):
    """Which rows are deleted.

    Attributes:
        what: of which table, or from which time.
        before_us: the moment of ``before``, in microseconds since 1970; otherwise None.
    """

    what: What
    before_us: int | None

    @property
    def selections(self) -> tuple[Received | None, Received | None]:
        """Return the selections of the archive and of today; None where nothing is deleted."""
        history = None if self.what == "today" else Received("events_history", self.before_us)
        return history, None if self.what == "history" else Received("events_today", self.before_us)

    def job(self, steps: Steps = BESIDE_EVENTS) -> Delete:
        """Return the job that deletes them."""
        return Delete(*self.selections, steps, "counted again" if self.before_us is None else "kept")


def purge_from(what: object, before_us: object) -> Purge | None:
    """Return what an order asks for; None if the order is wrong."""
    if what not in WHATS or isinstance(before_us, bool):
        return None
    if (what == "before") != isinstance(before_us, int):
        return None
    return Purge(what, cast("int | None", before_us))


def sentence_of(deleted: Deleted, tidied: Tidied) -> str:
    """Return what was done as a sentence for a person."""
    return (
        f"{deleted.history} rows of events_history and {deleted.today} of events_today deleted in"
        f" {deleted.seconds + tidied.seconds:.1f} s; pages of the file given back: {tidied.pages}"
    )
