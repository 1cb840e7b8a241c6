"""How much a job does in one step. Pure."""

from typing import Final, NamedTuple

_SHORTEST_S: Final = 1e-6
"""A clock that stands still must not divide by zero."""


class Steps(NamedTuple):
    """The size of a job's steps.

    Attributes:
        target_s: how long a step with its COMMIT should take at most.
        fewest: the fewest rows of a step, however slow it is.
        most: the most rows of a step, however fast it is.
    """

    target_s: float
    fewest: int
    most: int

    def after(self, rows: int, took_s: float) -> int:
        """Return the number of rows of the next step, after a step of `rows` that took `took_s`."""
        faster = min(2.0, self.target_s / max(took_s, _SHORTEST_S))
        return max(self.fewest, min(int(rows * faster), self.most))


BESIDE_EVENTS: Final = Steps(0.0007, 8, 256)
"""Steps in a server: events wait for them. Two steps and the checkpoint after them make five syncs, of which one is for
the new header of the WAL. If a sync takes 10 ms, steps have the fewest rows. To move a million rows then takes some
fifty minutes, and five times as long while events come."""
ALONE: Final = Steps(0.2, 256, 8192)
"""Steps without a server: only other programs that write wait for them."""
