"""Damage octets without knowing their meaning. The targets add mutations for their own grammar."""

import random
from collections.abc import Sequence


def damaged(octets: bytes, chance: random.Random, fragments: Sequence[bytes]) -> bytes:
    """Return `octets` with one change: a piece is added, replaced, removed or doubled, or a bit is flipped."""
    at = chance.randint(0, len(octets))
    kind = chance.randrange(7)
    if kind <= 1:
        return octets[:at] + chance.choice(fragments) + octets[at:]
    if kind == 2:
        return octets[:at] + chance.choice(fragments) + octets[at + chance.randint(1, 4) :]
    if kind == 3:
        return octets[:at] + octets[at + chance.randint(1, 16) :]
    if kind == 4:
        return octets[:at] + octets[max(at - chance.randint(1, 64), 0) :]
    if kind == 5:
        return with_a_line_moved(octets, chance)
    if at == len(octets):
        return octets + chance.choice(fragments)
    return octets[:at] + bytes([octets[at] ^ 1 << chance.randrange(8)]) + octets[at + 1 :]


def with_a_line_moved(octets: bytes, chance: random.Random) -> bytes:
    """Return `octets` with one line doubled, or moved to another place."""
    lines = octets.split(b"\n")
    line = chance.choice(lines)
    if chance.random() < 0.5:
        lines.remove(line)
    lines.insert(chance.randint(0, len(lines)), line)
    return b"\n".join(lines)
