"""Lines for systemd's journal, which takes `<4>` at the begin of a line for the line's priority (sd-daemon(3)).

Without it everything on standard error has one priority, and `journalctl -p warning` shows nothing. Loaded only where
systemd says that there is a journal.
"""

import os
from collections.abc import Callable, Mapping
from typing import Final

from winlogd.log.lines import Record

PRIORITIES: Final[Mapping[str, bytes]] = {
    "ERROR": b"<3>",
    "WARN": b"<4>",
    "INFO": b"<6>",
    "DEBUG": b"<7>",
    "TRACE": b"<7>",
}
"""What a line of each level begins with; the numbers are those of syslog(3)."""


def is_journal(fd: int, stream: str) -> bool:
    """Return True if a descriptor leads to the journal itself, and not to a file or pipe in its place.

    Args:
        fd: the descriptor.
        stream: `$JOURNAL_STREAM`, device and inode of the journal's socket (systemd.exec(5)).
    """
    try:
        status = os.fstat(fd)
    except OSError:
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"


def prefixed(lines: bytes, level: str) -> bytes:
    """Return whole `lines`, each with the priority of `level`."""
    priority = PRIORITIES[level]
    return b"".join([priority + line + b"\n" for line in lines.split(b"\n")[:-1]])


def for_journal(render: Callable[[Record], bytes], fd: int, stream: str) -> Callable[[Record], bytes]:
    """Return a `render` that writes priorities, if `fd` leads to the journal; otherwise the same one."""
    if not is_journal(fd, stream):
        return render
    return lambda record: prefixed(render(record), record.level)
