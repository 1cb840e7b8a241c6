"""A client's JSON → a valid Event, or the reason why not.

Pure: no clock, no I/O, no HTTP. The reason is an `InvalidEventError` that carries what the client is told.
"""

import gc
import re
from typing import Any, Final

import orjson

from winlogd.events.event import (
    MAX_HARDWARE_BYTES,
    MAX_HARDWARE_LEVELS,
    MAX_HOSTNAME_CHARACTERS,
    MAX_OS_CHARACTERS,
    MAX_USERNAME_CHARACTERS,
    Event,
)
from winlogd.events.timestamps import stored_form

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
"""Unicode's control characters, general category Cc."""

_BEYOND_ASCII_CONTROL: Final = re.compile("[\x7f-\x9f]")
"""The control characters that JSON text may hold as they are."""

_LARGE_BODY_BYTES: Final = 64 * 1024
_MAX_BRACKETS: Final = 2 * MAX_HARDWARE_BYTES
"""That many, in a string or not, nothing that is stored can hold. Half of them make a container each; 1 MiB of ``[]``
has 349 000, which take 25 ms, and 75 with the garbage collector, during which nobody else is served (``python -m timeit
-s "import gc, orjson; gc.enable(); b = b'[' + b'[],' * 349_000 + b'[]]'" "orjson.loads(b)"``)."""

_NO_JSON: Final = "Invalid JSON"
_STRUCTURE: Final = "Invalid JSON structure: missing required fields"
_OS_FIELDS: Final = ("os_name", "os_version", "kernel_version")


class InvalidEventError(Exception):
    """A body that is no event.

    Attributes:
        answer: the JSON object that tells the client why, with ``error`` and perhaps ``details``.
        reason: why, for the log: holds nothing that the client sent.
    """

    def __init__(self, error: str, details: str | dict[str, str] | None = None, reason: str | None = None) -> None:
        super().__init__(error)
        self.reason: Final = reason or error
        self.answer: Final[dict[str, object]] = {"error": error}
        if details is not None:
            self.answer["details"] = details


class EventDecoder:
    """Decodes bodies.

    Args:
        valid_actions: the actions that this server takes, a subset of C, D and M.
    """

    __slots__ = ("_valid_actions",)

    def __init__(self, valid_actions: tuple[str, ...]) -> None:
        self._valid_actions = frozenset(valid_actions)

    def decode(self, body: bytes) -> Event:
        """The event in `body`, JSON text.

        Text that cannot be stored costs nobody a logon. A byte order mark is skipped. Half of a surrogate pair
        (``"\\ud800"``) is U+FFFD, in names, too, because SQLite wants UTF-8. A number that no double can hold is null,
        whatever the field. Control characters in `os_info` are spaces.

        Raises:
            InvalidEventError: with the first of these that fails: there is a body, of not too many brackets; it is
                JSON; its fields are there and have the right types, lengths and characters; its action is valid; so
                is its timestamp.
        """
        if not body:
            raise InvalidEventError("Empty request body")
        try:
            fields = orjson.loads(body) if len(body) <= _LARGE_BODY_BYTES else _parse_large(body)
        except orjson.JSONDecodeError as error:
            fields = _parse_refused(body, error)
        return _plain_event(fields, self._valid_actions) or self._carefully(fields)

    def _carefully(self, fields: object) -> Event:
        event = _checked_event(fields)
        if event.action not in self._valid_actions:
            raise InvalidEventError(f"Invalid action: {event.action}", reason="Invalid action")
        timestamp = stored_form(event.timestamp)
        if timestamp is None:
            raise InvalidEventError("Invalid timestamp format (expected ISO 8601)", _fault_of_time(event.timestamp))
        return event if timestamp is event.timestamp else event.replaced(timestamp=timestamp)


def _fault_of_time(text: str) -> str:
    from winlogd.events.timestamp_faults import fault_of

    return fault_of(text)


def _parse_large(body: bytes) -> object:
    """The JSON value of `body`, made without the garbage collector: it would look at all containers again and again.

    Raises:
        InvalidEventError: it has too many containers.
        orjson.JSONDecodeError: it is no JSON.
    """
    if sum(map(body.count, (b"[", b"]", b"{", b"}"))) > _MAX_BRACKETS:
        raise InvalidEventError(_STRUCTURE, {"body": f"must not hold more than {_MAX_BRACKETS} brackets and braces"})
    if not gc.isenabled():
        return orjson.loads(body)
    gc.disable()
    try:
        return orjson.loads(body)
    finally:
        gc.enable()


def _parse_refused(body: bytes, refusal: orjson.JSONDecodeError) -> object:
    """The JSON value of `body`, which orjson has refused for `refusal`, when it can be repaired.

    Raises:
        InvalidEventError: it is not UTF-8, no JSON, or has too many containers.
    """
    from winlogd.events.repair import fault_of_encoding, has_byte_order_mark, repaired

    fault = fault_of_encoding(body)
    if fault is not None:
        raise InvalidEventError(_NO_JSON, fault)
    if has_byte_order_mark(body) or "surrogate" in refusal.msg or "infinity" in refusal.msg:
        try:
            return _parse_large(repaired(body))
        except orjson.JSONDecodeError as error:
            raise InvalidEventError(_NO_JSON, _what_and_where(error)) from None
    raise InvalidEventError(_NO_JSON, _what_and_where(refusal)) from None


def _what_and_where(refusal: orjson.JSONDecodeError) -> str:
    # orjson gives up at 1024 levels, and says that memory is short when that many nearly fill its stack.
    what = "nested too deep" if "memory" in refusal.msg or "depth" in refusal.msg else refusal.msg
    return f"{what} at line {refusal.lineno}, column {refusal.colno}"


def _plain_event(fields: Any, valid_actions: frozenset[str]) -> Event | None:  # noqa: ANN401  # any JSON
    """The event of `fields` when nothing about it is unusual; None leaves it to the full check.

    1.3 µs instead of 2.9 µs. `str.isprintable` refuses all control characters and some more, and what it refuses is
    merely looked at twice.
    """
    try:
        username, action, timestamp = fields["username"], fields["action"], fields["timestamp"]
        hostname, os_info = fields["hostname"], fields["os_info"]
        name, version, kernel = os_info["os_name"], os_info["os_version"], os_info["kernel_version"]
        if (
            fields["hardware_info"] is None
            and 0 < len(username) <= 255
            and 0 < len(hostname) <= 255
            and (username + hostname).isprintable()
            and len(os := name + version + kernel) <= MAX_OS_CHARACTERS
            and os.isprintable()
            and action in valid_actions
            and (stored := stored_form(timestamp)) is not None
            and stored is timestamp
        ):
            return Event(username, action, stored, hostname, name, version, kernel, None)
    except (KeyError, TypeError, AttributeError):  # a field is missing, or no text
        return None
    return None


def _checked_event(fields: object) -> Event:
    """The event of `fields`; collects everything that is wrong with it."""
    if not isinstance(fields, dict):
        raise InvalidEventError(_STRUCTURE, {"body": "must be a JSON object"})
    wrong: dict[str, str] = {}
    username = _required(fields, "username", wrong, MAX_USERNAME_CHARACTERS)
    action = _required(fields, "action", wrong, None)
    timestamp = _required(fields, "timestamp", wrong, None)
    if username is not None and _CONTROL.search(username):
        wrong["username"] = "must not hold control characters"
    hostname = _optional(fields, "hostname", "hostname", wrong, MAX_HOSTNAME_CHARACTERS)
    if hostname is not None and _CONTROL.search(hostname):
        wrong["hostname"] = "must not hold control characters"
    os_info = fields.get("os_info")
    if os_info is not None and not isinstance(os_info, dict):
        wrong["os_info"] = "must be an object or null"
        os_info = None
    os = [_optional(os_info or {}, key, f"os_info.{key}", wrong, MAX_OS_CHARACTERS) for key in _OS_FIELDS]
    if not f"{os[0]}{os[1]}{os[2]}".isprintable():  # a terminal that shows them must not obey them
        os = [text and _CONTROL.sub(" ", text) for text in os]
    hardware_info = _hardware(fields.get("hardware_info"), wrong)
    if wrong or username is None or action is None or timestamp is None:
        raise InvalidEventError(_STRUCTURE, wrong, f"Invalid fields: {', '.join(wrong)}")
    return Event(username, action, timestamp, hostname or None, os[0], os[1], os[2], hardware_info)


def _required(fields: dict[str, object], key: str, wrong: dict[str, str], limit: int | None) -> str | None:
    if key not in fields:
        wrong[key] = "is missing"
        return None
    value = fields[key]
    if not isinstance(value, str):
        wrong[key] = "must be a string"
        return None
    if not value:
        wrong[key] = "must not be empty"
    elif limit is not None and len(value) > limit:
        wrong[key] = f"must have at most {limit} characters"
    return value


def _optional(fields: dict[str, object], key: str, name: str, wrong: dict[str, str], limit: int) -> str | None:
    value = fields.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        wrong[name] = "must be a string or null"
        return None
    if len(value) > limit:
        wrong[name] = f"must have at most {limit} characters"
    return value


def _hardware(value: object, wrong: dict[str, str]) -> str | None:
    if value is None:
        return None
    too_deep = f"must not be nested deeper than {MAX_HARDWARE_LEVELS} levels"
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError:  # it goes down 254 levels
        wrong["hardware_info"] = too_deep
        return None
    if len(text) <= MAX_HARDWARE_BYTES:
        text = _harmless(text)
    if len(text) > MAX_HARDWARE_BYTES:  # before the levels, which take far longer to count
        wrong["hardware_info"] = f"must have at most {MAX_HARDWARE_BYTES} bytes as compact JSON"
    elif _levels(value) > MAX_HARDWARE_LEVELS:
        wrong["hardware_info"] = too_deep
    return text.decode()


def _harmless(text: bytes) -> bytes:
    """The same JSON value, with escapes for the control characters that a terminal would obey; orjson escapes C0."""
    if text.isascii() and b"\x7f" not in text:
        return text
    harmless = text.decode()
    for character in set(_BEYOND_ASCII_CONTROL.findall(harmless)):
        harmless = harmless.replace(character, f"\\u{ord(character):04x}")
    return harmless.encode()


def _levels(value: object) -> int:
    """How deep arrays and objects are nested in `value`; a scalar has 0 levels. Level by level, not recursive."""
    levels = 0
    containers = [value] if isinstance(value, (dict, list)) else []
    while containers:
        levels += 1
        inner: list[object] = []
        for container in containers:
            inner += container.values() if isinstance(container, dict) else container
        containers = [item for item in inner if isinstance(item, (dict, list))]
    return levels
