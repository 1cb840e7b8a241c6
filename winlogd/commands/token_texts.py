"""What `winlogd token` prints: the list of readers, and the rows of the readers' log. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import orjson

from winlogd.config.messages import escaped

_NEVER: Final = "never"


def reader_lines(readers: Sequence[Mapping[str, Any]], zone: tzinfo | None) -> str:
    """Return a table of all readers, also of those that are not valid any more.

    Args:
        readers: the members of each reader.
        zone: the time zone in which times are shown; None for the system's.
    """
    if not readers:
        return "nobody has a token; winlogd token add makes one\n"
    rows = [("NAME", "SCOPE", "ROOMS", "ADDED", "EXPIRES", "LAST USE", "STATE")]
    rows += [
        (
            escaped(reader["name"]),
            reader["scope"],
            escaped(reader["rooms"] or ""),
            _time(reader["created_us"], zone),
            _time(reader["expires_us"], zone),
            _time(reader["used_us"], zone),
            _state(reader),
        )
        for reader in readers
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


def log_lines(looks: Sequence[Mapping[str, Any]], zone: tzinfo | None) -> str:
    """Return a line for each row of the readers' log."""
    return "".join(
        f"{_time(look['at_us'], zone)}  {escaped(look['reader'])}  {look['kind']}  {escaped(look['filter'])}"
        f"  {escaped(look['address'])}\n"
        for look in looks
    )


def looks_as_json(looks: Sequence[Mapping[str, Any]], zone: tzinfo | None) -> str:
    """Return a JSON object a line for each row of the readers' log."""
    rows = [{"at": _time(look["at_us"], zone), **look} for look in looks]
    return "".join(orjson.dumps({key: row[key] for key in row if key != "at_us"}).decode() + "\n" for row in rows)


def _state(reader: Mapping[str, Any]) -> str:
    if reader["revoked_us"] is not None:
        return "revoked"
    return "valid" if reader["is_valid"] else "expired"


def _time(at_us: int | None, zone: tzinfo | None) -> str:
    if at_us is None:
        return _NEVER
    return datetime.fromtimestamp(at_us // 1_000_000, zone).astimezone(zone).isoformat(timespec="seconds")
