"""Compare two configurations: which options differ, and which of these count only after a restart.

This file knows options by their names. It must not know what they do.
"""

from collections.abc import Mapping
from typing import Any, Final

from winlogd.config.sections import FREE_KEYS, KEYS, SECTIONS, Config

_RESTART: Final[Mapping[str, frozenset[str]]] = {
    "server": frozenset(("host", "port", "max_connections", "event_timeout", "tls_port")),
    "database": frozenset(KEYS["database"]),
}
"""The options that a running server cannot change, by section."""

_LOADED: Final = {"list_text": "rooms.rooms_file", "is_chosen": "retention.history_days"}
"""The options that fill the fields which are no options."""

_CERTIFICATE: Final = frozenset(("tls_certificate", "tls_key"))
"""A running server can change these only if it has a port with TLS."""


def in_force(running: Config, read: Config) -> Config:
    """Return `read`, with the options of `running` that a running server cannot change."""
    sections: dict[str, Any] = {}
    for section, keys in _fixed(running, read).items():
        kept = {key: getattr(getattr(running, section), key) for key in keys}
        sections[section] = getattr(read, section).replaced(**kept)
    return read.replaced(**sections)


def changed(before: Config, after: Config) -> list[str]:
    """Return the names of the options that differ, in the order of the sections."""
    names = [
        _name(section, field)
        for section, options in SECTIONS.items()
        for field in options.__annotations__
        if getattr(getattr(before, section), field) != getattr(getattr(after, section), field)
    ]
    return list(dict.fromkeys(names))


def _fixed(running: Config, read: Config) -> dict[str, frozenset[str]]:
    keeps_tls = running.server.tls_port and read.server.tls_port
    # A relative folder of backups counts from the database's, which stays where it is.
    has_moved = running.database.path != read.database.path
    return {
        **_RESTART,
        "server": _RESTART["server"] if keeps_tls else _RESTART["server"] | _CERTIFICATE,
        "backup": frozenset(("folder",)) if has_moved else frozenset(),
    }


def _name(section: str, field: str) -> str:
    """Return an option's name for an administrator. Free keys, such as names of rooms, are named together."""
    if field in KEYS[section]:
        return f"{section}.{field}"
    return f"[{section}]" if field == FREE_KEYS.get(section) else _LOADED[field]
