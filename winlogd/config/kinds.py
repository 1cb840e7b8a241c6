"""The kinds of values that an option can have.

A kind says in plain words what is allowed. It checks a value that comes from TOML, and reads one from the text of an
environment variable. It must not know a section, a key, a default or a file: those are in `sections` and `load`. The
kinds of lists are in `list_kinds`.
"""

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

LONGEST_TIME_S: Final = 86_400
"""The longest time limit: a day. The timers of an event loop do not accept any number."""

SLOWEST_RATE_HZ: Final = 0.001
FASTEST_RATE_HZ: Final = 1_000_000
"""The lowest and the highest rate that an option can have, in events a second."""

LONGEST_TIME_H: Final = 8_784
"""The longest time in hours: a leap year."""

_LONGEST_NUMBER_CHARACTERS: Final = 21
"""A longer text is not read as a number.

No limit has as many digits. int() raises an error of its own for numbers that are far longer.
"""

LONGEST_TOKEN_CHARACTERS: Final = 256
"""A longer token is refused."""

SHORTEST_TOKEN_CHARACTERS: Final = 16
"""A shorter token is refused: it can be guessed.

And the log writes *** wherever the token stands. With the token "level" each line of JSON would lack this key, and
thereby show the token. The names of the log's fields are all shorter than this.
"""

ROOM: Final = "{room}"
"""Where the room's name stands in a template of machines' names."""

MOST_STARS: Final = 4
"""The most stars of a pattern of names."""

_QUOTES: Final = "\"'“”„‘’‚«»"  # those of a shell, and those that a word processor writes instead

_HOST_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%")
_TOKEN_MARKS: Final = "-._~+/="
"""The characters of a token besides letters and digits (RFC 6750 §2.1, ``b64token``)."""


class NotAllowedError(Exception):
    """A value is not of its kind.

    Attributes:
        detail: what exactly is wrong with the value; empty if the words "must be ..." say it all.
    """

    def __init__(self, detail: str = "") -> None:
        """Keep what is wrong with the value."""
        super().__init__(detail)
        self.detail = detail


class Kind(NamedTuple, Generic[T]):
    """The kind of an option's value: what is allowed, and how it is read."""

    allowed: str
    """Completes the sentence "must be ..."."""

    check: Callable[[object], T]
    """Return the value in the form that the program uses, or raise `NotAllowedError`."""

    parse: Callable[[str], object]
    """Turn the text of an environment variable into the value that TOML would give.

    It raises nothing. It returns text that it cannot read unchanged, and `check` refuses that.
    """

    is_secret: bool = False
    """True if no message may show a value. A wrong value is secret, too: it may be the right one with a slip."""


def whole(minimum: int, maximum: int, unit: str = "") -> Kind[int]:
    """Return the kind of a whole number from `minimum` to `maximum`, both included; `true` is no number."""

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise NotAllowedError
        return value

    of_unit = f" of {unit}" if unit else ""
    return Kind(f"a whole number{of_unit} from {minimum} to {maximum}", check, _number)


def seconds() -> Kind[float]:
    """Return the kind of a length of time in seconds, above 0; fractions are allowed."""

    def check(value: object) -> float:
        # TOML's nan fails the comparison, too.
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= LONGEST_TIME_S:
            raise NotAllowedError
        return float(value)

    return Kind(f"a number of seconds above 0, at most {LONGEST_TIME_S}", check, _number)


def rate() -> Kind[float]:
    """Return the kind of a rate in events a second, or 0; fractions are allowed."""

    def check(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise NotAllowedError
        if value != 0 and not SLOWEST_RATE_HZ <= value <= FASTEST_RATE_HZ:
            raise NotAllowedError
        return float(value)

    return Kind(f"0, or a number from {SLOWEST_RATE_HZ} to {FASTEST_RATE_HZ}", check, _number)


def flag() -> Kind[bool]:
    """Return the kind of a truth value; a variable may also say yes, no, 1 or 0."""

    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise NotAllowedError
        return value

    words: dict[str, object] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return Kind("true or false", check, lambda text: words.get(text.lower(), text))


def choice(*names: str) -> Kind[str]:
    """Return the kind of a text that is one of `names` in any letter case; `check` returns it as `names` has it."""
    by_lower_case = {name.lower(): name for name in names}

    def check(value: object) -> str:
        if not isinstance(value, str) or value.lower() not in by_lower_case:
            raise NotAllowedError
        return by_lower_case[value.lower()]

    return Kind(f"one of {', '.join(names)}", check, _as_it_is)


def host() -> Kind[str]:
    """Return the kind of an address, or of the name of a host, to listen on."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= 253 or not _HOST_CHARACTERS.issuperset(value):
            raise NotAllowedError
        if value.count(":") == 1:  # an IPv6 address has at least two
            raise NotAllowedError("the port is a key of its own")
        return value

    return Kind("an IP address or a host name (0.0.0.0 or :: for every address)", check, _as_it_is)


def file_name() -> Kind[str]:
    """Return the kind of the path of a file, which need not exist."""

    return Kind("the path of a file, in UTF-8 and without control characters", _file_name, _as_it_is)


def optional_file_name() -> Kind[str]:
    """Return the kind of the path of a file, or of an empty text for none."""

    def check(value: object) -> str:
        return "" if value == "" else _file_name(value)

    return Kind('the path of a file, in UTF-8 and without control characters, or "" for none', check, _as_it_is)


def _file_name(value: object) -> str:
    if not isinstance(value, str) or not value or value.endswith("/"):
        raise NotAllowedError
    # Category Cc, and the surrogates, which stand for bytes that are not UTF-8: SQLite wants UTF-8.
    if any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in value):
        raise NotAllowedError
    return value


def token() -> Kind[str]:
    """Return the kind of a secret that fits into a header field without quotes or escapes, or of an empty text."""

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
    """Return the kind of the beginning of a User-Agent: printable Latin-1, because header fields are read so."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not all(" " <= c <= "~" or "\xa1" <= c <= "\xff" for c in value):
            raise NotAllowedError
        if value.startswith(" "):  # a server drops the space before a field's value
            raise NotAllowedError("with a space in front no client would match")
        return value

    return Kind('printable Latin-1 text, or "" for any client', check, _as_it_is)


def host_template() -> Kind[str]:
    """Return the kind of a template that takes a room out of a machine's name, or of an empty text for none."""

    def check(value: object) -> str:
        if value == "":
            return ""
        if not isinstance(value, str) or not value.isprintable():
            raise NotAllowedError
        before, _, after = value.partition(ROOM)
        if value.count(ROOM) != 1 or "*" in before:
            raise NotAllowedError
        if after.count("*") > MOST_STARS:
            raise NotAllowedError(f"it has more than {MOST_STARS} stars")
        return value

    allowed = f'a name with {ROOM} once and stars only behind it, such as "{ROOM}-*", or "" for none'
    return Kind(allowed, check, _as_it_is)


def time_of_day() -> Kind[str]:
    """Return the kind of a time of day, ``HH:MM``, or of an empty text for never."""

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
    """Return the kind of the name of a time zone, or of an empty text for the system's."""

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
    """Return the kind of a length of time in hours, above 0; fractions are allowed."""

    def check(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= LONGEST_TIME_H:
            raise NotAllowedError
        return float(value)

    return Kind(f"a number of hours above 0, at most {LONGEST_TIME_H}", check, _number)


def without_quotes(text: str) -> str:
    """Return `text` without white space and quotes at its ends."""
    return text.strip().strip(_QUOTES)


def _number(text: str) -> object:
    """Return the number that `text` is in plain decimal notation; otherwise `text` itself.

    int() and float() alone would accept `1_0`, `nan`, digits of other scripts, and white space around a number. And
    str.strip() removes the separator U+001F from a number, which int() refuses.
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
