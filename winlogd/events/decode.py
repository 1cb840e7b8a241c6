"""Turn a client's JSON into a checked Event, or into an error that says why it is none.

Pure: no clock, no I/O, no HTTP. The error, `InvalidEventError`, carries the answer for the client.
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

CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
"""Unicode's control characters, general category Cc. No name of a user or a machine has one."""

_DEL_OR_C1: Final = re.compile("[\x7f-\x9f]")
"""The control characters that JSON allows in a string without an escape (RFC 8259 §7)."""

_LARGE_BODY_BYTES: Final = 64 * 1024
"""A body that is larger is parsed without the garbage collector, after a look at its brackets."""

_MAX_BRACKETS: Final = 2 * MAX_HARDWARE_BYTES
"""No event that we accept can hold more brackets and braces than this, even inside strings.

Each pair of them makes a container. 1 MiB of ``[]`` has 349 000 containers. orjson takes 25 ms for them, and 75 ms
with the garbage collector. The server serves nobody else meanwhile (``python -m timeit -s "import gc, orjson;
gc.enable(); b = b'[' + b'[],' * 349_000 + b'[]]'" "orjson.loads(b)"``).
"""

_NO_JSON: Final = "Invalid JSON"
_STRUCTURE: Final = "Invalid JSON structure: missing required fields"
_OS_FIELDS: Final = ("os_name", "os_version", "kernel_version")


class InvalidEventError(Exception):
    """A body is no event.

    Attributes:
        answer: the JSON object for the client: ``error``, and ``details`` if there are any.
        reason: the cause, for the log. It holds nothing that the client sent.
    """

    def __init__(self, error: str, details: str | dict[str, str] | None = None, reason: str | None = None) -> None:
        super().__init__(error)
        self.reason: Final = reason or error
        self.answer: Final[dict[str, object]] = {"error": error}
        if details is not None:
            self.answer["details"] = details


class EventDecoder:
    """Decode the bodies of requests.

    Args:
        valid_actions: the actions that this server accepts, some of C, D and M.
    """

    __slots__ = ("_valid_actions",)

    def __init__(self, valid_actions: tuple[str, ...]) -> None:
        self._valid_actions = frozenset(valid_actions)

    def decode(self, body: bytes) -> Event:
        """Return the event in `body`, JSON text.

        Text that cannot be stored is replaced, so that no logon is lost. A byte order mark is skipped. Half of a
        surrogate pair (``"\\ud800"``) becomes U+FFFD, in names, too, because SQLite wants UTF-8. A number that no
        double can hold becomes null in every field. Control characters in `os_info` become spaces.

        Raises:
            InvalidEventError: a check failed. The checks run in this order, and the first failure is raised:

                1. The body is not empty, and has not too many brackets.
                2. It is JSON.
                3. Its fields are there, and have the right types, lengths and characters.
                4. Its action is valid.
                5. Its timestamp is valid.
        """
        if not body:
            raise InvalidEventError("Empty request body")
        try:
            fields = orjson.loads(body) if len(body) <= _LARGE_BODY_BYTES else _parse_large(body)
        except orjson.JSONDecodeError as error:
            fields = _parse_refused(body, error)
        return _plain_event(fields, self._valid_actions) or self._fully_checked(fields)

    def _fully_checked(self, fields: object) -> Event:
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
    """Return the JSON value of `body`.

    The garbage collector is off meanwhile: it would look at all containers again and again.

    Raises:
        InvalidEventError: the body has too many brackets and braces.
        orjson.JSONDecodeError: the body is no JSON.
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
    """Repair `body`, which orjson refused with `refusal`, and return its JSON value.

    Raises:
        InvalidEventError: the body is not UTF-8, is no JSON, or has too many brackets and braces.
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
    # orjson gives up at 1024 levels. Where they nearly fill its stack, its message names the memory instead.
    what = "nested too deep" if "memory" in refusal.msg or "depth" in refusal.msg else refusal.msg
    return f"{what} at line {refusal.lineno}, column {refusal.colno}"


def _plain_event(fields: Any, valid_actions: frozenset[str]) -> Event | None:  # noqa: ANN401  # any JSON
    """Return the event of `fields` if nothing about it is unusual; None if it needs the full check.

    This takes 1.3 µs, the full check 2.9 µs. `str.isprintable` is False for all control characters and for some
    others. Text with these others only takes the longer way.
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
    except (KeyError, TypeError, AttributeError):  # a field is missing, or is no text
        return None
    return None


def _checked_event(fields: object) -> Event:
    """Return the event of `fields`, with its action and its timestamp still to be checked.

    Raises:
        InvalidEventError: some fields are wrong. Its answer names each of them.
    """
    if not isinstance(fields, dict):
        raise InvalidEventError(_STRUCTURE, {"body": "must be a JSON object"})
    wrong: dict[str, str] = {}
    username = _required(fields, "username", wrong, MAX_USERNAME_CHARACTERS)
    action = _required(fields, "action", wrong, None)
    timestamp = _required(fields, "timestamp", wrong, None)
    if username is not None and CONTROL.search(username):
        wrong["username"] = "must not hold control characters"
    hostname = _optional(fields, "hostname", "hostname", wrong, MAX_HOSTNAME_CHARACTERS)
    if hostname is not None and CONTROL.search(hostname):
        wrong["hostname"] = "must not hold control characters"
    os_info = fields.get("os_info")
    if os_info is not None and not isinstance(os_info, dict):
        wrong["os_info"] = "must be an object or null"
        os_info = None
    os = [_optional(os_info or {}, key, f"os_info.{key}", wrong, MAX_OS_CHARACTERS) for key in _OS_FIELDS]
    if not f"{os[0]}{os[1]}{os[2]}".isprintable():  # a terminal that shows them must not obey them
        os = [text and CONTROL.sub(" ", text) for text in os]
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
    except orjson.JSONEncodeError:  # orjson writes at most 254 levels
        wrong["hardware_info"] = too_deep
        return None
    if len(text) <= MAX_HARDWARE_BYTES:
        text = _harmless(text)
    if len(text) > MAX_HARDWARE_BYTES:  # checked first, because counting levels takes far longer
        wrong["hardware_info"] = f"must have at most {MAX_HARDWARE_BYTES} bytes as compact JSON"
    elif _levels(value) > MAX_HARDWARE_LEVELS:
        wrong["hardware_info"] = too_deep
    return text.decode()


def _harmless(text: bytes) -> bytes:
    """Return the JSON `text` with escapes for DEL and C1, which a terminal would obey; orjson has escaped C0."""
    if text.isascii() and b"\x7f" not in text:
        return text
    harmless = text.decode()
    for character in set(_DEL_OR_C1.findall(harmless)):
        harmless = harmless.replace(character, f"\\u{ord(character):04x}")
    return harmless.encode()


def _levels(value: object) -> int:
    """Return how deep arrays and objects are nested in `value`; a scalar has 0 levels.

    It looks at one level after the other, without recursion.
    """
    levels = 0
    containers = [value] if isinstance(value, (dict, list)) else []
    while containers:
        levels += 1
        inner: list[object] = []
        for container in containers:
            inner += container.values() if isinstance(container, dict) else container
        containers = [item for item in inner if isinstance(item, (dict, list))]
    return levels
