"""The target `log`: any text in any field → one line per row. No terminal obeys it, and the text can be read from it.

The input is cut at each 0xFF octet into message and values. A second row has the values in reverse order.
"""

import json
import random
import re
from typing import Final

from tests.fuzz.mutation import damaged
from tests.fuzz.target import Target
from winlogd.log.form import FORMATS
from winlogd.log.lines import Record

_TIME_NS: Final = 1_795_249_800_123_456_789
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_FIELD: Final = re.compile(rf' (f[0-9]+)=({_QUOTED}|[^ ="\\]+)')
_ESCAPE: Final = re.compile(r"\\(x..|u....|U.{8}|.)")
_SHORT: Final = {"n": "\n", "r": "\r", "t": "\t"}


def check(octets: bytes) -> None:
    """Check the input in all forms of the log."""
    message, *values = [part.decode("utf-8", "surrogateescape") for part in octets.split(b"\xff")]
    rows: list[tuple[object, ...]] = [tuple(values), tuple(reversed(values))]
    record = Record(_TIME_NS, "INFO", "http", message, tuple(f"f{number}" for number in range(len(values))), rows)
    for name, render in FORMATS.items():
        text = render(record).decode()
        lines = text.removesuffix("\n").split("\n")
        assert text.endswith("\n")
        assert len(lines) == len(rows)
        for line, row in zip(lines, rows, strict=True):
            assert line.isprintable(), line
            read = _values_of_json(line, message) if name == "json" else _values_of_text(line)
            assert tuple(read) == row, line


def _values_of_json(line: str, message: str) -> list[str]:
    fields = json.loads(line)
    assert fields["message"] == message
    return list(fields.values())[4:]


def _values_of_text(line: str) -> list[str]:
    """Return the values in a line, read from its end: a message without quotes has no equals sign, and so no field."""
    start = re.search(rf"(?:{_FIELD.pattern})*$", line)
    assert start is not None
    return [_unquoted(match[2]) for match in _FIELD.finditer(start[0])]


def _unquoted(word: str) -> str:
    return _ESCAPE.sub(_character, word[1:-1]) if word.startswith('"') else word


def _character(match: re.Match[str]) -> str:
    name = match[1]
    return chr(int(name[1:], 16)) if len(name) > 1 else _SHORT.get(name, name)


_FRAGMENTS: Final = (
    *(b"\n", b"\r", b"\r\n", b"\t", b"\0", b"\x07", b"\x08", b"\x7f", b"\x1b[2J", b"\xc2\x9b31m", b"\xc2\x85"),
    *(b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\xef\xbb\xbf", b"\xc2\xa0"),
    *(b"\xed\xa0\x80", b"\x80", b"\xf0\x9f\x98\x80", b"\xcc\x81", b"\xf3\xa0\x80\x81", b"%s", b"%", b"{}", b"\\n"),
    *(b'"', b"=", b" ", b"  ", b" f0=1", b' f1="', b"None", b"True", b'","level":"ERROR', b"\xff", b"\\", b"\xc3\xa9"),
)


def mutate(octets: bytes, chance: random.Random) -> bytes:
    """Return the input with a control character, a separator or a mark of direction added, or damaged."""
    for _ in range(chance.choice((1, 2, 3, 5))):
        octets = damaged(octets, chance, _FRAGMENTS)
    return octets


TARGET: Final = Target("log", check, mutate)
