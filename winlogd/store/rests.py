"""When a rotation works and for how long it rests, so that the events that come meanwhile wait little.

It works in pieces: steps, and checkpoints between them. A piece about as long as an event's own COMMIT makes the event
that meets it wait twice as long; one event in five meets one. Pure: the clock, a monotonic one in seconds, is the
caller's.
"""

from typing import Final

_REST_FOR_WORK: Final = 4.0
"""How many times as long as a piece the rest after it is, while events come."""
_STEPS_A_CHECKPOINT: Final = 2
"""A row goes into five indexes of the archive, all over the file: the pages of two steps take about as long to
checkpoint as one step. With steps of 1.5 ms, and SQLite's own checkpoint inside each COMMIT that filled 200 pages, 99
events of 100 took 4.6, 3.1 and 4.6 ms at most during a rotation, and 1.0, 1.4 and 1.6 otherwise; now 1.4, 1.6 and 1.8,
and 1.0, 1.2 and 1.3 otherwise (`python -m tests.chaos.loaded_rotation --rows 60000 --load-seconds 4`, on a virtual
machine with two cores)."""


class Rests:
    """The rests of one rotation after the other.

    Attributes:
        until_s: no piece is to begin before that.
    """

    __slots__ = ("_events_came", "_steps", "until_s")

    def __init__(self) -> None:
        self.until_s = 0.0
        self._events_came = False
        self._steps = 0

    @property
    def is_checkpoint_next(self) -> bool:
        """Whether the next piece is a checkpoint, and not a step."""
        return self._steps >= _STEPS_A_CHECKPOINT

    def note_events(self) -> None:
        """Takes note that events were written."""
        self._events_came = True

    def note_step(self) -> None:
        """Takes note of a step that wrote; one that only reads leaves nothing to checkpoint."""
        self._steps += 1

    def note_checkpoint(self) -> None:
        """Takes note of a checkpoint."""
        self._steps = 0

    def begin(self, begun_s: float, ended_s: float) -> None:
        """Begins the rest after a piece that took from `begun_s` to `ended_s`."""
        self.until_s = ended_s + (_REST_FOR_WORK * (ended_s - begun_s) if self._events_came else 0.0)
        self._events_came = False

    def end(self) -> None:
        """Ends the last rest: the rotation is over."""
        self.until_s = 0.0
        self._events_came = False
        self._steps = 0
