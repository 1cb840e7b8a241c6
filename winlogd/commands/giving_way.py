"""Give way to the server: a command that may take long gets the processor time that no other process wants.

This file must not know any command.
"""

import os
from contextlib import suppress
from typing import Final

from winlogd.config.sections import Config

_NICENESS: Final = 10
"""A busy process of the usual priority gets ten times the time of this one (sched(7)), which still gets some."""
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
