"""Give the writer a moment without readers, in which SQLite starts the WAL again from its beginning (wal.html §6)."""

import os
import time
from contextlib import suppress
from typing import Final

_PAUSE_S: Final = 0.02
"""The pause for a large WAL. A busy writer commits several times in it."""


def let_wal_start_again(path: str, most_bytes: int) -> None:
    """Pause before a snapshot if the WAL is large.

    Questions that follow each other without a pause would leave a moment without readers to chance.

    Args:
        path: the WAL.
        most_bytes: from this size on there is a pause.
    """
    with suppress(OSError):
        if os.stat(path).st_size > most_bytes:
            time.sleep(_PAUSE_S)
