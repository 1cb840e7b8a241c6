"""The kinds of values that an option can have.

A kind says in plain words what is allowed, checks a value that TOML gave, and reads one from the text of
an environment variable. It must not know a section, a key, a default, a file: those are in `sections` and
`load`. The kinds that are lists are in `list_kinds`.
"""

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

LONGEST_TIME_S: Final = 86_400
"""The longest time limit: a day. Timers of an event loop do not take just any number."""

SLOWEST_RATE_HZ: Final = 0.001
FASTEST_RATE_HZ: Final = 1_000_000
"""How often something may happen at the least and at the most, in times a second."""

LONGEST_TIME_H: Final = 8_784
"""A year."""

_LONGEST_NUMBER_CHARACTERS: Final = 21
"""More than any limit has, and far fewer digits than int() refuses with an error of its own."""

LONGEST_TOKEN_CHARACTERS: Final = 256

SHORTEST_TOKEN_CHARACTERS: Final = 16
"""A shorter one can be guessed. And the log writes *** wherever the token stands: with "level" as a token each line of
JSON would lack a key and show by that what the token is. The names of the log's fields are all shorter than this."""

_HOST_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%")
_TOKEN_MARKS: Final = "-._~+/="
"""What a token may hold besides letters and digits: RFC 6750 section 2.1, ``b64token``."""


class NotAllowedError(Exception):
    """A value is not of its kind."""

    def __init__(self, detail: str = "") -> None:
        """Keep what is wrong with the value, where "must be ..." leaves that open."""
        super().__init__(detail)
        self.detail = detail


class Kind(NamedTuple, Generic[T]):
    """What is allowed as the value of an option."""

    allowed: str
    """Completes the sentence "must be ..."."""

    check: Callable[[object], T]
    """Gives the value in the form that the program uses, or raises `NotAllowedError`."""

    parse: Callable[[str], object]
    """Turns the text of an environment variable into what TOML would have given. It never fails: a text
    that cannot be read stays a text, which `check` then refuses."""

    is_secret: bool = False
    """Whether a value must not be shown, not even a wrong one: it may be the right one with a slip."""


def whole(minimum: int, maximum: int, unit: str = "") -> Kind[int]:
    """A whole number between two others, both included; `true` is not a number."""

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise NotAllowedError
        return value

    of_unit = f" of {unit}" if unit else ""
    return Kind(f"a whole number{of_unit} from {minimum} to {maximum}", check, _number)


def seconds() -> Kind[float]:
    """A length of time in seconds, above 0; fractions are allowed."""

    def check(value: object) -> float:
        # Not a number (nan) fails the comparison as well.
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= LONGEST_TIME_S:
            raise NotAllowedError
        return float(value)

    return Kind(f"a number of seconds above 0, at most {LONGEST_TIME_S}", check, _number)


def rate() -> Kind[float]:
    """How often a second, or 0; fractions are allowed."""

    def check(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise NotAllowedError
        if value != 0 and not SLOWEST_RATE_HZ <= value <= FASTEST_RATE_HZ:
            raise NotAllowedError
        return float(value)

    return Kind(f"0, or a number from {SLOWEST_RATE_HZ} to {FASTEST_RATE_HZ}", check, _number)


def flag() -> Kind[bool]:
    """Yes or no."""

    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise NotAllowedError
        return value

    words: dict[str, object] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return Kind("true or false", check, lambda text: words.get(text.lower(), text))


def choice(*names: str) -> Kind[str]:
    """One of some names, in any letter case; kept as it is written in `names`."""
    by_lower_case = {name.lower(): name for name in names}

    def check(value: object) -> str:
        if not isinstance(value, str) or value.lower() not in by_lower_case:
            raise NotAllowedError
        return by_lower_case[value.lower()]

    return Kind(f"one of {', '.join(names)}", check, _as_it_is)


def host() -> Kind[str]:
    """An address or the name of a host to listen on."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= 253 or not _HOST_CHARACTERS.issuperset(value):
            raise NotAllowedError
        if value.count(":") == 1:  # an IPv6 address has at least two
            raise NotAllowedError("the port is a key of its own")
        return value

    return Kind("an IP address or a host name (0.0.0.0 or :: for every address)", check, _as_it_is)


def file_name() -> Kind[str]:
    """The path of a file, which need not exist."""

    return Kind("the path of a file, in UTF-8 and without control characters", _file_name, _as_it_is)


def optional_file_name() -> Kind[str]:
    """The path of a file, or nothing."""

    def check(value: object) -> str:
        return "" if value == "" else _file_name(value)

    return Kind('the path of a file, in UTF-8 and without control characters, or "" for none', check, _as_it_is)


def _file_name(value: object) -> str:
    if not isinstance(value, str) or not value or value.endswith("/"):
        raise NotAllowedError
    # Category Cc, and the surrogates that stand for bytes which are not UTF-8: SQLite wants UTF-8.
    if any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in value):
        raise NotAllowedError
    return value


def token() -> Kind[str]:
    """A secret that fits into a header field without quotes or escapes, or nothing."""

    def check(value: object) -> str:
        if value == "":
            return ""
        if not isinstance(value, str):
            raise NotAllowedError
        if not SHORTEST_TOKEN_CHARACTERS <= len(value) <= LONGEST_TOKEN_CHARACTERS:
            raise NotAllowedError
        if not all((c.isascii() and c.isalnum()) or c in _TOKEN_MARKS for c in value):
            raise NotAllowedError
        return value

    characters = f"{SHORTEST_TOKEN_CHARACTERS} to {LONGEST_TOKEN_CHARACTERS} letters, digits and {_TOKEN_MARKS}"
    allowed = f'{characters}, or "" for none'
    return Kind(allowed, check, _as_it_is, is_secret=True)


def user_agent() -> Kind[str]:
    """The beginning of a User-Agent header: printable Latin-1, since that is how header fields are read."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not all(" " <= c <= "~" or "\xa1" <= c <= "\xff" for c in value):
            raise NotAllowedError
        if value.startswith(" "):  # the space before a field's value is no part of it
            raise NotAllowedError("with a space in front no client would match")
        return value

    return Kind('printable Latin-1 text, or "" for any client', check, _as_it_is)


def time_of_day() -> Kind[str]:
    """A time of day, ``HH:MM``, or nothing."""

    def check(value: object) -> str:
        if value == "":
            return ""
        if not isinstance(value, str) or len(value) != 5 or value[2] != ":" or not value.isascii():
            raise NotAllowedError
        hour, minute = value[:2], value[3:]
        if not (hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
            raise NotAllowedError
        return value

    return Kind('a time of day such as "01:00", or "" for never', check, _as_it_is)


def time_zone() -> Kind[str]:
    """The name of a time zone, or nothing for the system's."""

    def check(value: object) -> str:
        if value == "":
            return ""
        if not isinstance(value, str):
            raise NotAllowedError
        from zoneinfo import ZoneInfo  # slow to load, and most sites keep the default

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise NotAllowedError("this machine knows no such zone (is tzdata installed?)") from None
        return value

    return Kind('a time zone such as "Europe/Berlin", or "" for the system\'s', check, _as_it_is)


def hours() -> Kind[float]:
    """A length of time in hours, above 0; fractions are allowed."""

    def check(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= LONGEST_TIME_H:
            raise NotAllowedError
        return float(value)

    return Kind(f"a number of hours above 0, at most {LONGEST_TIME_H}", check, _number)


def _number(text: str) -> object:
    """A number in plain decimal notation, without white space around it.

    int() and float() alone would take `1_0`, `nan`, digits of other scripts and white space. They do not agree with
    str.strip() about what white space is: `8080` and the separator U+001F is a number to none of them.
    """
    before, point, after = text.removeprefix("-").partition(".")
    digits = before + after
    if not (digits.isascii() and before.isdigit() and len(text) <= _LONGEST_NUMBER_CHARACTERS):
        return text
    if not point:
        return int(text)
    return float(text) if after.isdigit() else text


def _as_it_is(text: str) -> object:
    return text
