"""When a large WAL is reported. Sparse files play the WAL."""

import os
from pathlib import Path

import pytest

from winlogd.store.file.wal_watch import WalWatch

MIB = 1 << 20


@pytest.fixture
def wal(tmp_path: Path) -> Path:
    path = tmp_path / "winlog.db-wal"
    path.touch()
    return path


@pytest.fixture
def watch(tmp_path: Path) -> WalWatch:
    return WalWatch(str(tmp_path / "winlog.db"))


def test_it_is_told_at_64_mib_and_whenever_it_has_doubled(wal: Path, watch: WalWatch) -> None:
    told = []
    for second, mib in enumerate((0, 16, 63, 64, 100, 127, 128, 200, 300)):
        os.truncate(wal, mib * MIB)
        told.append(watch.grown(100.0 + second))

    assert told == [None, None, None, 64 * MIB, None, None, 128 * MIB, None, 300 * MIB]


def test_one_that_was_cut_is_told_again_from_the_beginning(wal: Path, watch: WalWatch) -> None:
    told = []
    for second, mib in enumerate((300, 16, 64)):
        os.truncate(wal, mib * MIB)
        told.append(watch.grown(100.0 + second))

    assert told == [300 * MIB, None, 64 * MIB]


def test_it_is_looked_at_once_a_second(wal: Path, watch: WalWatch) -> None:
    assert watch.grown(100.0) is None
    os.truncate(wal, 64 * MIB)

    assert watch.grown(100.9) is None
    assert watch.grown(101.0) == 64 * MIB


def test_without_a_wal_there_is_nothing_to_tell(wal: Path, watch: WalWatch) -> None:
    wal.unlink()

    assert watch.grown(100.0) is None
