"""Count the open connections of each address. Knows addresses and numbers only."""

from collections.abc import Callable


class ConnectionsPerAddress:
    """The number of open connections of each address, and a limit for it.

    Args:
        limit: how many one address may have open.
        exempt: returns True if an address stands for many clients (a proxy) and has no limit.
    """

    def __init__(self, limit: int, exempt: Callable[[str], bool]) -> None:
        self._limit = limit
        self._exempt = exempt
        self._open: dict[str, int] = {}

    def opened(self, address: str) -> int:
        """Count a connection. Return by how many its address exceeds the limit now.

        Returns:
            0 or less if the address is within its limit, and 0 if it has none.
        """
        if self._exempt(address):
            return 0
        self._open[address] = count = self._open.get(address, 0) + 1
        return count - self._limit

    def closed(self, address: str) -> None:
        """Forget one connection that `opened` has counted."""
        count = self._open.get(address, 0) - 1
        if count > 0:
            self._open[address] = count
        else:
            self._open.pop(address, None)
