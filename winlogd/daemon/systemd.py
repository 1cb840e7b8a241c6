"""Notify the service manager of the service's state (sd_notify(3)), with one datagram and no library.

This file must not know when there is something to report. It does nothing if the unit has no ``Type=notify``.
"""

import os
import socket
from collections.abc import Mapping


def notify(environ: Mapping[str, str], state: str) -> None:
    """Send `state` to the socket that ``$NOTIFY_SOCKET`` names. Do nothing if the variable names none.

    Args:
        environ: the environment variables of the process.
        state: an assignment such as ``READY=1``.

    Raises:
        OSError: the socket cannot be reached.
    """
    address = environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket, unix(7)
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto(state.encode(), address)


def watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    """Return the seconds between two ``WATCHDOG=1``: half of the unit's WatchdogSec (sd_watchdog_enabled(3)).

    Return None if the unit has no WatchdogSec, or if it is for another process.
    """
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 2_000_000 or None
