"""The keys that an administrator chooses: names of rooms, former names, dates, periods. They come from the file alone.

A section's own keys win: a room cannot have the name of an option of `[rooms]`. Loaded only if the file has such a key,
or an unknown one. This file must not know what the names and values are for.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from winlogd.config import kinds
from winlogd.config import list_kinds as lists
from winlogd.config import messages as fault
from winlogd.config.kinds import Kind, NotAllowedError
from winlogd.config.sections import FREE_KEYS, KEYS

LONGEST_NAME_CHARACTERS: Final = 64
"""The most characters of a room's or a period's name."""


class Table(NamedTuple):
    """The kinds of the keys and of the values."""

    names: Kind[str]
    values: Kind[Any]


def name() -> Kind[str]:
    """Return the kind of a name for people, such as a room's."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME_CHARACTERS or value != value.strip():
            raise NotAllowedError
        if not value.isprintable():
            raise NotAllowedError
        return value

    allowed = f"1 to {LONGEST_NAME_CHARACTERS} characters that print, without a space at its ends"
    return Kind(allowed, check, lambda text: text)


def day() -> Kind[str]:
    """Return the kind of a date, ``YYYY-MM-DD``."""

    def check(value: object) -> str:
        try:
            if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
                return value
        except ValueError:
            pass
        raise NotAllowedError

    return Kind("a date such as 2026-07-14", check, lambda text: text)


def period() -> Kind[str]:
    """Return the kind of a time of the day with a beginning and an end, ``HH:MM-HH:MM``."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise NotAllowedError
        begins, _, ends = value.partition("-")
        if not (begins and ends):
            raise NotAllowedError
        time_of_day = kinds.time_of_day()
        if time_of_day.check(ends) <= time_of_day.check(begins):
            raise NotAllowedError("it ends before it begins")
        return value

    return Kind('a time such as "09:00-10:00"', check, lambda text: text)


TABLES: Final[Mapping[tuple[str, str], Table]] = {
    ("rooms", "patterns"): Table(name(), lists.patterns()),
    ("rooms", "aliases"): Table(name(), name()),
    ("sessions", "closing_exceptions"): Table(day(), kinds.time_of_day()),
    ("periods", "times"): Table(name(), period()),
}
"""By section and field."""


def take(values: dict[str, Any], section: str, others: Mapping[str, Any]) -> list[str]:
    """Put those keys of a section that are no options into `values`. Return their faults.

    Args:
        values: the values of the section's fields.
        section: the section.
        others: its keys that are no options, with their values of TOML.
    """
    faults: list[str] = []
    free: dict[str, Any] = {}
    for key, value in others.items():
        if key in KEYS[section]:
            if isinstance(value, dict):
                faults += _take(values, (section, key), value, f"{section}.{key}.")
            else:
                faults.append(fault.wrong_value(f"{section}.{key} = ", value, f"a table: [{section}.{key}]", ""))
        elif section not in FREE_KEYS:
            faults.append(fault.unknown_key(section, key, KEYS))
        elif misspelt := _misspelt(section, key, value):
            faults.append(misspelt)
        else:
            free[key] = value
    if free:
        faults += _take(values, (section, FREE_KEYS[section]), free, f"{section}.")
    return faults


def _misspelt(section: str, key: str, value: object) -> str:
    """Return the fault of a key that is one of the section's own, but for a slip. A right value makes a free key."""
    if key.lower().replace("-", "_") not in KEYS[section]:
        try:
            TABLES[section, FREE_KEYS[section]].values.check(value)
        except NotAllowedError:
            pass
        else:
            return ""
    return fault.misspelt_key(section, key, KEYS)


def _take(values: dict[str, Any], field: tuple[str, str], items: Mapping[str, Any], prefix: str) -> list[str]:
    """Put pairs of names and values into a field. Return their faults, which begin with `prefix` and the name."""
    table = TABLES[field]
    faults: list[str] = []
    kept: dict[str, tuple[str, Any]] = {}
    for key, value in items.items():
        full_name = prefix + fault.shown_name(key)
        try:
            table.names.check(key)
        except NotAllowedError:
            faults.append(fault.wrong_name(full_name, table.names.allowed))
            continue
        if key.casefold() in kept:
            faults.append(fault.wrong_name(full_name, "another one: it is there twice, in different letters"))
            continue
        try:
            kept[key.casefold()] = key, table.values.check(value)
        except NotAllowedError as refusal:
            detail = refusal.detail or _detail(value, table.values)
            faults.append(fault.wrong_value(f"{full_name} = ", value, table.values.allowed, detail))
    values[field[1]] = tuple(kept.values())
    return faults


def _detail(value: object, expected: Kind[Any]) -> str:
    """Return what is wrong with a value of the wrong type; empty if the value shows that."""
    if isinstance(value, dict):
        return "a name with a dot stands in quotes"
    if expected.allowed.startswith("a list"):
        return "in brackets" if isinstance(value, str) else ""
    return fault.quotes_detail(value, "")
