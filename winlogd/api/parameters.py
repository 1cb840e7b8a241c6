"""The parameters of a question about sessions, from text to values: of a request's query, or of a command line.

Every wrong value is reported by its name. This file must not know SQL, or what is found.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from winlogd.api.cursor import parsed_cursor
from winlogd.events.patterns import Pattern
from winlogd.http.wire.message import Head
from winlogd.http.wire.parameters import ParameterError, read_parameters
from winlogd.sessions.moments import Moment, instant_of
from winlogd.store.past.names import address_digits
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.names import Addresses, host_names

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

T = TypeVar("T")

MomentOf = Callable[[str, int, "tzinfo | None"], Moment]
"""Return the moment that a text means, at a time and in a zone. Raise ValueError as `instant_of` does."""

FILTERS: Final = ("user", "host", "room", "ip", "from", "to", "at", "state", "ended_by")
"""The parameters that choose sessions."""
PAGE: Final = ("limit", "cursor", "format", "lang")
"""The parameters that choose a page and its form."""
MOST: Final = 1000
"""The largest `limit`."""
USUAL: Final = 100
"""The `limit` of a question that names none."""

_STATES: Final = ("open", "ended", "doubtful", "orphan")
_ENDINGS: Final = ("client", "auto", "expired")
_FORMATS: Final = ("json", "csv", "ndjson")
_LANGUAGES: Final = ("en", "fr")
_ACCEPTED: Final = {
    "application/json": "json",
    "application/*": "json",
    "*/*": "json",
    "text/csv": "csv",
    "text/*": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
}
_WEIGHT: Final = re.compile(r"q=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_MOST_CHARACTERS: Final = 256


class PageAsked(NamedTuple):
    """Which page is asked for, and in which form.

    Attributes:
        limit: the most rows; None for all of them.
        cursor: the epoch and key of a cursor; None for the first page.
        format: ``json``, ``csv`` or ``ndjson``.
        language: ``en`` or ``fr``.
    """

    limit: int | None
    cursor: tuple[int, int] | None
    format: str
    language: str


class Values:
    """The values of parameters, each read once. Faults are collected, and reported together.

    Args:
        values: the text of each parameter that is given, by its name.
        moment_of: understands the texts of times.
        faults: what is wrong with the names, by name.

    Attributes:
        moment_of: the same function.
    """

    def __init__(
        self,
        values: Mapping[str, str],
        moment_of: MomentOf = instant_of,
        faults: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._values = values
        self._faults: dict[str, str] = dict(faults)
        self.moment_of: Final = moment_of

    def read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return the parsed value of a parameter; None if it is not given, or is wrong.

        Args:
            name: the parameter.
            parse: raises ValueError with the end of a sentence that says what is allowed.
        """
        text = self._values.get(name)
        if text is None:
            return None
        try:
            if not text:
                raise ValueError("must not be empty")
            if len(text) > _MOST_CHARACTERS:
                raise ValueError(f"must have at most {_MOST_CHARACTERS} characters")
            return parse(text)
        except ValueError as fault:
            self.fault(name, str(fault))
            return None

    def text(self, name: str) -> str:
        """Return a parameter for which every text is right; an empty text if it is not given."""
        return self._values.get(name, "")

    def fault(self, name: str, text: str) -> None:
        """Note a fault. The first one of a parameter counts."""
        self._faults.setdefault(name, text)

    def check(self) -> None:
        """Raise what is wrong with the parameters that were read.

        Raises:
            ParameterError: at least one of them is wrong.
        """
        if self._faults:
            raise ParameterError(self._faults)


def values_of(head: Head, known: tuple[str, ...]) -> Values:
    """Return the values of a request's query.

    Args:
        head: the request.
        known: the names of the parameters that the endpoint takes.

    Raises:
        ParameterError: the query cannot be read, or has an unknown parameter.
    """
    values, faults = read_parameters(head.query, known)
    return Values(values, faults=faults)


def filters_in(values: Values, site: Site, now_us: int) -> Filters:
    """Return the filters of a query. Faults are noted in `values`. The room is as it was asked for (`room_asked`).

    Args:
        values: the query.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
    """

    def moment(text: str) -> Moment:
        return values.moment_of(text, now_us, site.zone)

    filters = Filters(
        user=values.read("user", Pattern),
        host=values.read("host", host_pattern),
        room=values.read("room", str),
        ip=values.read("ip", addresses_in),
        from_us=values.read("from", lambda text: moment(text).first_us),
        to_us=values.read("to", lambda text: moment(text).last_us),
        at_us=values.read("at", lambda text: _instants(moment(text))) or (),
        state=values.read("state", one_of(_STATES)),
        ended_by=values.read("ended_by", some_of(_ENDINGS)) or (),
    )
    if filters.at_us and min(filters.at_us) > now_us:
        values.fault("at", "must not be in the future")
    if filters.from_us is not None and filters.to_us is not None and filters.to_us < filters.from_us:
        values.fault("to", "must not be before from")
    return filters


def page_in(values: Values, head: Head) -> PageAsked:
    """Return the page that a query asks for. Faults are noted in `values`."""
    form = values.read("format", one_of(_FORMATS)) or _accepted(head)
    limit = values.read("limit", _limit)
    return PageAsked(
        limit=USUAL if limit is None and form == "json" else limit,
        cursor=values.read("cursor", parsed_cursor),
        format=form,
        language=values.read("lang", one_of(_LANGUAGES)) or "en",
    )


def one_of(allowed: tuple[str, ...]) -> Callable[[str], Any]:
    """Return a function that returns a text if it is one of some, and raises ValueError otherwise."""

    def parse(text: str) -> str:
        if text in allowed:
            return text
        raise ValueError(f"must be one of {', '.join(allowed)}{_hint(text, allowed)}")

    return parse


def some_of(allowed: tuple[str, ...]) -> Callable[[str], Any]:
    """Return a function that returns the different texts between commas. It raises ValueError as `one_of` does."""
    parse_one = one_of(allowed)

    def parse(text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(parse_one(each) for each in text.split(",")))

    return parse


def host_pattern(text: str) -> Pattern:
    """Return a pattern of machines' names. A dot at the end does not count.

    Raises:
        ValueError: `text` has too many stars.
    """
    return Pattern(text.removesuffix("."))


def addresses_in(text: str) -> Addresses:
    """Return the addresses of an address or a network such as ``192.0.2.0/24``.

    Raises:
        ValueError: `text` is neither.
    """
    import ipaddress  # loaded with the first question about an address

    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("must be an address, or a network such as 192.0.2.0/24") from None
    return Addresses(address_digits(str(network[0])), address_digits(str(network[-1])))


def room_asked(access: "Access", text: str | None, site: Site) -> str | None:
    """Return the name of today of the room that a question asks for; None if it asks for none.

    Called on the reader's thread: the names of machines may tell rooms that the configuration does not list.

    Raises:
        ParameterError: there is no such room. The text names the nearest one.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    room = None if text is None else site.rooms.canonical(text)
    if text is None or room is not None:
        return room
    with access.snapshot() as connection:
        hostnames = host_names(connection)
    room = site.rooms.canonical(text, hostnames)
    if room is not None:
        return room
    raise ParameterError({"room": f"is not a known room{_hint(text, site.rooms.names(hostnames))}"})


def _hint(text: str, known: Iterable[str]) -> str:
    """Return the nearest known name as the end of a fault, in any letter case; nothing if none is near."""
    from difflib import get_close_matches  # loaded with the first wrong value

    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(text.casefold(), by_folded, n=1)
    return f"; did you mean {by_folded[near[0]]}?" if near else ""


def _limit(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST:
        return int(text)
    raise ValueError(f"must be a whole number from 1 to {MOST}")


def _instants(moment: Moment) -> tuple[int, ...]:
    if not moment.is_instant:
        raise ValueError("must be a moment, such as 2026-01-13T10:15; for a day use from and to")
    return tuple(first_us for first_us, _ in moment.spans)


def _accepted(head: Head) -> str:
    """Return the form that the client prefers (RFC 9110 §12.5.1); JSON if it names none of ours."""
    best, highest = "json", 0.0
    for item in ",".join(head.get_all("accept")).split(","):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        form = _ACCEPTED.get(media)
        weight = _weight(parameters)
        if form is not None and weight > highest:
            best, highest = form, weight
    return best


def _weight(parameters: list[str]) -> float:
    """Return the weight of a media type, from 0 to 1."""
    for parameter in parameters:
        if _WEIGHT.fullmatch(parameter) is not None:
            return float(parameter[2:])
    return 1.0
