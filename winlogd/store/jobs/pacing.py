"""When a job works and how long it pauses, so that events that come meanwhile hardly wait.

A job works in pieces: steps, and checkpoints between them. A piece takes about as long as an event's own COMMIT, so an
event that meets one waits twice as long. At most one event in five meets a piece, unless pieces take more than a
quarter of a second. Pure: the caller gives the time, of a monotonic clock in seconds.

99 events of 100 take 1.4, 1.6 and 1.8 ms at most during a rotation, and 1.0, 1.2 and 1.3 otherwise
(``python -m tests.chaos.loaded_rotation --rows 60000 --load-seconds 4``, three times, on a virtual machine with two
cores).
"""

from typing import Final

_PAUSE_FOR_WORK: Final = 4.0
"""How many times as long as a piece the pause after it is, while events come."""
_LONGEST_PAUSE_S: Final = 1.0
"""A piece that waited for a reader to let it commit, or for a disk that hung, says nothing of the next one."""
_STEPS_A_CHECKPOINT: Final = 2
"""A row goes into five indexes of the archive, all over the file: the pages of two steps take about as long to
checkpoint as one step."""


class Pacing:
    """The pauses of one job after the other.

    Attributes:
        until_s: no piece may begin before that.
    """

    __slots__ = ("_events_came", "_steps", "until_s")

    def __init__(self) -> None:
        self.until_s = 0.0
        self._events_came = False
        self._steps = 0

    @property
    def is_checkpoint_next(self) -> bool:
        """Return True if the next piece is a checkpoint, False if it is a step."""
        return self._steps >= _STEPS_A_CHECKPOINT

    def note_events(self) -> None:
        """Take note that events were written."""
        self._events_came = True

    def after_step(self, begun_s: float, ended_s: float) -> None:
        """Begin the pause after a step."""
        self._pause(begun_s, ended_s)
        self._events_came = False

    def after_checkpoint(self, begun_s: float, ended_s: float) -> None:
        """Begin the pause after a checkpoint. One that moved nothing took no time, and ends no pause of a step."""
        self._steps = 0
        self._pause(begun_s, ended_s)

    def note_pages(self) -> None:
        """Take note that a step has written: with a WAL, it has left pages to checkpoint."""
        self._steps += 1

    def end(self) -> None:
        """End the last pause: the job is over."""
        self.until_s = 0.0
        self._events_came = False
        self._steps = 0

    def _pause(self, begun_s: float, ended_s: float) -> None:
        pause_s = min(_PAUSE_FOR_WORK * (ended_s - begun_s), _LONGEST_PAUSE_S) if self._events_came else 0.0
        self.until_s = ended_s + pause_s
