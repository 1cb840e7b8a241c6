"""Patterns of names: ``TS-*``, ``*.school.local``. A star stands for any characters, also for none.

Everything else is literal. A pattern is matched in linear time, whatever name a client sends: a regular expression
with four stars can take the third power of the name's length. Knows text; not events, machines or tables.
"""

from typing import Final, final

from winlogd.events.names import folded, short_host
from winlogd.events.value import Value

STAR: Final = "*"
MOST_STARS: Final = 4


@final
class Pattern(Value):
    """A pattern of names, in the form in which names are compared.

    Args:
        text: the pattern as a person writes it.

    Attributes:
        text: the folded pattern.

    Raises:
        ValueError: `text` has more stars than `MOST_STARS`. The message is a sentence for the person who wrote it.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        if text.count(STAR) > MOST_STARS:
            raise ValueError(f"{text!r} has more than {MOST_STARS} stars.")
        self.text: Final = folded(text)

    @property
    def is_plain(self) -> bool:
        """Return True if the pattern has no star, so that it matches one name only."""
        return STAR not in self.text

    @property
    def prefix(self) -> str:
        """Return the literal beginning. Every name that matches begins with it, so an index can find these names."""
        return self.text.partition(STAR)[0]

    def matches(self, folded_name: str) -> bool:
        """Return True if the whole of `folded_name` has the form of the pattern."""
        first, *middle = self.text.split(STAR)
        if not middle:
            return folded_name == first
        last = middle.pop()
        position, end = len(first), len(folded_name) - len(last)
        if position > end or not (folded_name.startswith(first) and folded_name.endswith(last)):
            return False
        for piece in middle:  # the leftmost place of each piece leaves most room for the next
            found = folded_name.find(piece, position, end)
            if found < 0:
                return False
            position = found + len(piece)
        return True

    def matches_host(self, folded_host: str) -> bool:
        """Return True if the pattern matches a machine's folded name, or the first label of that name."""
        return self.matches(folded_host) or self.matches(short_host(folded_host))
