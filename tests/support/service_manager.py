"""Play the service manager: hear what a server reports of its state (sd_notify(3)).

This file must not know when a server reports.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.running import PATIENCE_S, wait_for
from winlogd.daemon import systemd


class ServiceManager:
    """The socket that receives the state of a service.

    Args:
        address: a path, or a name of the abstract namespace that begins with @.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE_S)
        self._socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)

    def told(self) -> str:
        """Wait for the next message and return it."""
        return self._socket.recv(4096).decode()

    def told_nothing(self) -> bool:
        """Return True if no message has come."""
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(PATIENCE_S)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class WatchdogTimer:
    """The timer that ``WATCHDOG=1`` restarts. It only notes that it has run out, where systemd would kill the service.

    Args:
        watchdog_s: the WatchdogSec of the unit.
    """

    def __init__(self, watchdog_s: float) -> None:
        self.watchdog_s = watchdog_s
        self._fed = 0
        self._last_s = time.monotonic()

    def hear(self, manager: ServiceManager) -> None:
        """Note each message, until an empty one comes."""
        while message := manager.told():
            if message == "WATCHDOG=1":
                self._fed += 1
                self._last_s = time.monotonic()

    def is_fed(self, times: int = 10) -> bool:
        """Wait until the server has reported some more times, many more than it reports after it hangs."""
        before = self._fed
        return bool(wait_for(lambda: self._fed >= before + times, "WATCHDOG=1"))

    def runs_out(self) -> bool:
        """Wait until the server has not reported for several times as long as it may."""
        return bool(wait_for(lambda: time.monotonic() > self._last_s + 5 * self.watchdog_s, "no more WATCHDOG=1"))


@contextmanager
def watchdog_timer(address: str, watchdog_s: float) -> Iterator[WatchdogTimer]:
    """Listen at `address` and keep the timer of a service, until the end of the block."""
    manager, timer = ServiceManager(address), WatchdogTimer(watchdog_s)
    thread = threading.Thread(target=timer.hear, args=(manager,))
    thread.start()
    try:
        yield timer
    finally:
        systemd.notify({"NOTIFY_SOCKET": address}, "")
        thread.join()
        manager.close()
