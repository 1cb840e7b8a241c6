"""Count the refused requests of today, by reason and address, for those who look after the site.

The log has a line for each refusal, but nobody reads it every day. Memory has a limit, because one stranger may have
many addresses. Loaded with the first refused request. This file must not know why a request is refused, nor a clock:
the caller passes the time. Used on the event loop's thread only.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from winlogd.scheduled.clock import Schedule

_MOST_ENTRIES: Final = 1024
"""Count at most this many pairs of a reason and an address. All further ones share one entry."""
OTHERS: Final = "others"
"""Stands for the reason and the address of what is counted together."""
_REASON_CHARACTERS: Final = 120


class Refused:
    """The refused requests of one address for one reason.

    Attributes:
        reason: why they were refused, in the words of the answer.
        address: the client's address.
        status: the status of the last answer.
        count: how many.
        host: the host that one of the bodies named last; None if none did.
    """

    __slots__ = ("address", "count", "host", "reason", "status")

    def __init__(self, reason: str, address: str) -> None:
        self.reason: Final = reason
        self.address: Final = address
        self.status = 0
        self.count = 0
        self.host: str | None = None


class OfReason(NamedTuple):
    """The refused requests of all addresses for one reason.

    Attributes:
        status: the status of the answers.
        reason: why they were refused. It ends at its colon: an address may follow.
        total: how many.
        senders: of how many addresses; 0 if that is not known, for the reason `OTHERS`.
    """

    status: int
    reason: str
    total: int
    senders: int


class RefusedToday:
    """The counts since midnight, or since the server's start.

    Args:
        began_s: when the server started. All times are seconds since 1970.
        calendar: says when a day begins.
    """

    def __init__(self, began_s: float, calendar: Schedule) -> None:
        self._since_s = began_s
        self._midnight_s = calendar.following(began_s).at_s
        self._calendar = calendar
        self._entries: dict[tuple[str, str], Refused] = {}
        self._yesterday = 0

    def count(self, now_s: float, address: str, status: int, reason: str, host: str | None) -> None:
        """Count one refused request.

        Args:
            now_s: the present time.
            address: the client's address.
            status: the status of the answer.
            reason: why it was refused.
            host: the host that the body names; None if nobody has looked, or if it names none.
        """
        self._turn(now_s)
        key = reason[:_REASON_CHARACTERS], address
        if key not in self._entries and len(self._entries) >= _MOST_ENTRIES:
            key = OTHERS, OTHERS
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Refused(*key)
        entry.count += 1
        entry.status = status
        entry.host = host or entry.host

    def change(self, calendar: Schedule) -> None:
        """Take another calendar. The counts go on until its next midnight."""
        self._calendar = calendar
        self._midnight_s = calendar.following(self._since_s).at_s

    def since(self, now_s: float) -> float:
        """Return since when the requests are counted."""
        self._turn(now_s)
        return self._since_s

    def most(self, now_s: float) -> Iterator[Refused]:
        """Yield the counts of today, the greatest first."""
        self._turn(now_s)
        yield from sorted(self._entries.values(), key=lambda entry: -entry.count)

    def by_reason(self, now_s: float) -> list[OfReason]:
        """Return the counts of today by reason, the greatest first."""
        counts: Counter[tuple[int, str]] = Counter()
        senders: dict[tuple[int, str], set[str]] = {}
        for each in self.most(now_s):
            key = each.status, each.reason.partition(":")[0]
            counts[key] += each.count
            senders.setdefault(key, set()).add(each.address)
        return [OfReason(*key, count, len(senders[key] - {OTHERS})) for key, count in counts.most_common()]

    def yesterday(self, now_s: float) -> int:
        """Return how many requests were refused on the day before today, as far as the server ran."""
        self._turn(now_s)
        return self._yesterday

    def _turn(self, now_s: float) -> None:
        """Forget the counts if their day is over."""
        if now_s >= self._midnight_s:
            self._since_s = self._calendar.midnight_s(now_s)
            is_next = self._since_s == self._midnight_s
            self._yesterday = sum(entry.count for entry in self._entries.values()) if is_next else 0
            self._midnight_s = self._calendar.following(now_s).at_s
            self._entries.clear()
