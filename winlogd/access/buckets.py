"""Token buckets by address: who may send now, who has to wait, and how long. Pure: time is passed in.

By the generic cell rate algorithm (ITU-T I.371): of each bucket only the moment is kept at which it will be full
again, so a bucket is one number, and one that is full is forgotten.
"""

from collections import OrderedDict
from typing import Final

_BUCKETS: Final = 16_384
"""Addresses remembered, 2 MB at most. With more of them the one that was not seen for the longest time is forgotten,
that is: its bucket counts as full."""


class Buckets:
    """A bucket for each address.

    Args:
        rate_hz: tokens that come into a bucket a second, above 0.
        burst: tokens that a full bucket holds, at least 1.
        max_delay_s: the longest wait that is worth while.
    """

    def __init__(self, rate_hz: float, burst: int, max_delay_s: float) -> None:
        self._interval_s = 1 / rate_hz
        self._slack_s = (burst - 1) / rate_hz
        self._max_delay_s = max_delay_s
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    def take(self, address: str, now_s: float) -> float:
        """Takes a token, or promises one.

        Args:
            address: whose.
            now_s: the present time, of a clock that never goes back.

        Returns:
            Seconds until the token is there: 0 for at once. More than `max_delay_s`: none is promised; one will be
            when the excess has passed.
        """
        full_at_s = max(self._full_at_s.get(address, now_s), now_s)
        delay_s = full_at_s - now_s - self._slack_s
        if delay_s > self._max_delay_s:
            return delay_s
        self._full_at_s[address] = full_at_s + self._interval_s
        self._full_at_s.move_to_end(address)
        self._forget(now_s)
        return max(delay_s, 0.0)

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._full_at_s)

    def _forget(self, now_s: float) -> None:
        """Looks at those that were not seen for the longest time; mostly at one."""
        while True:
            address, full_at_s = next(iter(self._full_at_s.items()))
            if full_at_s > now_s and len(self._full_at_s) <= _BUCKETS:
                return
            del self._full_at_s[address]
