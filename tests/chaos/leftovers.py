"""The files that a power cut may leave: a model of a disk with a cache.

Synced octets are on the disk. Any part of the others may be there, in any order; the same is true of changes of the
folder. Octets beside a write stay as they were (SQLite's "powersafe overwrite", psow.html).
"""

import random
from collections.abc import Iterator
from typing import Final

from tests.chaos.recording_disk import Create, Delete, FailedSync, Note, Operation, Sync, Truncate, Write

SECTORS_BYTES: Final = (512, 4096)
"""The size of a sector: a disk writes it wholly or not at all."""

Image = dict[str, bytes]
"""The contents of a folder's files, by name."""


class _File:
    def __init__(self) -> None:
        self.synced = bytearray()
        self.pending: list[Write | Truncate] = []

    def sync(self) -> None:
        self.synced = self.with_(self.pending)
        self.pending = []

    def with_(self, changes: list[Write | Truncate]) -> bytearray:
        content = bytearray(self.synced)
        for change in changes:
            if isinstance(change, Truncate):
                del content[change.size :]
            else:
                _write(content, change.offset, change.data)
        return content

    def torn(self) -> bytearray:
        """Keep all writes but the second half of the last one."""
        last = self.pending[-1] if self.pending else None
        if not isinstance(last, Write):
            return self.with_(self.pending)
        return self.with_([*self.pending[:-1], last._replace(data=last.data[: len(last.data) // 2])])

    def mixed(self, chance: random.Random, sector_bytes: int) -> bytearray:
        """Keep any of the sectors that were written, whatever their order."""
        kept: list[Write | Truncate] = []
        for change in self.pending:
            if isinstance(change, Truncate):
                kept += [change] * (chance.random() < 0.5)
            else:
                kept += [part for part in _sectors(change, sector_bytes) if chance.random() < 0.5]
        return self.with_(kept)


class CachedDisk:
    """The files of one folder, as programs see them and as the disk holds them."""

    def __init__(self) -> None:
        self._names: dict[str, _File] = {}
        self._synced_names: dict[str, _File] = {}

    def take(self, operation: Operation) -> None:
        """Do an operation that SQLite asked for."""
        match operation:
            case Create(name):
                self._names[name] = _File()
            case Delete(name, syncs_folder):
                del self._names[name]
                self._sync_folder(syncs_folder)
            case Write(name) | Truncate(name):
                self._names[name].pending.append(operation)
            case Sync(name, syncs_folder):
                self._names[name].sync()
                self._sync_folder(syncs_folder)
            case FailedSync(name):
                self._names[name].pending = []
            case Note():
                pass

    def _sync_folder(self, syncs: bool) -> None:
        if syncs:
            self._synced_names = dict(self._names)

    def seen(self) -> Image:
        """Return the files that programs see now. After a kill another one sees them too, if no sync has failed."""
        return {name: bytes(file.with_(file.pending)) for name, file in self._names.items()}

    def leftovers(self, chance: random.Random) -> Iterator[tuple[str, Image]]:
        """Return some of the images that a power cut may leave now, each with its name."""
        old, new = self._synced_names, self._names
        yield "all that was not synced is gone", {name: bytes(file.synced) for name, file in old.items()}
        yield "all is there", self.seen()
        yield "the last write is torn", {name: bytes(file.torn()) for name, file in new.items()}
        if old != new:
            yield "the folder alone is old", {name: bytes(file.with_(file.pending)) for name, file in old.items()}
        if sum(bool(file.pending) for file in new.values()) > 1:
            for kept in new:
                yield (
                    f"only {kept} is all there",
                    {name: bytes(file.with_(file.pending if name == kept else [])) for name, file in new.items()},
                )
        if any(file.pending for file in new.values()):
            for size in SECTORS_BYTES:
                names = chance.choice((old, new))
                yield (
                    f"some sectors of {size} are there",
                    {name: bytes(file.mixed(chance, size)) for name, file in names.items()},
                )


def _write(content: bytearray, offset: int, data: bytes) -> None:
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _sectors(write: Write, sector_bytes: int) -> Iterator[Write]:
    begin, end = write.offset, write.offset + len(write.data)
    while begin < end:
        until = min(end, (begin // sector_bytes + 1) * sector_bytes)
        yield Write(write.name, begin, write.data[begin - write.offset : until - write.offset])
        begin = until
