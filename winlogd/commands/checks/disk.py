"""Check the disk of the database: free space, and how long it takes to put something on it for good."""

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine, unseen
from winlogd.config.messages import escaped
from winlogd.daemon.settings import least_free_bytes

MB: Final = 1_000_000
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = 0o600
_BLOCK: Final = bytes(4096)
"""About what the commit of one event writes."""
_TIMES: Final = 12
_LONGEST_S: Final = 5.0
_SLOW_S: Final = 0.1
_VERY_SLOW_S: Final = 2.0


def check_space(context: Context) -> Iterator[Finding]:
    """Find a disk that is full, or nearly full, now."""
    folder, least_bytes = os.path.dirname(context.path), least_free_bytes(context.config)
    try:
        status = os.statvfs(folder)
    except OSError as error:
        yield unseen(f"the disk of {escaped(folder)}", error.strerror or str(error), "run this as root")
        return
    free_bytes = status.f_bavail * status.f_frsize
    if free_bytes < least_bytes:
        yield Finding(
            "fault",
            f"only {free_bytes // MB} MB are free for {escaped(folder)}, of at least {least_bytes // MB} MB"
            " (limits.min_free_disk)",
            "events get 503 and are lost, until there is space again",
            "make room: remove old backups, or winlogd purge --before DATE; winlogd goes on by itself",
        )
    elif status.f_files and not status.f_favail:
        yield Finding(
            "fault",
            f"the disk of {escaped(folder)} has no room for another file (inodes), though {free_bytes // MB} MB are"
            " free",
            "winlogd cannot make its WAL or a backup",
            "find the folder with very many files: df -i, and du --inodes; remove what is not needed",
        )
    else:
        yield fine(f"{free_bytes // MB} MB are free")


def check_speed(context: Context) -> Iterator[Finding]:
    """Find a disk that is slow, with a file beside the database that is removed afterwards."""
    folder = os.path.dirname(context.path)
    try:
        took_s = measured_s(folder)
    except PermissionError as error:
        advice = "run this as root, or as the user that winlogd runs as"
        yield unseen(f"the speed of the disk of {escaped(folder)}", str(error.strerror), advice)
        return
    except OSError as error:
        yield Finding(
            "fault",
            f"nothing can be written in {escaped(folder)}: {error.strerror}",
            "winlogd cannot store events there either: workstations get 503, and their events are lost",
            "check the owner, the mount options and the free space: df, and mount",
        )
        return
    yield judged(statistics.median(took_s), max(took_s))


def judged(median_s: float, longest_s: float) -> Finding:
    """Judge how long a sync takes, in seconds."""
    what = f"a sync takes {median_s * 1000:.1f} ms, at most {longest_s * 1000:.1f} ms"
    if median_s < _SLOW_S:
        return fine(what)
    return Finding(
        "fault" if median_s >= _VERY_SLOW_S else "note",
        what,
        "each commit waits for that, and a workstation waits with it at every logon",
        "look for another program that writes much (iotop), for a failing disk (dmesg), or for a network disk",
    )


def measured_s(folder: str) -> list[float]:
    """Return how long some syncs of a small file take, in seconds. The file is removed.

    Raises:
        OSError: the file cannot be made or written.
    """
    path = os.path.join(folder, f".winlogd-doctor-{os.urandom(6).hex()}")
    descriptor = os.open(path, _NEW, _MODE)
    took_s: list[float] = []
    try:
        while len(took_s) < _TIMES and sum(took_s) < _LONGEST_S:
            os.write(descriptor, _BLOCK)
            begun_s = time.monotonic()
            os.fsync(descriptor)
            took_s.append(time.monotonic() - begun_s)
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            os.unlink(path)
    return took_s
