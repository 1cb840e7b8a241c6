"""Draws session identifiers: ``<username>@<hostname>@<6 hex digits>``.

The digits are the first six of an MD5 over names, day and time: an identifier, not a secret. Six digits are few, so a
map of bits marks the used ones, and winlogd draws again when it has drawn a used one. Without the map, a new session of
a busy day could get the identifier of an ended one. It would then count as closed from its beginning.
"""

from collections.abc import Callable
from typing import Any, Final

_HEX_DIGITS: Final = 6
_BITS: Final = 16**_HEX_DIGITS
_PIECE_BYTES: Final = 4096
_PIECE_BITS: Final = _PIECE_BYTES * 8
_MAX_DRAWS: Final = 16
"""Give up after this many used digits, and use the last. With half of all digits used, that happens once in 65 536
identifiers."""


class Identifiers:
    """Draws identifiers whose digits were not used since the map was made.

    The map takes 2 MiB of memory at most: it has only the pieces in which a bit was set.
    """

    __slots__ = ("_marked", "_md5", "_used")

    def __init__(self) -> None:
        self._marked = 0
        self._md5: Callable[..., Any] | None = None  # loaded with the first draw
        self._used: dict[int, bytearray] = {}

    @property
    def is_worn(self) -> bool:
        """Return True if more than half of all digits are used: it is time for a new map."""
        return self._marked > _BITS // 2

    def draw(self, username: str, hostname: str, date: str, now_ns: int) -> str:
        """Return a new identifier, and mark its digits.

        Args:
            username: as the client sent it.
            hostname: as the client sent it, or `UNKNOWN_HOST`.
            date: ``YYYY-MM-DD`` of the event.
            now_ns: nanoseconds since 1970.
        """
        md5 = self._md5 or self._loaded_md5()
        names_and_date = f"{username}{hostname}{date}"
        for moment in range(now_ns, now_ns + _MAX_DRAWS):
            digits: str = md5(f"{names_and_date}{moment}".encode(), usedforsecurity=False).hexdigest()[:_HEX_DIGITS]
            if self._mark(int(digits, 16)):
                break
        return f"{username}@{hostname}@{digits}"

    def mark(self, session_uuid: str) -> None:
        """Mark the digits of an identifier that is in the database. Ignore text of another form."""
        digits = session_uuid[-_HEX_DIGITS:]
        if len(digits) == _HEX_DIGITS:
            try:
                self._mark(int(digits, 16))
            except ValueError:
                return

    def _mark(self, number: int) -> bool:
        """Mark `number`. Return True if it was free."""
        piece_number, place = number // _PIECE_BITS, number % _PIECE_BITS
        piece = self._used.get(piece_number)
        if piece is None:
            piece = self._used[piece_number] = bytearray(_PIECE_BYTES)
        byte, bit = place >> 3, 1 << (place & 7)
        if piece[byte] & bit:
            return False
        piece[byte] |= bit
        self._marked += 1
        return True

    def _loaded_md5(self) -> Callable[..., Any]:
        from winlogd.sessions.md5 import md5

        loaded: Callable[..., Any] = md5
        self._md5 = loaded
        return loaded
