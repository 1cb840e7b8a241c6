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


class Rule(NamedTuple):
    """Who may read a path, and how the readers' log keeps it.

    Attributes:
        scopes: those that may read it.
        kind: the look's name in the readers' log.
        rows: ``each``: every request is a row; ``minute``: one row a reader and minute; ``none``: no row.
        each_with: with one of these parameters, every request is a row.
        shows_past: True if `ALL` sees the past there. It then gets no answer without a row.
    """

    scopes: frozenset[str]
    kind: str = ""
    rows: Literal["each", "minute", "none"] = "none"
    each_with: tuple[str, ...] = ()
    shows_past: bool = False


_WALL: Final = frozenset((WALL, NOW, ALL))
_NOW: Final = frozenset((NOW, ALL))
_ALL: Final = frozenset((ALL,))

RULES: Final[Mapping[str, Rule]] = {
    "/api/v1/sessions/current": Rule(_NOW | {NETWORK}, "current", each_with=("user", "host")),
    "/api/v1/sessions": Rule(_ALL, "sessions", "each", shows_past=True),
    "/api/v1/events": Rule(_ALL, "events", "each", shows_past=True),
    "/api/v1/machines": Rule(_NOW, "machines", "minute", each_with=("host",), shows_past=True),
    "/api/v1/machines/{hostname}": Rule(_NOW, "machine", "each", shows_past=True),
    "/api/v1/users/{username}": Rule(_NOW, "user", "each", shows_past=True),
    "/api/v1/rooms": Rule(_WALL),
    "/api/v1/stats": Rule(_ALL, "stats", "each", shows_past=True),
    "/api/v1/search": Rule(_NOW, "search", "minute", shows_past=True),
    "/api/v1/snapshot": Rule(_WALL),
    "/api/v1/live": Rule(_WALL),
    "/metrics": Rule(frozenset((METRICS, ALL))),
    "/api/v1/openapi.yaml": Rule(frozenset(SCOPES)),
    "/api/v1/readers/log": Rule(frozenset(SCOPES)),
}
"""The rules by path. A path without a rule cannot be guarded."""


def may_read(scope: str, path: str) -> bool:
    """Return True if a scope may read a path of `RULES`."""
    return scope in RULES[path].scopes
