"""Turn records into lines of JSON, the third form of the log. Loaded with the first such line.

The rules of `lines` hold: no value begins a second line, or reaches the terminal as a command. This file must not know
threads, clocks or file descriptors.
"""

import math
from functools import lru_cache
from typing import Final

import orjson

from winlogd.log.lines import Record, moment_of, text_of

_JSON_OWN_KEYS: Final = ("time", "level", "target", "message")
"""The keys that every line of JSON has, besides its fields."""

_JSON_LARGEST_INTEGER: Final = 2**63 - 1
"""The largest integer that `_careful_json` writes as a number. It writes larger integers as text."""


def as_json(record: Record) -> bytes:
    """Return one JSON object a line: `time` (to the microsecond), `level`, `target`, `message`, then the fields.

    A field may have one of these four names, or that of an earlier field. Then underscores before its name make it new
    (`_time`), so that no value hides another. NaN and the infinities become null, because JSON lacks them. Unprintable
    characters are escaped as `\\uNNNN`, which every JSON reader turns back into the character. Lists and dictionaries
    stay lists and objects.
    """
    own = (moment_of(record.time_ns, 6), record.level, record.target, record.message)
    head = _json_object(dict(zip(_JSON_OWN_KEYS, own, strict=True)))[:-1]
    keys = _json_keys(record.names)
    bodies = [
        _json_object({key: value for key, value in zip(keys, row, strict=False) if value is not None})
        for row in record.rows
    ]
    # Join two objects: a comma replaces the second object's first brace, unless that object is empty.
    lines = [f"{head},{body[1:]}\n" if body != "{}" else f"{head}}}\n" for body in bodies]
    return "".join(lines).encode()


@lru_cache(maxsize=256)
def _json_keys(names: tuple[str, ...]) -> tuple[str, ...]:
    keys: list[str] = list(_JSON_OWN_KEYS)
    for name in names:
        while name in keys:
            name = f"_{name}"
        keys.append(name)
    return tuple(keys[len(_JSON_OWN_KEYS) :])


def _json_object(fields: dict[str, object]) -> str:
    try:
        written = orjson.dumps(fields, default=text_of).decode()
    except TypeError:
        written = _careful_json(fields)
    if written.isprintable():
        return written
    # JSON's own signs are all printable. An unprintable character is inside a string, where \u may replace it.
    return "".join([c if c.isprintable() else _json_escaped(c) for c in written])


def _careful_json(fields: dict[str, object]) -> str:
    """Write fields that orjson refuses: lone surrogates, integers beyond 64 bits, keys that are no text, circles.

    All values except JSON's numbers are written as text.
    """
    import json  # loaded only for this

    return json.dumps(
        {key: value if _is_json_number(value) else text_of(value) for key, value in fields.items()},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _is_json_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and abs(value) <= _JSON_LARGEST_INTEGER


def _json_escaped(character: str) -> str:
    """Return the JSON escape of a character; beyond U+FFFF, those of its two UTF-16 surrogates (RFC 8259 §7)."""
    pairs = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join([f"\\u{pairs[i : i + 4]}" for i in range(0, len(pairs), 4)])
