"""Which events were received in the last minutes, in 8 bytes each.

A client whose answer was lost sends its event again; to recognise it, every event of the last ten minutes has
to be found by its content. Strings would cost 300 bytes an event, and a load of 30 000 events a second brings
eighteen million of them; so only a fingerprint and the row's id are kept, and whoever asks reads the row to be
sure. Pure: the clock is the caller's.

Strategy: to add is to append, because every event is added and few are asked for; an index over what was
appended since is made when somebody asks.
"""

from array import array
from collections.abc import Collection
from struct import Struct
from typing import Final

_BUCKETS: Final = 16384
"""A power of two. With a million events a bucket of the index has 61 records: 0.3 µs to search."""
_MASK: Final = 0xFFFF_FFFF
_RECORD: Final = Struct("<II")
"""Fingerprint, and the id counted from the generation's first."""

GENERATION_S: Final = 300.0
_GENERATIONS: Final = 3
"""Two full generations are kept besides the current one: an event is remembered for 10 to 15 minutes."""


class _Generation:
    """The events of some minutes, in order of arrival, and an index over the first of them."""

    __slots__ = ("_base_id", "_buckets", "_fingerprints", "_indexed", "_offsets")

    def __init__(self) -> None:
        self._base_id = 0
        self._fingerprints = array("I")
        self._offsets = array("I")
        self._buckets: dict[int, bytearray] = {}
        self._indexed = 0

    def extend(self, fingerprints: Collection[int], event_ids: list[int]) -> None:
        if not self._fingerprints and event_ids:
            self._base_id = event_ids[0]
        base_id = self._base_id
        try:
            offsets = array("I", [event_id - base_id for event_id in event_ids])
        except OverflowError:  # ids have jumped: only an administrator's hand makes them
            near = [pair for pair in zip(fingerprints, event_ids, strict=True) if 0 <= pair[1] - base_id <= _MASK]
            fingerprints = [fingerprint for fingerprint, _ in near]
            offsets = array("I", [event_id - base_id for _, event_id in near])
        self._offsets += offsets
        self._fingerprints.extend([fingerprint & _MASK for fingerprint in fingerprints])

    def find(self, fingerprint: int) -> list[int]:
        self._index()
        fingerprint &= _MASK
        bucket = self._buckets.get(fingerprint % _BUCKETS)
        if bucket is None:
            return []
        found = []
        needle = fingerprint.to_bytes(4, "little")
        at = bucket.find(needle)
        while at >= 0:
            if at % _RECORD.size == 0:
                found.append(self._base_id + _RECORD.unpack_from(bucket, at)[1])
            at = bucket.find(needle, at + 1)
        return found

    def _index(self) -> None:
        for at in range(self._indexed, len(self._fingerprints)):
            fingerprint = self._fingerprints[at]
            record = _RECORD.pack(fingerprint, self._offsets[at])
            self._buckets.setdefault(fingerprint % _BUCKETS, bytearray()).extend(record)
        self._indexed = len(self._fingerprints)


class RecentEvents:
    """Ids of the events of the last 10 to 15 minutes, by fingerprint.

    A fingerprint is any integer that is equal for equal events, such as `hash` gives; 32 bits of it are kept, so
    that among a million events one in four thousand is mistaken for another until its row is read.
    """

    __slots__ = ("_generations", "_turn_s")

    def __init__(self, now_s: float) -> None:
        self._generations = [_Generation()]
        self._turn_s = now_s + GENERATION_S

    def turn(self, now_s: float) -> None:
        """Forgets what is old; `now_s` is a monotonic clock, so that a clock set back or forth forgets nothing."""
        if now_s >= self._turn_s + GENERATION_S * (_GENERATIONS - 1):  # long asleep: everything is old
            self._generations = [_Generation()]
            self._turn_s = now_s + GENERATION_S
        while now_s >= self._turn_s:
            self._generations = [_Generation(), *self._generations[: _GENERATIONS - 1]]
            self._turn_s += GENERATION_S

    def extend(self, fingerprints: Collection[int], event_ids: list[int]) -> None:
        """Remembers events: their fingerprints and, in the same order, the ids of their rows."""
        self._generations[0].extend(fingerprints, event_ids)

    def find(self, fingerprint: int) -> list[int]:
        """Ids of events that may be the one with `fingerprint`; empty when it is none of them for certain."""
        return [event_id for generation in self._generations for event_id in generation.find(fingerprint)]
