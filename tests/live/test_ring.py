"""The ring gives back what a reader has missed, or nothing if a part of it is forgotten."""

from typing import Final

import pytest

from winlogd.live.change import Change
from winlogd.live.ring import Ring
from winlogd.live.state import Difference

GONE: Final = (None, None)


def a_ring(*machines: int, most: int = 10) -> Ring:
    """Return a ring with changes of so many machines, numbered from 1."""
    ring = Ring(most)
    for seq, count in enumerate(machines, 1):
        ring.add(Change("e", seq, None, Difference([GONE] * count, [], None, None), None))
    return ring


def after(ring: Ring, seq: int, last: int) -> list[int] | None:
    changes = ring.after(seq, last)
    return None if changes is None else [change.seq for change in changes]


@pytest.mark.parametrize(("seq", "wanted"), [(0, [1, 2, 3]), (1, [2, 3]), (3, []), (4, None), (-1, None)])
def test_it_gives_what_came_after_a_number(seq: int, wanted: list[int] | None) -> None:
    assert after(a_ring(1, 1, 1), seq, 3) == wanted


def test_changes_of_many_machines_push_the_oldest_out() -> None:
    ring = a_ring(4, 4, 4)
    assert after(ring, 1, 3) == [2, 3]
    assert after(ring, 0, 3) is None


def test_changes_of_no_machine_are_counted_as_well() -> None:
    ring = a_ring(*[0] * 12)
    assert after(ring, 2, 12) == list(range(3, 13))
    assert after(ring, 1, 12) is None


def test_a_change_that_is_larger_than_the_ring_leaves_nothing_to_replay() -> None:
    ring = a_ring(1, 11)
    assert after(ring, 1, 2) is None
    assert after(ring, 2, 2) == []
