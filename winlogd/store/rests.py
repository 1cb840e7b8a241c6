"""When a rotation works and for how long it rests, so that the events that come meanwhile wait little.

It works in pieces: steps, and checkpoints between them. A piece about as long as an event's own COMMIT makes the event
that meets it wait twice as long; at most one event in five meets one, unless pieces take more than a quarter of a
second. Pure: the clock, a monotonic one in seconds, is the caller's.

99 events of 100 take 1.4, 1.6 and 1.8 ms at most during a rotation, and 1.0, 1.2 and 1.3 otherwise
(``python -m tests.chaos.loaded_rotation --rows 60000 --load-seconds 4``, three times, on a virtual machine with two
cores).
"""

from typing import Final

_REST_FOR_WORK: Final = 4.0
"""How many times as long as a piece the rest after it is, while events come."""
_MOST_REST_S: Final = 1.0
"""A piece that waited for a reader to let it commit, or for a disk that hung, says nothing of the next one."""
_STEPS_A_CHECKPOINT: Final = 2
"""A row goes into five indexes of the archive, all over the file: the pages of two steps take about as long to
checkpoint as one step."""


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

    def after_step(self, begun_s: float, ended_s: float) -> None:
        """Begins the rest after a step."""
        self._rest(begun_s, ended_s)
        self._events_came = False

    def after_checkpoint(self, begun_s: float, ended_s: float) -> None:
        """Begins the rest after a checkpoint; one that moved nothing took no time, and ends no rest of a step."""
        self._steps = 0
        self._rest(begun_s, ended_s)

    def note_pages(self) -> None:
        """Takes note that a step has written: with a WAL, it has left pages to checkpoint."""
        self._steps += 1

    def end(self) -> None:
        """Ends the last rest: the rotation is over."""
        self.until_s = 0.0
        self._events_came = False
        self._steps = 0

    def _rest(self, begun_s: float, ended_s: float) -> None:
        rest_s = min(_REST_FOR_WORK * (ended_s - begun_s), _MOST_REST_S) if self._events_came else 0.0
        self.until_s = ended_s + rest_s
