"""Refused requests in the log: who and why, without letting one client fill the disk.

An address gets ten lines a minute; the rest of its minute is counted, and told in one line when it is over.
The number of addresses remembered is bounded too, since a stranger may have many. This file must not know a
clock (time is passed in), nor threads: only one, the event loop's, uses it.
"""

from typing import Final

from winlogd.log.log import Log

_WINDOW_S: Final = 60.0
_LINES_IN_A_WINDOW: Final = 10
_ADDRESSES: Final = 1024
_OTHER_ADDRESSES: Final = "other addresses"
_SENT_CHARACTERS: Final = 200


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

    def refused(self, now_s: float, address: str, status: int, reason: str, /, sent: str | None = None) -> None:
        """Log one refused request, or count it when its address has had its lines for this minute.

        Args:
            now_s: the present time.
            address: the client's, in the form in which it is to be shown.
            status: of the answer, such as 403.
            reason: why, in the words of the answer.
            sent: what the client sent. It may hold users' names, so only a log at level `debug` shows it, and
                of it the first 200 characters.
        """
        self.sweep(now_s)
        window = self._window(now_s, address)
        if window.shown == _LINES_IN_A_WINDOW:
            window.counted += 1
            return
        window.shown += 1
        shown = sent[:_SENT_CHARACTERS] if sent is not None and self._log.enabled("debug") else None
        self._log.info("http", "request refused", address=address, status=status, reason=reason, sent=shown)

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
            self._log.info("http", "more requests refused in the last minute", address=address, count=counted)
