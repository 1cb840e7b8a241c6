"""When a job works and how long it pauses, so that events hardly wait for it.

A job works in pieces: steps, and checkpoints between them. A piece takes about as long as an event's own COMMIT, so an
event that arrives during a piece waits twice as long. At most one event in five does, unless pieces take more than a
quarter of a second. Pure: the caller gives the time, of a monotonic clock in seconds.

99 events of 100 take 1.4, 1.6 and 1.8 ms at most during a rotation, and 1.0, 1.2 and 1.3 otherwise. That is what
``python -m tests.chaos.loaded_rotation --rows 60000 --load-seconds 4`` printed in three runs, on a virtual machine with
two cores.
"""

from typing import Final

_PAUSE_FOR_WORK: Final = 4.0
"""While events come, the pause after a piece is this many times as long as the piece."""
_MAX_PAUSE_S: Final = 1.0
"""The longest pause. A piece may take long because of a reader or a slow disk; the next one may be short again."""
_WAIT_S: Final = 0.001
"""The pause before a job that waits for another thread is asked again."""
_STEPS_A_CHECKPOINT: Final = 2
"""Make a checkpoint after this many steps that wrote. A row goes into five indexes of the archive, all over the file.
To checkpoint the pages of two steps takes about as long as one step."""


class Pacing:
    """The pauses of the jobs of one writer.

    Attributes:
        until_s: no piece may begin before this time.
    """

    __slots__ = ("_events_came", "_steps", "_waits_since_s", "until_s")

    def __init__(self) -> None:
        self.until_s = 0.0
        self._events_came = False
        self._steps = 0
        self._waits_since_s: float | None = None

    @property
    def is_checkpoint_next(self) -> bool:
        """Return True if the next piece is a checkpoint, False if it is a step."""
        return self._steps >= _STEPS_A_CHECKPOINT

    def note_events(self) -> None:
        """Take note that events were written."""
        self._events_came = True

    def after_step(self, begun_s: float, ended_s: float) -> None:
        """Begin the pause after a step.

        Args:
            begun_s: when the step began.
            ended_s: when its COMMIT had ended.
        """
        since_s, self._waits_since_s = self._waits_since_s, None
        self._pause(begun_s if since_s is None else since_s, ended_s)
        self._events_came = False

    def wait(self, now_s: float) -> None:
        """Put a step off, because the job waits for another thread. The wait is a part of the step that comes then."""
        if self._waits_since_s is None:
            self._waits_since_s = now_s
        self.until_s = now_s + _WAIT_S

    def after_checkpoint(self, begun_s: float, ended_s: float) -> None:
        """Begin the pause after a checkpoint. One that moved no page took no time, and has no pause.

        Args:
            begun_s: when the checkpoint began.
            ended_s: when it had ended.
        """
        self._steps = 0
        self._pause(begun_s, ended_s)

    def note_pages(self) -> None:
        """Take note that a step has written: a WAL then has pages to checkpoint."""
        self._steps += 1

    def end(self) -> None:
        """End the pause: the job has ended."""
        self.until_s = 0.0
        self._events_came = False
        self._steps = 0
        self._waits_since_s = None

    def _pause(self, begun_s: float, ended_s: float) -> None:
        pause_s = min(_PAUSE_FOR_WORK * (ended_s - begun_s), _MAX_PAUSE_S) if self._events_came else 0.0
        self.until_s = ended_s + pause_s
