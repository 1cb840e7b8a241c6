"""What a refused request tells of who sent it: for the log, where an administrator looks for a broken workstation.

A refused body may be anything: cut off, in another encoding, no JSON at all. What can be read is read, what cannot is
left out, and no more than its beginning is looked at. Knows bodies; not why they were refused, nor what may be shown.
"""

import re
from typing import Final, NamedTuple

import orjson

_LOOKED_AT_BYTES: Final = 16_384
_SHOWN_CHARACTERS: Final = 256
"""As long as a name may be in an event."""

_VALUE: Final = rb"""["']?\s*[:=]\s*(?:"((?:[^"\\]|\\.){0,1024})|'([^']{0,1024})|([^\s"'&,;<>{}\[\]]{1,1024}))"""
"""What follows a name in JSON, in what was to be JSON, and in a form: `":"A102-07"`, `':'A102-07'`, `=A102-07`."""
_HOST: Final = re.compile(rb"""(?<![\w-])hostname""" + _VALUE, re.IGNORECASE | re.DOTALL)
_USER: Final = re.compile(rb"""(?<![\w-])username""" + _VALUE, re.IGNORECASE | re.DOTALL)
_NO_NAMES: Final = ("", "null", "none", "true", "false")


class Sender(NamedTuple):
    """Who says to have sent a body; None where that cannot be read."""

    host: str | None = None
    user: str | None = None


def sender_of(body: bytes) -> Sender:
    """Return the host and the user that the beginning of `body` names."""
    if len(body) <= _LOOKED_AT_BYTES:
        try:
            event = orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
        else:
            return Sender(_member(event, "hostname"), _member(event, "username"))
    text = body[:_LOOKED_AT_BYTES].replace(b"\0", b"")  # UTF-16 of ASCII, as some systems write it, becomes readable
    return Sender(_found(_HOST, text), _found(_USER, text))


def _member(event: object, name: str) -> str | None:
    value = event.get(name) if isinstance(event, dict) else None
    return value[:_SHOWN_CHARACTERS] or None if isinstance(value, str) else None


def _found(member: re.Pattern[bytes], text: bytes) -> str | None:
    match = member.search(text)
    if match is None:
        return None
    value = next(group for group in match.groups() if group is not None)
    try:
        name = str(orjson.loads(b'"%b"' % value))
    except orjson.JSONDecodeError:
        name = value.decode("utf-8", "replace")
    return None if name.lower() in _NO_NAMES else name[:_SHOWN_CHARACTERS]
