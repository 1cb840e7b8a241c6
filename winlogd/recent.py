"""Which events were received in the last minutes, in 8 to 10 bytes each.

A client whose answer was lost sends its event again; to recognise it, every event of the last ten minutes has
to be found by its content. Strings would cost 300 bytes an event, and a load of 30 000 events a second brings
eighteen million of them; so only a fingerprint and the row's id are kept, and whoever asks reads the row to be
sure. Pure: the clock is the caller's.
"""

from struct import Struct
from typing import Final

_BUCKETS: Final = 16384
"""A power of two. With a million events a bucket has 61 records: 0.3 µs to search, 9 MB in all."""
_FINGERPRINT_MASK: Final = 0xFFFF_FFFF
_RECORD: Final = Struct("<II")
"""Fingerprint, and the id counted from the generation's first."""
_MAX_OFFSET: Final = 0xFFFF_FFFF

GENERATION_S: Final = 300.0
_GENERATIONS: Final = 3
"""Two full generations are kept besides the current one: an event is remembered for 10 to 15 minutes."""


class _Generation:
    """The events of some minutes: (fingerprint, id) in buckets by the fingerprint's other bits."""

    __slots__ = ("_base_id", "_buckets")

    def __init__(self) -> None:
        self._buckets: list[bytearray | None] = []
        self._base_id = 0

    def add(self, fingerprint: int, event_id: int) -> None:
        if not self._buckets:
            self._buckets = [None] * _BUCKETS
            self._base_id = event_id
        offset = event_id - self._base_id
        if not 0 <= offset <= _MAX_OFFSET:
            return  # ids jumped by four milliards, or backwards: only an administrator's hand does that
        record = _RECORD.pack(fingerprint & _FINGERPRINT_MASK, offset)
        index = (fingerprint >> 32) % _BUCKETS
        bucket = self._buckets[index]
        if bucket is None:
            self._buckets[index] = bytearray(record)
        else:
            bucket += record

    def find(self, fingerprint: int) -> list[int]:
        if not self._buckets:
            return []
        bucket = self._buckets[(fingerprint >> 32) % _BUCKETS]
        if bucket is None:
            return []
        needle = (fingerprint & _FINGERPRINT_MASK).to_bytes(4, "little")
        at = bucket.find(needle)
        if at < 0:  # nearly always
            return []
        found = []
        while at >= 0:
            if at % _RECORD.size == 0:
                found.append(self._base_id + _RECORD.unpack_from(bucket, at)[1])
            at = bucket.find(needle, at + 1)
        return found


class RecentEvents:
    """Ids of the events of the last 10 to 15 minutes, by fingerprint.

    A fingerprint is any 64-bit integer that is equal for equal events, such as `hash` gives.
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

    def add(self, fingerprint: int, event_id: int) -> None:
        """Remembers the event `event_id`."""
        self._generations[0].add(fingerprint, event_id)

    def find(self, fingerprint: int) -> list[int]:
        """Ids of events that may be the one with `fingerprint`; empty when it is none of them for certain."""
        found: list[int] = []
        for generation in self._generations:
            found += generation.find(fingerprint)
        return found
