"""GET /api/v1/stats: logons, distinct users and the most sessions at once, by hour, day, or hour of the week."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from winlogd.api.parameters import Values, filters_in, one_of, room_asked
from winlogd.api.reading import Asked
from winlogd.api.session_fields import local_text
from winlogd.sessions.session import US
from winlogd.store.file.marks import TAKEN_OVER, WAITS, read_marks
from winlogd.store.past.kept import FOR_EVER, kept_value
from winlogd.store.read.statistics import MOST_DAYS, By, WeekHour, find_counts, find_week

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access
    from winlogd.store.read.filters import Site

PARAMETERS: Final = ("by", "from", "to", "room")
_BY: Final = ("hour", "day", "weekday_hour")
_DAY_US: Final = 86_400 * US
_USUAL_DAYS: Final = {"hour": 7, "day": 30, "weekday_hour": 28}
"""The days before now that count if the question names no span."""


def stats(values: Values, asked: Asked) -> "Callable[[Access], object]":
    """Return the question for the counts of a span."""
    by = cast("By", values.read("by", one_of(_BY)) or "day")
    filters = filters_in(values, asked.site, asked.now_us)
    to_us = min(asked.now_us, asked.now_us if filters.to_us is None else filters.to_us)
    from_us = max(0, to_us - _USUAL_DAYS[by] * _DAY_US if filters.from_us is None else filters.from_us)
    if from_us >= to_us:
        values.fault("from", "must be before to, and not in the future")
    elif to_us - from_us > MOST_DAYS * _DAY_US:
        values.fault("from", f"must be at most {MOST_DAYS} days before to")
    site, now_us = asked.site, asked.now_us

    def find(access: "Access") -> object:
        room = room_asked(access, filters.room, site)
        rows: list[dict[str, object]]
        if by == "weekday_hour":
            rows = [_of_week(each, site) for each in find_week(access, from_us, to_us, site, now_us, room)]
        else:
            rows = [
                {
                    "begins_at": local_text(each.begins_us, site.zone),
                    "logons": each.logons,
                    "users": each.users,
                    "most": each.most,
                }
                for each in find_counts(access, by, from_us, to_us, site, now_us, room)
            ]
        return {"by": by, "room": room, "rows": rows, "history": access.history(), "archive": _archive(access, site)}

    return find


def _archive(access: "Access", site: "Site") -> dict[str, object]:
    """Return how long the archive is kept: null for ever, and false if nobody has decided that yet."""
    with access.snapshot() as connection:
        is_taken_over = TAKEN_OVER in read_marks(connection)
    value = kept_value(site.history_days, site.has_chosen_days, is_taken_over)
    return {"kept_days": None if value in (WAITS, FOR_EVER) else site.history_days, "is_decided": value != WAITS}


def _of_week(each: WeekHour, site: "Site") -> dict[str, object]:
    row: dict[str, object] = each._asdict()
    del row["most_us"]
    return row | {"most_at": local_text(each.most_us, site.zone)}
