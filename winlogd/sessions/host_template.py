"""Take a room's name out of a machine's name, by a template such as ``{room}-*``. Pure: knows text only."""

from typing import Final, final

from winlogd.events.names import folded, short_host
from winlogd.events.patterns import STAR, Pattern
from winlogd.events.value import Value

ROOM: Final = "{room}"
"""Where the room's name stands in a template."""


@final
class HostTemplate(Value):
    """How a site builds the names of its machines.

    Args:
        text: `ROOM` once, literal text before it, and a pattern behind it.

    Raises:
        ValueError: `text` is no such template. The message is a sentence for the person who wrote it.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        before, _, after = text.partition(ROOM)
        if text.count(ROOM) != 1:
            raise ValueError(f"{text!r} needs {ROOM} once.")
        if STAR in before:
            raise ValueError(f"{text!r} has a star before {ROOM}.")
        Pattern(after)  # raises if there are too many stars
        self.text: Final = text

    def room_of(self, folded_host: str) -> str | None:
        """Return the room in a machine's name, in capital letters; None if the name does not fit the template.

        The first label is tried before the whole name. The shortest name that fits is the room: ``{room}-*`` finds
        ``A102`` in ``a102-05-bis``. Capitals make the same room of the names that clients write in different ways.
        """
        before, _, after = self.text.partition(ROOM)
        start, rest = folded(before), Pattern(after)
        for name in dict.fromkeys((short_host(folded_host), folded_host)):
            if name.startswith(start):
                for end in range(len(start) + 1, len(name) + 1):
                    if rest.matches(name[end:]):
                        return name[len(start) : end].upper()
        return None
