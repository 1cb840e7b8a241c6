"""How many connections each address has open. Knows addresses and numbers only."""

from collections.abc import Callable


class ConnectionsPerAddress:
    """Counts connections by address and tells which are too many.

    Args:
        limit: how many one address may have open.
        exempt: whether an address stands for many clients (a proxy) and has no limit.
    """

    def __init__(self, limit: int, exempt: Callable[[str], bool]) -> None:
        self._limit = limit
        self._exempt = exempt
        self._open: dict[str, int] = {}

    def opened(self, address: str) -> int:
        """Counts a connection; returns by how many its address is beyond the limit now, 0 or less when it is not."""
        if self._exempt(address):
            return 0
        self._open[address] = count = self._open.get(address, 0) + 1
        return count - self._limit

    def closed(self, address: str) -> None:
        """Forgets a connection that was counted."""
        count = self._open.get(address, 0) - 1
        if count > 0:
            self._open[address] = count
        else:
            self._open.pop(address, None)
