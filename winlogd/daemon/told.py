"""Find the host and the user that a refused body names. With them an administrator finds a broken workstation.

A refused body may be cut off, in another encoding, or no JSON. A name that can be read is returned, even if the rest is
broken. Only the beginning of a large body is searched. This file knows bodies. It must not know why a body is refused,
nor what the log may show.
"""

import re
from typing import Final, NamedTuple

import orjson

_SEARCHED_BYTES: Final = 16_384
"""Search at most this much of a body."""

_SHOWN_CHARACTERS: Final = 256
"""Return at most this much of a name. An event may have names of this length."""

_VALUE: Final = rb"""["']?\s*[:=]\s*(?:"((?:[^"\\]|\\.){0,1024})|'([^']{0,1024})|([^\s"'&,;<>{}\[\]]{1,1024}))"""
"""The text after a member's name in JSON, in broken JSON, and in a form: `":"A102-07"`, `':'A102-07'`, `=A102-07`."""

_HOST: Final = re.compile(rb"""(?<![\w-])hostname""" + _VALUE, re.IGNORECASE | re.DOTALL)
_USER: Final = re.compile(rb"""(?<![\w-])username""" + _VALUE, re.IGNORECASE | re.DOTALL)
_NO_NAMES: Final = ("", "null", "none", "true", "false")


class Sender(NamedTuple):
    """The sender that a body names.

    Attributes:
        host: the host; None if the body names none that can be read.
        user: the user; None if the body names none that can be read.
    """

    host: str | None = None
    user: str | None = None


def sender_of(body: bytes) -> Sender:
    """Return the host and the user that the beginning of `body` names."""
    if len(body) <= _SEARCHED_BYTES:
        try:
            event = orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
        else:
            return Sender(_member(event, "hostname"), _member(event, "username"))
    text = body[:_SEARCHED_BYTES].replace(b"\0", b"")  # ASCII in UTF-16, as some systems write it, becomes readable
    return Sender(_found(_HOST, text), _found(_USER, text))


def _member(event: object, name: str) -> str | None:
    """Return the text of a member of a JSON object; None if there is none."""
    value = event.get(name) if isinstance(event, dict) else None
    return value[:_SHOWN_CHARACTERS] or None if isinstance(value, str) else None


def _found(member: re.Pattern[bytes], text: bytes) -> str | None:
    """Return the first name that `member` finds in `text`; None if there is none, or if it is a word such as null."""
    match = member.search(text)
    if match is None:
        return None
    value = next(group for group in match.groups() if group is not None)
    try:
        name = str(orjson.loads(b'"%b"' % value))
    except orjson.JSONDecodeError:
        name = value.decode("utf-8", "replace")
    return None if name.lower() in _NO_NAMES else name[:_SHOWN_CHARACTERS]
