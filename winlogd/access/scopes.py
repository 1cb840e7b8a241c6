"""What each scope may read, and which requests make a row in the readers' log: one table, by the paths of the routes.

Pure. This file must not know tokens, networks or files.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

WALL: Final = "wall"
METRICS: Final = "metrics"
NOW: Final = "now"
ALL: Final = "all"
AUDIT: Final = "audit"
NETWORK: Final = "network"
"""The scope of `security.read_networks`. No token has it."""

SCOPES: Final[Mapping[str, str]] = {
    WALL: "how many machines of each room are free; no names",
    METRICS: "the figures of /metrics",
    NOW: "wall, and who is on now; nothing of the past",
    ALL: "everything but the readers' log of others",
    AUDIT: "the readers' log alone",
}
"""The scopes that a token can have, and what each reads."""

_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S
LIFETIMES_S: Final[Mapping[str, int]] = {
    WALL: 400 * _DAY_S,
    METRICS: 12 * _HOUR_S,
    NOW: 30 * _DAY_S,
    ALL: 12 * _HOUR_S,
    AUDIT: 12 * _HOUR_S,
}
"""How long a login of each scope lasts after its last use. No browser keeps a cookie for more than 400 days.

A person whose scope shows the past, or the looks of others, logs in again each morning. So does a browser that shows
`METRICS`: programs send the token itself.
"""


STARTS: Final[Mapping[str, str]] = {
    WALL: "/wall",
    METRICS: "/account",
    NOW: "/",
    ALL: "/",
    AUDIT: "/readers-log",
}
"""The page on which a person of each scope begins: one that shows something to the scope."""


class Rule(NamedTuple):
    """Who may read a path, and how the readers' log keeps it.

    Attributes:
        scopes: those that may read it.
        kind: the look's name in the readers' log.
        rows: ``each``: every request is a row; ``minute``: one row a reader and minute; ``none``: no row.
        each_with: with one of these parameters, every request is a row.
        shows_past: True if `ALL` sees the past there. It then gets no answer without a row.
        parameters: those that the endpoint reads. A row has no others.
    """

    scopes: frozenset[str]
    kind: str = ""
    rows: Literal["each", "minute", "none"] = "none"
    each_with: tuple[str, ...] = ()
    shows_past: bool = False
    parameters: tuple[str, ...] = ()


_WALL: Final = frozenset((WALL, NOW, ALL))
_NOW: Final = frozenset((NOW, ALL))
_ALL: Final = frozenset((ALL,))
_FILTERS: Final = ("user", "host", "room", "ip", "from", "to", "at", "state", "ended_by")
_PAGE: Final = ("limit", "cursor", "format", "lang")

RULES: Final[Mapping[str, Rule]] = {
    "/api/v1/sessions/current": Rule(
        _NOW | {NETWORK}, "current", each_with=("user", "host"), parameters=("user", "host", "room")
    ),
    "/api/v1/sessions": Rule(_ALL, "sessions", "each", shows_past=True, parameters=_FILTERS + _PAGE),
    "/api/v1/events": Rule(
        _ALL,
        "events",
        "each",
        shows_past=True,
        parameters=("user", "host", "room", "ip", "from", "to", "action", *_PAGE),
    ),
    "/api/v1/machines": Rule(
        _NOW, "machines", "minute", each_with=("host",), shows_past=True, parameters=("host", "room", "state")
    ),
    "/api/v1/machines/{hostname}": Rule(_NOW, "machine", "each", shows_past=True),
    "/api/v1/users/{username}": Rule(_NOW, "user", "each", shows_past=True),
    "/api/v1/rooms": Rule(_WALL),
    "/api/v1/stats": Rule(_ALL, "stats", "each", shows_past=True, parameters=("by", "from", "to", "room")),
    "/api/v1/occupancy": Rule(_ALL, "occupancy", "each", shows_past=True, parameters=("day", "room")),
    "/api/v1/search": Rule(_NOW, "search", "minute", shows_past=True, parameters=("q", "lang")),
    "/api/v1/moment": Rule(_ALL, "moment", "each", shows_past=True, parameters=("at", "user", "host", "room", "ip")),
    "/api/v1/hardware": Rule(_ALL, "hardware", "minute", shows_past=True, parameters=("q", "room", *_PAGE)),
    "/api/v1/snapshot": Rule(_WALL),
    "/api/v1/live": Rule(_WALL),
    "/metrics": Rule(frozenset((METRICS, ALL))),
    "/api/v1/openapi.yaml": Rule(frozenset(SCOPES)),
    "/api/v1/readers/log": Rule(frozenset(SCOPES)),
    "/api/v1/me": Rule(frozenset(SCOPES)),
}
"""The rules by path. A path without a rule cannot be guarded."""

PAGES: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("/", "/machine/{hostname}", "/user/{username}", "/ghosts"), _NOW),
    **dict.fromkeys(("/timeline", "/hardware", "/trends"), _ALL),
    "/readers-log": frozenset(SCOPES),
    "/wall": _WALL,
    "/account": frozenset(SCOPES),
}
"""The scopes that may open each page for people, by path. A page without a row cannot be guarded."""
