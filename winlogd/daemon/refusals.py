"""Refused requests in the log: who and why, without letting one client fill the disk.

An address gets ten lines a minute; the rest of its minute is counted, and told in one line when it is over.
The number of addresses remembered is bounded too, since a stranger may have many. This file must not know a
clock (time is passed in), nor threads: only one, the event loop's, uses it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from winlogd.log.log import Log

_WINDOW_S: Final = 60.0
_LINES_IN_A_WINDOW: Final = 10
_ADDRESSES: Final = 1024
_OTHER_ADDRESSES: Final = "other addresses"
_SENT_CHARACTERS: Final = 200


class About(NamedTuple):
    """What is known of a refused request besides why it was refused; None where it is not known, or not to be shown.

    Attributes:
        path: that was asked for.
        host: that the body names; `user` likewise.
        sent: the body. It may hold anything, so only a log at level `debug` shows it, and of it the first 200
            characters.
    """

    path: str | None = None
    host: str | None = None
    user: str | None = None
    sent: str | None = None


class _Window:
    """One address's minute, from its first refusal on."""

    __slots__ = ("began_s", "counted", "shown")

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.shown = 0
        self.counted = 0


class Refusals:
    """The log's view of refused requests.

    The times given to its methods are seconds of a clock that never goes back, such as `loop.time()`.

    Args:
        log: where the lines go.
    """

    def __init__(self, log: Log) -> None:
        """Begin with no address remembered."""
        self._log = log
        # In order of `began_s`: a window is put at the end when it begins, and taken out when it is over.
        self._windows: dict[str, _Window] = {}

    def refused(
        self, now_s: float, address: str, status: int, reason: str, /, about: Callable[[], About] = About
    ) -> None:
        """Log one refused request, or count it when its address has had its lines for this minute.

        Args:
            now_s: the present time.
            address: the client's, in the form in which it is to be shown.
            status: of the answer, such as 403.
            reason: why, in the words of the answer.
            about: what else is known. Called only for a line that is written, because it may be costly to find out.
        """
        self.sweep(now_s)
        window = self._window(now_s, address)
        if window.shown == _LINES_IN_A_WINDOW:
            window.counted += 1
            return
        window.shown += 1
        if not self._log.enabled("warn"):
            return
        path, host, user, sent = about()
        self._log.warn(
            "http", "request refused", address=address, status=status, reason=reason, path=path, host=host, user=user,
            sent=sent[:_SENT_CHARACTERS] if sent is not None and self._log.enabled("debug") else None,
        )  # fmt: skip

    def sweep(self, now_s: float) -> None:
        """Tell the counts of the minutes that are over, and forget these. To be called every few seconds.

        Costs one look at the oldest minute when none is over.
        """
        over = []
        for address, window in self._windows.items():
            if now_s - window.began_s < _WINDOW_S:
                break
            over.append(address)
        for address in over:
            self._forget(address)

    def close(self) -> None:
        """Tell the counts of the minutes that are not over yet, as before a stop."""
        for address in list(self._windows):
            self._forget(address)

    def _window(self, now_s: float, address: str) -> _Window:
        """The address's minute; one minute is shared by all addresses beyond those that can be remembered."""
        window = self._windows.get(address)
        if window is None and len(self._windows) >= _ADDRESSES:
            address = _OTHER_ADDRESSES
            window = self._windows.get(address)
        if window is None:
            window = self._windows[address] = _Window(now_s)
        return window

    def _forget(self, address: str) -> None:
        counted = self._windows.pop(address).counted
        if counted:
            self._log.warn("http", "more requests refused in the last minute", address=address, count=counted)
