"""What is known with an answer of the reader's, besides the machines. Values only."""

from typing import NamedTuple

from winlogd.store.read.some_machines import Sight


class Known(NamedTuple):
    """What is known.

    Attributes:
        sight: how far the tables had come.
        silent_since_us: what `silent_before` returned.
        last_event_us: what `last_event_us` returned.
    """

    sight: Sight
    silent_since_us: int | None
    last_event_us: int | None
