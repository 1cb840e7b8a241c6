"""Tombstones: which people were forgotten, without their names.

A tombstone has the HMAC of a folded name, under a key that only `winlog.access` has. So nobody reads from it who was
forgotten, and winlogd knows the name again if a backup or an import brings it back. Pure: this file must not know
where tombstones are kept, or what becomes of the rows that they mean.
"""

import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple, final

from winlogd.events.names import folded

if TYPE_CHECKING:  # types only
    from winlogd.store.past.events import PastEvent

_MARK_BYTES: Final = 8
"""Of the digest in a mark."""


class Tombstone(NamedTuple):
    """One forgotten name.

    Attributes:
        number: its number. The readers' log has it instead of the name.
        name: what `digest_of` returns for the folded name.
        first_us: rows that were received earlier stay, in microseconds since 1970; None for no such limit.
        last_us: rows that were received later stay; None for no such limit.
        at_us: when the name was forgotten. Rows that were received from then on stay: they are somebody else's.
        pseudonym: the name under which the rows stay; empty if they are deleted.
    """

    number: int
    name: bytes
    first_us: int | None
    last_us: int | None
    at_us: int
    pseudonym: str

    def reaches(self, received_us: int) -> bool:
        """Return True if a row that was received at this time is to be forgotten, if it has the name."""
        is_late = self.last_us is not None and received_us > self.last_us
        return not is_late and received_us < self.at_us and (self.first_us is None or received_us >= self.first_us)


@final
class Forgotten:
    """All tombstones, or some of them.

    Args:
        key: the key of the HMACs.
        tombstones: in the order of their numbers.
    """

    __slots__ = ("_by_digest", "_by_name", "_key", "_tombstones")

    def __init__(self, key: bytes, tombstones: Iterable[Tombstone]) -> None:
        self._key: Final = key
        self._tombstones: Final = tuple(tombstones)
        self._by_digest: dict[bytes, tuple[Tombstone, ...]] = {}
        for each in self._tombstones:
            self._by_digest[each.name] = (*self._by_digest.get(each.name, ()), each)
        self._by_name: dict[str, tuple[Tombstone, ...]] = {}

    @property
    def last(self) -> int:
        """Return the highest number; 0 if there is no tombstone."""
        return self._tombstones[-1].number if self._tombstones else 0

    @property
    def mark(self) -> str:
        """Return what a database notes that lacks none of them: the highest number, and a digest of them all.

        So it counts for this `winlog.access` only: another one has another key, or other tombstones with these numbers.
        """
        fields = repr([tuple(each) for each in self._tombstones])
        digest = hmac.digest(self._key, fields.encode(), "sha256")
        return f"{self.last}:{digest[:_MARK_BYTES].hex()}"

    def missing_in(self, mark: str) -> "Forgotten":
        """Return the tombstones that a database lacks: all of them, if its mark is not that of the first ones.

        Args:
            mark: what the database has noted; any text if it has noted nothing.
        """
        for count, each in enumerate(self._tombstones, 1):
            if mark.startswith(f"{each.number}:"):
                is_known = Forgotten(self._key, self._tombstones[:count]).mark == mark
                return Forgotten(self._key, self._tombstones[count:]) if is_known else self
        return self

    def of(self, username: str) -> tuple[Tombstone, ...]:
        """Return the tombstones of a name, whatever its spelling."""
        found = self._by_name.get(username)
        if found is None:
            digest = digest_of(self._key, folded(username)) if self._by_digest else b""
            found = self._by_name[username] = self._by_digest.get(digest, ())
        return found

    def meaning(self, event: "PastEvent") -> Tombstone | None:
        """Return the first tombstone that means a row; None if it stays."""
        return next((each for each in self.of(event.username) if each.reaches(event.received_us)), None)


def digest_of(key: bytes, name: str) -> bytes:
    """Return the HMAC-SHA-256 of a folded name."""
    return hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256")
