"""When a site closes: a time of day, with exceptions by date. Pure: the caller passes the moment and the time zone."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import Final, final

from winlogd.events.value import Value
from winlogd.sessions.session import US

_NO_EXCEPTIONS: Final[Mapping[date, time | None]] = MappingProxyType({})
_DAY: Final = timedelta(days=1)


@final
class Closing(Value):
    """The closing time of a site.

    Attributes:
        at: the time of day, by the clocks of `zone`.
        zone: the time zone of the site; None for the system's own.
        exceptions: by date, another closing time. None means that the site does not close on that day.
    """

    __slots__ = ("at", "exceptions", "zone")

    def __init__(self, at: time, zone: tzinfo | None, exceptions: Mapping[date, time | None] = _NO_EXCEPTIONS) -> None:
        self.at: Final = at
        self.zone: Final = zone
        self.exceptions: Final = exceptions

    def first_after(self, moment_us: int) -> int:
        """Return the first closing after `moment_us`. Both are microseconds since 1970."""
        # A closing that the clock's jump moves past midnight belongs to the day before.
        day = datetime.fromtimestamp(moment_us // US, self.zone).date() - _DAY
        while True:
            closing_us = self.on(day)
            if closing_us is not None and closing_us > moment_us:
                return closing_us
            day += _DAY

    def on(self, day: date) -> int | None:
        """Return the closing of a day, in microseconds since 1970; None if the site does not close on that day.

        A change of the clocks can skip or repeat a time of day. As in RFC 5545 §3.3.5, a repeated time counts when it
        comes first. A skipped time is read with the offset before the change: in Paris 02:30 becomes 03:30.
        """
        at = self.exceptions.get(day, self.at)
        if at is None:
            return None
        local = datetime.combine(day, at.replace(microsecond=0, fold=0), self.zone)
        return int(local.timestamp()) * US + at.microsecond
