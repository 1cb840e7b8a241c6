"""A time of the day that has a name at a site, such as a school hour. Pure: knows no day and no zone."""

from datetime import time
from typing import Final, final

from winlogd.events.value import Value


@final
class Period(Value):
    """A named time of the day.

    Attributes:
        name: the name, as the administrator spells it.
        begins: the beginning, by the site's clocks.
        ends: the end, after the beginning.
    """

    __slots__ = ("begins", "ends", "name")

    def __init__(self, name: str, begins: time, ends: time) -> None:
        self.name: Final = name
        self.begins: Final = begins
        self.ends: Final = ends
