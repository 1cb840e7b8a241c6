"""Look at the writer's thread from another one, for the watchdog: does it move, or does it hang?

It moves if it looks into its queue, reads or writes files, or waits for the disk. A checkpoint after a long time, or an
fsync of a slow disk, may take minutes. An endless loop does none of this, and neither does a deadlock. The kernel knows
what a thread does, and says it without a look at a disk (proc(5)). After a change of user only root may see what the
thread reads and writes. Then it moves if it waits for anything: an endless loop inside SQLite does not. This file must
not know what the writer does.
"""

import threading
from collections.abc import Sequence
from typing import Final

from winlogd.store.writer.inbox import Inbox

_WAITS_FOR_DISK: Final = "D"
_WAITS: Final = "voluntary_ctxt_switches:"


class Life:
    """What was seen of a thread.

    Args:
        inbox: counts how often the thread has looked into its queue.
        thread: the thread, already started.
    """

    def __init__(self, inbox: Inbox, thread: threading.Thread) -> None:
        self._inbox = inbox
        self._folder = f"/proc/self/task/{thread.native_id}"
        self._seen: Sequence[object] = ()

    def has_moved(self) -> bool:
        """Return True if the thread has moved since the last call."""
        before, self._seen = self._seen, (self._inbox.looks, self._read("io") or waits_in(self._read("status")))
        return self._seen != before or state_in(self._read("stat")) == _WAITS_FOR_DISK

    def _read(self, name: str) -> str:
        """Return what the system says of the thread; nothing if the thread has ended or the system does not say it."""
        try:
            with open(f"{self._folder}/{name}", encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""


def state_in(stat: str) -> str:
    """Return the letter of a thread's state from its line in ``stat``; empty if the line is. The name may be any."""
    return stat.rpartition(")")[2].strip()[:1]


def waits_in(status: str) -> str:
    """Return how often a thread has waited, from its lines in ``status``; empty if they do not say it."""
    return next((line.removeprefix(_WAITS).strip() for line in status.splitlines() if line.startswith(_WAITS)), "")
