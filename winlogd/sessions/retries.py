"""Remembers the events of the last minutes, in 3 bytes each, to recognise retries.

A client whose answer was lost sends its event again. To recognise that, every event of the last ten minutes must be
found by its content. Texts would take 300 bytes an event, and 30 000 events a second are eighteen million events. So
only a fingerprint is kept. Its position gives the id of the row, and the caller reads the row to be sure. Pure: the
caller gives the time.

Every event is added, but few are searched. So an event is added by appending, and a search reads all fingerprints: 3 ms
for a million events. An index is made only after many searches. It takes 8 to 12 bytes more an event, and 0.4 s for a
million events at once.
"""

from collections.abc import Collection, Iterator
from struct import Struct
from typing import Final

_BUCKETS: Final = 4096
"""Buckets of an index, a power of two. With a quarter of a million events a bucket has 61 records: 0.3 µs to search."""
_SEARCHES_WITHOUT_INDEX: Final = 64
"""Make the index after this many searches. Together they take half as long as to make the index."""
_FINGERPRINT_BYTES: Final = 3
_MASK: Final = 0xFF_FFFF
_FINGERPRINT: Final = Struct("<HB")
_RECORD: Final = Struct("<HBI")
"""A record of the index: a fingerprint, and its place in the generation."""

GENERATION_S: Final = 60.0
"""The time that one generation of events covers. Memory is freed a generation at a time."""
_GENERATIONS: Final = 11
"""Ten full generations are kept besides the current one: an event is remembered for 600 to 660 seconds."""

_RUN_EVENTS: Final = 16_384
"""The most events of a run. All runs then take 48 KiB, and memory does not fragment when they are freed."""
_MAX_GAP_IDS: Final = 64
"""A run may leave out this many ids at once: that is cheaper than a new run. Automatic logoffs take an id or two."""
_NO_EVENT: Final = bytes(_FINGERPRINT_BYTES)
"""The fingerprint of an id that is left out: zero, which no event has (`_packed`)."""


class _Run:
    """Fingerprints of rows with consecutive ids.

    Attributes:
        base_id: the id of the first row.
        first: the place of the first fingerprint in the generation.
        fingerprints: all of them, `_FINGERPRINT_BYTES` each.
    """

    __slots__ = ("base_id", "fingerprints", "first")

    def __init__(self, base_id: int, first: int) -> None:
        self.base_id = base_id
        self.first = first
        self.fingerprints = bytearray()

    def __len__(self) -> int:
        return len(self.fingerprints) // _FINGERPRINT_BYTES


class _Generation:
    """The events of one minute in order of arrival, and after many searches an index of them."""

    __slots__ = ("_buckets", "_indexed", "_next_id", "_runs", "_searches", "_size")

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._next_id = -1
        self._size = 0
        self._searches = 0
        self._buckets: dict[int, bytearray] = {}
        self._indexed = 0

    def extend(self, fingerprints: Collection[int], event_ids: list[int]) -> None:
        if not event_ids:
            return
        if event_ids[0] == self._next_id and event_ids[-1] - event_ids[0] == len(event_ids) - 1:
            self._append(_packed(fingerprints))
            return
        for fingerprint, event_id in zip(fingerprints, event_ids, strict=True):
            gap = event_id - self._next_id
            if self._runs and 0 <= gap <= _MAX_GAP_IDS:
                self._append(_NO_EVENT * gap + _packed((fingerprint,)))
            else:
                self._begin_run(event_id)
                self._append(_packed((fingerprint,)))

    def _append(self, octets: bytes) -> None:
        run = self._runs[-1]
        run.fingerprints.extend(octets)
        events = len(octets) // _FINGERPRINT_BYTES
        self._size += events
        self._next_id += events
        if len(run) >= _RUN_EVENTS:
            self._begin_run(self._next_id)

    def _begin_run(self, base_id: int) -> None:
        self._runs.append(_Run(base_id, self._size))
        self._next_id = base_id

    def reaches(self, event_id: int) -> bool:
        return bool(self._runs) and self._runs[0].base_id <= event_id

    def find(self, fingerprint: int) -> list[int]:
        self._searches += 1
        needle = _packed((fingerprint,))
        if self._searches <= _SEARCHES_WITHOUT_INDEX:
            return [
                run.base_id + at // _FINGERPRINT_BYTES
                for run in self._runs
                for at in _places(needle, run.fingerprints, _FINGERPRINT_BYTES)
            ]
        self._index()
        low, _ = _FINGERPRINT.unpack(needle)
        bucket = self._buckets.get(low % _BUCKETS, bytearray())
        return [self._id_at(_RECORD.unpack_from(bucket, at)[2]) for at in _places(needle, bucket, _RECORD.size)]

    def _id_at(self, place: int) -> int:
        run = self._runs[self._run_of(place)]
        return run.base_id + place - run.first

    def _run_of(self, place: int) -> int:
        from bisect import bisect_right  # loaded with the first search by the index

        return bisect_right(self._runs, place, key=lambda run: run.first) - 1

    def _index(self) -> None:
        if self._indexed == self._size:
            return
        buckets = self._buckets
        for run in self._runs[self._run_of(self._indexed) :]:
            new = run.fingerprints[(self._indexed - run.first) * _FINGERPRINT_BYTES :]
            for place, (low, high) in enumerate(_FINGERPRINT.iter_unpack(new), self._indexed):
                bucket = buckets.setdefault(low % _BUCKETS, bytearray())
                bucket += _RECORD.pack(low, high, place)
            self._indexed = run.first + len(run)


def _packed(fingerprints: Collection[int]) -> bytes:
    """Return the lowest 24 bits of each fingerprint, one after the other. 0, which means no event, becomes 1."""
    return b"".join([(each & _MASK or 1).to_bytes(_FINGERPRINT_BYTES, "little") for each in fingerprints])


def _places(needle: bytes, octets: bytearray, width: int) -> Iterator[int]:
    """Return the positions at which `needle` begins a record of `width` octets."""
    at = octets.find(needle)
    while at >= 0:
        if at % width == 0:
            yield at
        at = octets.find(needle, at + 1)


class RecentEvents:
    """Ids of the events of the last 10 minutes or somewhat more, by fingerprint.

    A fingerprint is an integer that is equal for equal events, such as their `hash`. 24 bits of it are kept. With a
    million events, one search in seventeen finds another event by mistake; the caller reads the row to notice that.

    Args:
        now_s: a monotonic clock.
    """

    __slots__ = ("_generations", "_turn_s")

    def __init__(self, now_s: float) -> None:
        self._generations = [_Generation()]
        self._turn_s = now_s + GENERATION_S

    def turn(self, now_s: float) -> None:
        """Forget old events. `now_s` is a monotonic clock: nothing is forgotten because the wall clock was set."""
        if now_s >= self._turn_s + GENERATION_S * (_GENERATIONS - 1):  # after a long pause all events are old
            self._generations = [_Generation()]
            self._turn_s = now_s + GENERATION_S
        while now_s >= self._turn_s:
            self._generations = [_Generation(), *self._generations[: _GENERATIONS - 1]]
            self._turn_s += GENERATION_S

    def extend(self, fingerprints: Collection[int], event_ids: list[int]) -> None:
        """Remember events.

        Args:
            fingerprints: of the events.
            event_ids: the ids of their rows, in the same order.
        """
        self._generations[0].extend(fingerprints, event_ids)

    def reaches(self, event_id: int) -> bool:
        """Return True if the event with this id may be remembered, False if it certainly is not."""
        return any(generation.reaches(event_id) for generation in self._generations)

    def find(self, fingerprint: int) -> list[int]:
        """Return the ids of events that may have `fingerprint`; empty if certainly no event has it."""
        return [event_id for generation in self._generations for event_id in generation.find(fingerprint)]
