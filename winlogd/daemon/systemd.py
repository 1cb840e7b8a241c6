"""Tells the service manager how the service is (sd_notify(3)): one datagram, no library.

Does nothing when the process was not started with ``Type=notify``.
"""

import os
import socket
from collections.abc import Mapping


def notify(environ: Mapping[str, str], state: str) -> None:
    """Sends `state`, such as ``READY=1``, to the socket that ``$NOTIFY_SOCKET`` names.

    Raises:
        OSError: the socket is named but cannot be reached.
    """
    address = environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket, unix(7)
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto(state.encode(), address)


def watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    """How often to send ``WATCHDOG=1``: half of what the unit allows (sd_watchdog_enabled(3)); None when not asked."""
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 2_000_000 or None
