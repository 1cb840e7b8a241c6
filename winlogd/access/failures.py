"""Counts wrong tokens and codes: five a minute for an address, fifty a minute in all.

Right tokens are checked before, so that nobody can lock somebody else out. An address that is over its limit adds
nothing to the sum: one program with an old token does not use it up. So at most fifty entries are kept. Pure: the
caller passes the time. This file must not know tokens or requests.
"""

from collections import deque
from typing import Final

OF_ADDRESS: Final = 5
"""The most failures of an address that are answered as such in a minute."""
IN_ALL: Final = 50
"""The most failures of all addresses that are answered as such in a minute."""
_WINDOW_S: Final = 60.0
_IPV6_BITS: Final = 64
"""A subscriber's network: its machines can take any address in it (RFC 6177 §2)."""


class Failures:
    """The failures of the last minute."""

    def __init__(self) -> None:
        self._last: deque[tuple[float, str]] = deque()

    def add(self, address: str, now_s: float) -> float:
        """Count a failure.

        Args:
            address: the client's IP address.
            now_s: the present time, of a clock that never goes back.

        Returns:
            0 if the failure is within the limits. Otherwise the seconds until the next one is; nothing is counted.
        """
        while self._last and now_s - self._last[0][0] >= _WINDOW_S:
            self._last.popleft()
        network = network_of(address)
        own = [at_s for at_s, each in self._last if each == network]
        if len(own) >= OF_ADDRESS:
            return own[0] + _WINDOW_S - now_s
        if len(self._last) >= IN_ALL:
            return self._last[0][0] + _WINDOW_S - now_s
        self._last.append((now_s, network))
        return 0.0

    def take_back(self, address: str) -> None:
        """Take back the last failure of an address: it was none."""
        network = network_of(address)
        for place in range(len(self._last) - 1, -1, -1):
            if self._last[place][1] == network:
                del self._last[place]
                return

    def __len__(self) -> int:
        """Return how many failures are remembered."""
        return len(self._last)


def network_of(address: str) -> str:
    """Return the text under which an address is counted: itself, or the /64 of an IPv6 address."""
    if ":" not in address:
        return address
    import ipaddress  # loaded with the first failure over IPv6

    return str(ipaddress.ip_network((address, _IPV6_BITS), strict=False))
