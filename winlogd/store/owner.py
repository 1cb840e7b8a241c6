"""What a store sees of its owner.

Types only: a running server does not load this file.
"""

from collections.abc import Mapping
from typing import Protocol


class Owner(Protocol):
    """The caller that started the store. The store calls these methods on the loop's thread."""

    def store_opened(self, marks: Mapping[str, str]) -> None:
        """Take note that the database is open and has these `marks` (`Listener.opened`)."""

    def store_full(self) -> None:
        """Submit no further events until `store_has_room`: too many wait. The store refuses none, even so."""

    def store_has_room(self) -> None:
        """Submit events again: more than half of the places are free."""

    def store_ended(self, error: BaseException | None) -> None:
        """Take note that the writer has ended: `error` is None after `Store.stop`; otherwise the process must end."""
