"""Judge events a second time, independently of `winlogd.events`.

This file is slow and plain. It uses the JSON of the standard library and no pattern for timestamps. Every rule is
checked by itself.
"""

import json
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from winlogd.events.event import Event

EMPTY: Final = "Empty request body"
NO_JSON: Final = "Invalid JSON"
NO_STRUCTURE: Final = "Invalid JSON structure: missing required fields"
NO_ACTION: Final = "Invalid action: "
NO_TIMESTAMP: Final = "Invalid timestamp format (expected ISO 8601)"

_MANY_LEVELS: Final = 500
"""Judge no body with more levels of nesting: the standard library gives up sooner than orjson."""


class NotJsonError(Exception):
    """The body is not JSON."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The event in a body; or the error, the wrong fields, and the beginning of the answer's details."""

    event: Event | None = None
    error: str = ""
    wrong: frozenset[str] = frozenset()
    details: str = ""


def verdict_on(body: bytes, actions: tuple[str, ...]) -> Verdict | None:
    """Return what the server must do with a body; None if it is nested too deeply to be judged."""
    if not body:
        return Verdict(error=EMPTY)
    if body.count(b"[") + body.count(b"{") > _MANY_LEVELS:
        return None
    try:
        fields = json_of(body)
    except NotJsonError:
        return Verdict(error=NO_JSON)
    if not isinstance(fields, dict):
        return Verdict(error=NO_STRUCTURE, wrong=frozenset({"body"}))
    wrong = frozenset(_wrong_fields(fields))
    if wrong:
        return Verdict(error=NO_STRUCTURE, wrong=wrong)
    if fields["action"] not in actions:
        return Verdict(error=NO_ACTION + fields["action"])
    timestamp = timestamp_of(fields["timestamp"])
    if timestamp is None:
        return Verdict(error=NO_TIMESTAMP, details=_refusal_of_time(fields["timestamp"]))
    os_info = fields.get("os_info") or {}
    hardware = fields.get("hardware_info")
    return Verdict(
        Event(
            username=fields["username"],
            action=fields["action"],
            timestamp=timestamp,
            hostname=fields.get("hostname") or None,
            os_name=_without_controls(os_info.get("os_name")),
            os_version=_without_controls(os_info.get("os_version")),
            kernel_version=_without_controls(os_info.get("kernel_version")),
            hardware_info=None if hardware is None else stored_json(hardware),
        )
    )


def json_of(body: bytes) -> Any:  # noqa: ANN401  # any JSON
    """Parse JSON in UTF-8 (RFC 8259), with null for a number beyond a double and U+FFFD for half a surrogate pair.

    Raises:
        NotJsonError: `body` is not JSON.
    """
    try:
        return _whole(
            json.loads(
                body.decode("utf-8-sig"),
                parse_constant=_refused,
                parse_int=_integer,
                parse_float=_double,
                object_pairs_hook=lambda pairs: {_whole(key): _whole(value) for key, value in pairs},
            )
        )
    except ValueError as error:
        raise NotJsonError from error


def _refused(name: str) -> None:
    raise ValueError(name)


def _integer(digits: str) -> int | float | None:
    number = int(digits) if len(digits) <= 20 else 2**64
    return number if -(2**63) <= number < 2**64 else _double(digits)


def _double(digits: str) -> float | None:
    number = float(digits)
    return None if number in (float("inf"), float("-inf")) else number


def _whole(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return a text, or a list of any depth, without halves of surrogate pairs. Objects are already without them."""
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if not isinstance(value, str):
        return value
    return "".join("\ufffd" if 0xD800 <= ord(character) <= 0xDFFF else character for character in value)


def _wrong_fields(fields: dict[str, Any]) -> list[str]:
    os_info = fields.get("os_info")
    wrong = [] if os_info is None or isinstance(os_info, dict) else ["os_info"]
    wrong += [name for name in ("username", "action", "timestamp") if not is_text(fields.get(name), 1, None)]
    if not is_name(fields.get("username"), 256):
        wrong.append("username")
    if fields.get("hostname") not in (None, "") and not is_name(fields["hostname"], 255):
        wrong.append("hostname")
    os_fields = os_info if isinstance(os_info, dict) else {}
    for name in ("os_name", "os_version", "kernel_version"):
        if os_fields.get(name) is not None and not is_text(os_fields[name], 0, 256):
            wrong.append(f"os_info.{name}")
    hardware = fields.get("hardware_info")
    if levels(hardware) > 200 or len(stored_json(hardware).encode()) > 65_536:
        wrong.append("hardware_info")
    return wrong


def is_text(value: object, least: int, most: int | None) -> bool:
    """Return True if `value` is a text of `least` to `most` characters."""
    return isinstance(value, str) and least <= len(value) and (most is None or len(value) <= most)


def is_name(value: object, most: int) -> bool:
    """Return True if `value` is a text of 1 to `most` characters without control characters."""
    return is_text(value, 1, most) and not any(map(_is_control, str(value)))


def stored_json(value: object) -> str:
    """Return `value` as compact JSON, with an escape for every control character."""
    text = orjson.dumps(value).decode()
    return "".join(f"\\u{ord(character):04x}" if _is_control(character) else character for character in text)


def _without_controls(text: str | None) -> str | None:
    return text and "".join(" " if _is_control(character) else character for character in text)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def levels(value: object) -> int:
    """Return how deep arrays and objects are nested in `value`."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(levels, inner), default=0)


def timestamp_of(text: str) -> str | None:
    """Return the stored form of a timestamp; None if `text` is none. Read RFC 3339 character by character."""
    if not 20 <= len(text) <= 64 or not text.isascii():
        return None
    clock, rest = text[:19], text[19:]
    numbers = [clock[:4], clock[5:7], clock[8:10], clock[11:13], clock[14:16], clock[17:19]]
    marks = clock[4] + clock[7] + clock[13] + clock[16]
    if marks != "--::" or clock[10] not in "Tt " or not all(number.isdigit() for number in numbers):
        return None
    zone_at = next((at for at, character in enumerate(rest) if character in "Zz+-"), len(rest))
    fraction, zone = rest[:zone_at], rest[zone_at:]
    if fraction and not (fraction[0] == "." and fraction[1:].isdigit()):
        return None
    offset = _offset(zone)
    year, month, day, hour, minute, second = map(int, numbers)
    if offset is None or second > 60:
        return None
    try:
        moment = datetime(year, month, day, hour, minute) - offset
    except (ValueError, OverflowError):
        return None
    if not 1970 <= moment.year <= 9998:
        return None
    if clock[10] == "T" and zone in ("Z", "+00:00"):
        return text
    return f"{moment.isoformat(timespec='minutes')}:{numbers[5]}{fraction}+00:00"


def _refusal_of_time(text: str) -> str:
    """Return the beginning of the details for a wrong timestamp; empty if any words are right."""
    if len(text) > 64:
        return "must have at most 64 characters"
    if len(text) < 64 and timestamp_of(text + "Z"):
        return "has no time zone: append Z or an offset such as +01:00"
    return ""


def _offset(zone: str) -> timedelta | None:
    if zone in ("Z", "z"):
        return timedelta(0)
    if len(zone) != 6 or zone[0] not in "+-" or zone[3] != ":" or not (zone[1:3] + zone[4:]).isdigit():
        return None
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 23 or minutes > 59:
        return None
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
