"""Token buckets, one for each address: they say how long an address must wait before it may send.

Pure: the caller passes the time. It must not know requests or connections.

The generic cell rate algorithm (ITU-T I.371) keeps one number of a bucket: the moment at which it will be full again.
A full bucket is forgotten.
"""

from collections import OrderedDict
from typing import Final

_BUCKETS: Final = 16_384
"""The most addresses that are remembered; they take 2 MB.

Beyond that, the address that was not seen for the longest time is forgotten. Its bucket then counts as full.
"""


class Buckets:
    """A bucket for each address.

    Args:
        rate_hz: how many tokens a second a bucket gets, above 0.
        burst: how many tokens a full bucket holds, at least 1.
        max_delay_s: the longest wait for which a token is reserved.
    """

    def __init__(self, rate_hz: float, burst: int, max_delay_s: float) -> None:
        self._interval_s = 1 / rate_hz
        self._slack_s = (burst - 1) / rate_hz
        self._max_delay_s = max_delay_s
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    def take(self, address: str, now_s: float) -> float:
        """Take a token from an address's bucket, or reserve the next one.

        Args:
            address: the address that sends.
            now_s: the present time, of a clock that never goes back.

        Returns:
            Seconds until the token is there; 0 if it is there now. If they are more than `max_delay_s`, no token is
            taken or reserved. The address may try again after the seconds beyond `max_delay_s`.
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
        """Return how many addresses are remembered."""
        return len(self._full_at_s)

    def _forget(self, now_s: float) -> None:
        """Forget full buckets and surplus ones, those first that were not used for the longest time.

        This stops at the first bucket that it keeps, mostly the very first.
        """
        while True:
            address, full_at_s = next(iter(self._full_at_s.items()))
            if full_at_s > now_s and len(self._full_at_s) <= _BUCKETS:
                return
            del self._full_at_s[address]
