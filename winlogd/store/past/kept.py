"""How long the archive is kept, in words: from the marks of the database. This file must not know the configuration."""

from collections.abc import Mapping

from winlogd.store.file.marks import KEPT_DAYS, TAKEN_OVER, WAITS

FOR_EVER = "0"


def kept_value(days: int, is_chosen: bool, is_taken_over: bool) -> str:
    """Return the value of the mark `KEPT_DAYS`.

    Args:
        days: the option ``retention.history_days``; 0 is for ever.
        is_chosen: the administrator has set the option.
        is_taken_over: the database has the mark `TAKEN_OVER`.
    """
    return WAITS if is_taken_over and not is_chosen else str(days)


def kept_days(marks: Mapping[str, str], default_days: int) -> int | None:
    """Return for how many days the archive is kept; None for ever. The arguments are those of `kept_text`."""
    value = _value_in(marks, default_days)
    return None if value in (WAITS, FOR_EVER) else int(value)


def kept_text(marks: Mapping[str, str], default_days: int) -> str:
    """Return for a person how long the archive is kept.

    Args:
        marks: the marks of the database.
        default_days: the default of the option: a database that has kept to it has no mark.
    """
    value = _value_in(marks, default_days)
    if value == WAITS:
        return "kept for ever, until retention.history_days is set: the database was taken over"
    return "kept for ever" if value == FOR_EVER else f"kept for {value} days"


def _value_in(marks: Mapping[str, str], default_days: int) -> str:
    return marks.get(KEPT_DAYS) or kept_value(default_days, False, TAKEN_OVER in marks)
