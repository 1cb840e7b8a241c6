"""Give way to the server: a command that may take long gets the processor time that no other process wants.

This file must not know any command.
"""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from winlogd.config.sections import Config

if TYPE_CHECKING:  # types only
    from winlogd.store.pauses import Pauses

_NICENESS: Final = 10
"""A busy process of the usual priority gets ten times the time of this one (sched(7)), which still gets some."""
_LONGEST_PAUSE_S: Final = 0.05
"""After a longer pause, to read the events that came meanwhile would take longer than the work itself."""
_THIS: Final = 0
"""This process (getpriority(2))."""


def give_way(config: Config) -> None:
    """Let other processes go first on the processor, up to the end of this one. A second call changes nothing.

    Call this before work for which no event waits. With another journal than a WAL, a COMMIT of the server waits for
    each reader. So this process does not give way then.

    Args:
        config: says which journal the database has.
    """
    if config.database.pragma_journal_mode == "WAL":
        with suppress(OSError):  # a sandbox may forbid it, and the command works as well without it
            os.setpriority(os.PRIO_PROCESS, _THIS, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, _THIS)))


def pauses_beside_events(config: Config, database: str) -> "Pauses | None":
    """Return pauses for work that takes long, while events are written.

    A lower priority alone does not keep a busy process from holding events up. 99 of 100 took 3 to 7 ms beside a
    process of the lowest priority that did nothing but count. Otherwise they took 1 ms. That was on a virtual machine
    with two cores, of which the load took one. With another journal than a WAL there are no pauses: a COMMIT of the
    server would wait for their end.

    Args:
        config: says which journal the database has.
        database: its real path.
    """
    if config.database.pragma_journal_mode != "WAL":
        return None
    from winlogd.store.pauses import Pauses

    wal = f"{database}-wal"

    def written() -> int:
        """Return when the WAL was last written; 0 without a WAL."""
        try:
            return os.stat(wal).st_mtime_ns
        except OSError:
            return 0

    return Pauses(written, longest_s=_LONGEST_PAUSE_S)
