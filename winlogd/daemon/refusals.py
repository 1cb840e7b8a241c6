"""Log refused requests: who sent them and why they are refused. One client must not fill the disk.

An address gets ten lines a minute. Its other refused requests are counted, and one line reports the count at the end
of the minute. The number of remembered addresses has a limit, because one stranger may have many addresses.
This file must not know a clock: the caller passes the time. Used on the event loop's thread only.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from winlogd.log.log import Log

_WINDOW_S: Final = 60.0
_LINES_PER_WINDOW: Final = 10
_MOST_ADDRESSES: Final = 1024
"""Remember at most this many addresses at a time. All further addresses share one window."""

_OTHER_ADDRESSES: Final = "other addresses"
"""The log shows this instead of an address in lines about the shared window."""

_MOST_KINDS: Final = 100
"""Count the refused requests by at most this many statuses and reasons. winlogd knows some sixty."""
OTHER_REASONS: Final = "other"
"""The reason of all further ones."""

_SENT_CHARACTERS: Final = 200
"""A log at level `debug` shows this much of a refused body."""


class About(NamedTuple):
    """What the log shows of a refused request, besides the reason. None stands for unknown, or for not to be shown.

    Attributes:
        path: the path of the request.
        host: the host that the body names.
        user: the user that the body names.
        sent: the body. It may contain anything; therefore only a log at level `debug` shows its first 200 characters.
    """

    path: str | None = None
    host: str | None = None
    user: str | None = None
    sent: str | None = None


class _Window:
    """One minute of an address, from its first refused request.

    Attributes:
        began_s: when the minute began.
        shown: refused requests that got a line.
        counted: refused requests that got none.
    """

    __slots__ = ("began_s", "counted", "shown")

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.shown = 0
        self.counted = 0


class Refusals:
    """The refused requests of all addresses in their present minutes.

    Times are seconds of a clock that never goes back, such as `loop.time()`.

    Args:
        log: gets the lines.

    Attributes:
        totals: how many requests were refused since the start, by the status and the reason of the answer. A reason
            ends at its colon: an address may follow.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.totals: dict[tuple[int, str], int] = {}
        # Windows in the order of `began_s`: a new one goes to the end, and one that is over is taken out.
        self._windows: dict[str, _Window] = {}

    def refused(
        self, now_s: float, address: str, status: int, reason: str, /, about: Callable[[], About] = About
    ) -> None:
        """Log one refused request, or count it if its address has had its lines for this minute.

        Args:
            now_s: the present time.
            address: the client's address as the log shows it.
            status: the status of the answer, such as 403.
            reason: why the request is refused, in the words of the answer.
            about: returns what else the log shows. Called only if a line is written, because it may be costly.
        """
        self._count(status, reason.partition(":")[0])
        self.sweep(now_s)
        window = self._window(now_s, address)
        if window.shown == _LINES_PER_WINDOW:
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
        """Log the counts of the minutes that are over, and forget these minutes. Call this every few seconds.

        If no minute is over, this looks at the oldest minute only.
        """
        over = []
        for address, window in self._windows.items():
            if now_s - window.began_s < _WINDOW_S:
                break
            over.append(address)
        for address in over:
            self._forget(address)

    def close(self) -> None:
        """Log the counts of all minutes, also of those that are not over. Call this before a stop."""
        for address in list(self._windows):
            self._forget(address)

    def _count(self, status: int, reason: str) -> None:
        if (status, reason) not in self.totals and len(self.totals) >= _MOST_KINDS:
            reason = OTHER_REASONS
        self.totals[status, reason] = self.totals.get((status, reason), 0) + 1

    def _window(self, now_s: float, address: str) -> _Window:
        """Return the minute of `address`. If no further address can be remembered, return the shared minute."""
        window = self._windows.get(address)
        if window is None and len(self._windows) >= _MOST_ADDRESSES:
            address = _OTHER_ADDRESSES
            window = self._windows.get(address)
        if window is None:
            window = self._windows[address] = _Window(now_s)
        return window

    def _forget(self, address: str) -> None:
        """Forget the minute of `address`, and log its count if it has one."""
        counted = self._windows.pop(address).counted
        if counted:
            self._log.warn("http", "more requests refused in the last minute", address=address, count=counted)
