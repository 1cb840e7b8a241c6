"""Look at a body that orjson refuses: say why it is not UTF-8, or repair it for a second reading.

Loaded when the first such body comes. Knows octets and JSON's grammar (RFC 8259), no event and no field.

orjson refuses two things that are good JSON: a number that no double can hold, and the escape of half a surrogate
pair. The number becomes null. The escape becomes U+FFFD, because half a pair has no form in UTF-8. A replacement is as
long as the text that it replaces, so that an error message names the right line and column. The standard library's
parser accepts both. But it overflows its stack, accepts NaN, and words its errors in another way.
"""

import re
from math import isinf
from typing import Final

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_NO_HIGH_OCTETS: Final = b"\0\0"
"""Every other octet of the first characters, if they are ASCII in UTF-16 or UTF-32."""

_BACKSLASH: Final = b"\\\\"
_QUOTE: Final = b'\\"'
_MASKED_BACKSLASH: Final = b"\xff\xff"
_MASKED_QUOTE: Final = b"\xfe\xfe"
"""Octets that UTF-8 never holds. They stand for the escaped backslash and the escaped quotation mark.

After that each backslash begins an escape, and each quotation mark begins or ends a string.
"""

_LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F][0-9a-fA-F]{2})"
)
"""The escape of a high surrogate without a low one behind it, or of a low one without a high one before it."""

_LARGE_NUMBER: Final = re.compile(
    rb"[-0-9](?<![^\t\n\r \[,:].)(?:"
    rb"(?:(?<=[1-9])|(?<=-)[1-9])[0-9]{199,}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
    rb"|(?:(?<=[1-9])[0-9]*|(?<=0)|(?<=-)(?:0|[1-9][0-9]*))(?:\.[0-9]+)?[eE]\+?[0-9]{3,})"
)
"""A number with 200 or more digits before the point, or with an exponent of 3 or more digits.

It stands where a value may begin. All other numbers are below 1e299. The expression tries each
position once, so that 1 MiB takes 50 ms at most.
"""

_MAX_LARGE_NUMBERS: Final = 16 * 1024
"""Look at no more large numbers than this; orjson refuses the body for the next one.

No hardware_info that we accept can hold as many nulls. 1 MiB of ``1e400,`` has 175 000 numbers. They would take 140 ms,
and the server would serve nobody else meanwhile.
"""


def fault_of_encoding(body: bytes) -> str | None:
    """Return where and why `body` is not UTF-8, in words for its sender; None if it is UTF-8.

    Octets are counted from 1, as lines and columns are, and a byte order mark counts. JSON begins with characters of
    ASCII. Therefore every other octet at the beginning is 0 in UTF-16.
    """
    if body.startswith(_UTF_16_MARKS):
        return f"{_byte(body, 0)} is not UTF-8; this looks like {_wide(body)}: send the body as UTF-8"
    if _NO_HIGH_OCTETS in (body[0:4:2], body[1:4:2]):
        return f"{_byte(body, body.index(0))} is no JSON; this looks like {_wide(body)}: send the body as UTF-8"
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"{_byte(body, error.start)} is not UTF-8; send the body as UTF-8"
    return None


def _byte(body: bytes, at: int) -> str:
    return f"byte {at + 1} (0x{body[at]:02X})"


def _wide(body: bytes) -> str:
    return "UTF-32" if _NO_HIGH_OCTETS in body[:4] else "UTF-16"


def has_byte_order_mark(body: bytes) -> bool:
    """Return True if `body` begins with UTF-8's byte order mark, which a parser may ignore (RFC 8259 §8.1)."""
    return body.startswith(_BYTE_ORDER_MARK)


def repaired(body: bytes) -> bytes:
    """Return `body`, UTF-8 text, without a byte order mark and with the two things replaced that orjson refuses.

    A body that is no JSON does not become JSON by this.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK)
    masked = text.replace(_BACKSLASH, _MASKED_BACKSLASH).replace(_QUOTE, _MASKED_QUOTE)
    masked = _without_large_numbers(_LONE_SURROGATE.sub(rb"\\ufffd", masked))
    return masked.replace(_MASKED_QUOTE, _QUOTE).replace(_MASKED_BACKSLASH, _BACKSLASH)


def _without_large_numbers(masked: bytes) -> bytes:
    """Return `masked` with null in place of each number that no double can hold, except inside strings."""
    changed = bytearray(masked)
    looked_at = quotes = 0
    for count, number in enumerate(_LARGE_NUMBER.finditer(masked)):
        if count == _MAX_LARGE_NUMBERS:
            break
        begin, end = number.span()
        quotes += masked.count(b'"', looked_at, begin)
        looked_at = begin
        if quotes % 2 == 0 and isinf(float(number[0])):
            changed[begin:end] = b"null".ljust(end - begin)
    return bytes(changed)
