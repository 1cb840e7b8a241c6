"""The target `timestamps`: two stored timestamps → their order, and the times that are computed from them.

The input is two lines with a timestamp each. If both are valid, their order as text (`instant`) is the order of the
exact instants, to the last digit of the fraction. Computed times can be stored.
"""

import random
from datetime import datetime
from fractions import Fraction
from typing import Final

from tests.fuzz.contract import timestamp_of
from tests.fuzz.mutation import damaged
from tests.fuzz.target import Target
from winlogd.events.timestamps import hours_after, instant, one_second_before, stored_form

_FRAGMENTS: Final = (
    *(b"%d" % digit for digit in range(10)),
    *(b"00", b"59", b"60", b".", b".0", b".5", b"000", b"999999999", b"Z", b"z", b"+00:00", b"-00:00", b"+23:59"),
    *(b"T", b" ", b"t", b"-", b":", b"\n", b"\xd9\xa0", b"1970-01-01", b"9998-12-31", b"23:59:60", b"2026-01-13T"),
)


def check(octets: bytes) -> None:
    """Check the timestamps in the first two lines."""
    lines = octets.decode("utf-8", "surrogateescape").split("\n")[:2]
    taken = []
    for line in lines:
        stored = stored_form(line)
        assert stored == timestamp_of(line), line
        if stored is not None:
            taken.append(stored)
    if len(taken) == 2:
        _assert_compare(*taken)


def _assert_compare(first: str, second: str) -> None:
    assert (instant(first) < instant(second)) == (_exactly(first) < _exactly(second))
    assert (instant(first) == instant(second)) == (_exactly(first) == _exactly(second))
    before = one_second_before(first, second)
    assert timestamp_of(before[:19] + "Z") == before[:19] + "Z"
    assert before.endswith("+00:00")
    assert instant(before) >= instant(second)
    assert instant(before) < instant(first) or instant(before) == instant(second)
    after = hours_after(first, 24.0)
    assert after.endswith("+00:00")
    assert instant(after) > instant(first)


def _exactly(stored: str) -> tuple[datetime, Fraction]:
    """Return the minute and the exact seconds in it. A minute with a leap second has more of them."""
    seconds = stored[17:].removesuffix("Z").removesuffix("+00:00")
    return datetime.fromisoformat(stored[:16]), Fraction(seconds)


def mutate(octets: bytes, chance: random.Random) -> bytes:
    """Return the input with changed digits or marks, or with the first line instead of the second."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        octets = damaged(octets, chance, _FRAGMENTS)
    first, _, second = octets.partition(b"\n")
    return first + b"\n" + (first if chance.random() < 0.2 else second)


TARGET: Final = Target("timestamps", check, mutate)
