"""The rows of the readers' log that concern one person, without any data of the reader.

A reader is another person, so a reader gets a number here in place of a name. The filter and the address of a row are
left out: a filter may have the names of others. This file must not know how the rows are shown.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from winlogd.commands.readers_file import asked
from winlogd.config.sections import Config
from winlogd.events.names import folded, short_user
from winlogd.events.patterns import STAR, Pattern

COMMAND: Final = "command"
"""The role of a reader who has used a command on the server."""

_OF_A_COMMAND: Final = "user:"
_NAMING: Final = ("user", "username", "q")
_NAMES: Final = (
    "user|username|hostname|host|q|ip|room|from|to|at|state|ended_by|action|by|day|limit|cursor|format|reason"
)
_VALUES: Final = re.compile(rf"(?:^| )({_NAMES})=")
"""Where the value of a parameter begins in a row (`access.audit`). Values are not escaped and may have spaces."""


class SeenBy(NamedTuple):
    """One look at a person.

    Attributes:
        at_us: when, in microseconds since 1970.
        number: the number of the reader, which counts from 1 in the order of these rows.
        role: the scope of the reader; `COMMAND`; or ``loopback`` or ``network`` for those without a token.
        kind: what was looked at, as in the readers' log.
    """

    at_us: int
    number: int
    role: str
    kind: str


def looks_at(config: Config, names: Collection[str], from_us: int | None, to_us: int | None) -> Iterator[list[SeenBy]]:
    """Yield the looks that name a person, newest first, in lists. Memory holds one page of the log.

    Args:
        config: names the database.
        names: the exact accounts of the person.
        from_us: looks at this moment or later, in microseconds since 1970; None for all.
        to_us: looks at this moment or earlier; None for all.

    Raises:
        FailedError: the readers' log cannot be read.
    """
    scopes = {each["name"]: each["scope"] for each in asked(config, {"do": "list"})["readers"]}
    wanted, numbers = forms_of(names), dict[str, int]()
    before = None
    while True:
        answer = asked(config, {"do": "log", "reader": None, "since_us": from_us or 0, "before": before})
        yield [
            SeenBy(look["at_us"], _number(numbers, look["reader"]), _role(look["reader"], scopes), look["kind"])
            for look in answer["looks"]
            if (to_us is None or look["at_us"] <= to_us) and names_one(look["filter"], wanted)
        ]
        before = answer["before"]
        if before is None:
            return


def forms_of(names: Collection[str]) -> set[str]:
    """Return the forms in which a filter may name one of some accounts: folded, with and without the domain."""
    return {form for name in names for form in (folded(name), short_user(name))}


def names_one(filter_text: str, wanted: set[str]) -> bool:
    """Return True if the filter of a row names one of some accounts.

    ``alice`` names ``DOM\\alice``, too, because its answer shows both. A search counts if it has the whole name. A
    filter of stars alone names nobody in particular.

    Args:
        filter_text: the filter, as it is in the row.
        wanted: the accounts, as `forms_of` returns them.
    """
    return any(_is_one(key, value, wanted) for key, value in _pairs(filter_text) if key in _NAMING)


def _is_one(key: str, value: str, wanted: set[str]) -> bool:
    if key == "q":
        text = folded(value)
        return text in wanted or not wanted.isdisjoint(text.split())
    try:
        pattern = Pattern(value)
    except ValueError:
        return False  # the question has got no answer
    if pattern.is_plain:
        return pattern.text in wanted
    return bool(pattern.text.strip(STAR)) and any(map(pattern.matches, wanted))


def _pairs(filter_text: str) -> Iterator[tuple[str, str]]:
    _, *parts = _VALUES.split(filter_text)
    return zip(parts[::2], parts[1::2], strict=True)


def _number(numbers: dict[str, int], reader: str) -> int:
    return numbers.setdefault(reader, len(numbers) + 1)


def _role(reader: str, scopes: Mapping[str, Any]) -> str:
    return COMMAND if reader.startswith(_OF_A_COMMAND) else str(scopes.get(reader, reader))
