"""What the log writes and how: the lowest level, the format of a line, and the secrets that no line shows.

The log replaces this value as a whole, so that another thread never sees a half of it. This file must not know threads
or how lines are written.
"""

import os
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from winlogd.log.lines import Record, compact, full

MASK: Final = b"***"
"""Written in place of a secret."""

LEVELS: Final = ("trace", "debug", "info", "warn", "error")
"""The levels, from the one with the most lines to the one with the fewest."""


def _as_json(record: Record) -> bytes:
    from winlogd.log.json_lines import as_json  # most logs are read by people

    return as_json(record)


FORMATS: Final[dict[str, Callable[[Record], bytes]]] = {"compact": compact, "full": full, "json": _as_json}


class Form(NamedTuple):
    """The form of a log.

    Attributes:
        threshold: the index in `LEVELS` of the lowest level that is written.
        render: makes lines of a record.
        secrets: what no line may show. Longer ones come first: a shorter one may be a part of them.
    """

    threshold: int
    render: Callable[[Record], bytes]
    secrets: tuple[bytes, ...]


def form_of(level: str, format: str, fd: int, secrets: Iterable[bytes]) -> Form:
    """Return a form.

    Args:
        level: one of `LEVELS`.
        format: `compact`, `full` or `json`, see `winlogd.log.lines` and `winlogd.log.json_lines`.
        fd: the descriptor that gets the lines. The journal's own gets priorities, too.
        secrets: what no line may show; an empty one is none.

    Raises:
        ValueError: `level` or `format` is unknown.
    """
    if level not in LEVELS:
        raise ValueError(f"log level {level!r}: must be one of {', '.join(LEVELS)}")
    if format not in FORMATS:
        raise ValueError(f"log format {format!r}: must be one of {', '.join(FORMATS)}")
    render = FORMATS[format]
    if stream := os.environ.get("JOURNAL_STREAM"):
        from winlogd.log.journal import for_journal

        render = for_journal(render, fd, stream)
    longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
    return Form(LEVELS.index(level), render, tuple(longest_first))


def masked(text: bytes, secrets: Iterable[bytes]) -> bytes:
    """Return `text` with `***` in place of each secret."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text
