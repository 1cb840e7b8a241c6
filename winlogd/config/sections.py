"""The options: one class for each section of config.toml, and `Config`, which holds them all.

The classes below are the one place that names the options: each field has its default and, as what its
type is annotated with, its kind. The checks, the names of the environment variables and the suggestions for
misspelt names follow from them. `config.toml` at the top of the repository explains the options to
administrators.

They are named tuples, and paths are `str`, because winlogd has to be up at once: Python makes a named tuple
in 0.1 ms and a frozen dataclass with slots in 0.6 to 1 ms, and loading `pathlib` takes 4 ms.

This file must not know where the values come from, nor what the options do.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

from winlogd.config import kinds as kind
from winlogd.config import list_kinds as lists
from winlogd.config.kinds import Kind
from winlogd.config.list_kinds import EVERYWHERE, LOOPBACK

ENVIRONMENT_PREFIX: Final = "WINLOGD_"

OTHERS_VARIABLES: Final = frozenset(("WINLOGD_COMPILE",))
"""Names with the prefix that set no option: the build's own."""


class Server(NamedTuple):
    """`[server]`: where winlogd listens, what it takes, and how long it lets others wait."""

    host: Annotated[str, kind.host()] = "127.0.0.1"
    port: Annotated[int, kind.whole(0, 65535)] = 3000
    """0 lets the system pick a free one."""
    event_paths: Annotated[tuple[str, ...], lists.paths()] = ("/api/v1/events",)
    max_connections: Annotated[int, kind.whole(1, 1_000_000)] = 10_000
    event_timeout: Annotated[float, kind.seconds()] = 25.0
    """Seconds from receipt to the answer 503."""
    shutdown_timeout: Annotated[float, kind.seconds()] = 10.0
    """Seconds from the first signal to the end."""
    timezone: Annotated[str, kind.time_zone()] = ""
    """Whose midnight ends a day; empty: the system's."""
    tls_port: Annotated[int, kind.whole(0, 65535)] = 0
    """0: no TLS."""
    tls_certificate: Annotated[str, kind.optional_file_name()] = ""
    """Absolute in what `load` returns, unless it is empty; so is the key."""
    tls_key: Annotated[str, kind.optional_file_name()] = ""


class Database(NamedTuple):
    """`[database]`: the file, and SQLite's settings for every connection to it."""

    path: Annotated[str, kind.file_name()] = "data/winlog.db"
    """Absolute in what `load` returns."""
    pragma_journal_mode: Annotated[str, kind.choice("WAL", "DELETE", "TRUNCATE", "PERSIST")] = "WAL"
    pragma_synchronous: Annotated[str, kind.choice("NORMAL", "FULL", "EXTRA")] = "FULL"
    pragma_busy_timeout: Annotated[int, kind.whole(0, 2**31 - 1, "milliseconds")] = 30_000
    pragma_cache_size: Annotated[int, kind.whole(-(2**31) + 1, 2**31 - 1)] = 10_000
    """Pages; negative: KiB."""


class Rotation(NamedTuple):
    """`[rotation]`: when finished days move to the archive."""

    at: Annotated[str, kind.time_of_day()] = "01:00"
    """In `server.timezone`; empty: never by itself."""
    keep_open_hours: Annotated[float, kind.hours()] = 24.0
    """How long a session may be open before the rotation closes it."""


class Security(NamedTuple):
    """`[security]`: who may send events and what they may hold."""

    expected_user_agent: Annotated[str, kind.user_agent()] = "Winlog/0.1.0"
    """What the User-Agent header begins with."""
    valid_actions: Annotated[tuple[str, ...], lists.actions()] = ("C", "D", "M")
    trusted_proxies: Annotated[tuple[str, ...], lists.networks()] = LOOPBACK
    """Networks as ADDRESS/BITS, without bits beyond the mask: `ipaddress.ip_network` takes each."""
    ingest_token: Annotated[str, kind.token()] = ""
    """What the head of an event must carry; empty: nothing. In what `load` returns, also the one from a file."""
    ingest_token_file: Annotated[str, kind.optional_file_name()] = ""
    """Absolute in what `load` returns, unless it is empty."""
    ingest_networks: Annotated[tuple[str, ...], lists.networks()] = EVERYWHERE
    """Who may send events; as `trusted_proxies`."""
    read_networks: Annotated[tuple[str, ...], lists.networks()] = EVERYWHERE
    """Who may read anything but /health; as `trusted_proxies`."""


class Limits(NamedTuple):
    """`[limits]`: what is read of a request, how long is waited for it (bytes and seconds), how many there may be."""

    request_line: Annotated[int, kind.whole(64, 1_048_576, "bytes")] = 8_192
    headers: Annotated[int, kind.whole(256, 1_048_576, "bytes")] = 16_384
    header_fields: Annotated[int, kind.whole(4, 10_000)] = 100
    body: Annotated[int, kind.whole(1_024, 67_108_864, "bytes")] = 1_048_576
    headers_timeout: Annotated[float, kind.seconds()] = 10.0
    body_timeout: Annotated[float, kind.seconds()] = 30.0
    idle_timeout: Annotated[float, kind.seconds()] = 75.0
    connections_per_address: Annotated[int, kind.whole(0, 1_000_000)] = 0
    """0: any number."""
    events_per_second: Annotated[float, kind.rate()] = 0.0
    """Of one address; 0: any number."""
    events_burst: Annotated[int, kind.whole(0, 1_000_000)] = 0
    """How many may come at once; 0: those of a second."""
    rate_delay: Annotated[float, kind.seconds()] = 5.0
    """Seconds by which an event beyond them may be delayed; one that would wait longer is refused."""
    queued_events: Annotated[int, kind.whole(1, 10_000_000)] = 20_000
    """Events that wait for the database before connections are no longer read."""
    min_free_disk: Annotated[int, kind.whole(0, 1_000_000_000, "megabytes")] = 500
    """Below this, events are not stored; 0: as long as there is any."""


class Logging(NamedTuple):
    """`[logging]`: what is written to standard error, and how."""

    level: Annotated[str, kind.choice("trace", "debug", "info", "warn", "error")] = "info"
    format: Annotated[str, kind.choice("compact", "full", "json")] = "compact"
    names: Annotated[bool, kind.flag()] = True
    """Whether the log shows users' names."""


class Config(NamedTuple):
    """Everything that can be set. The fields are the sections of the file."""

    server: Server = Server()
    database: Database = Database()
    rotation: Rotation = Rotation()
    security: Security = Security()
    limits: Limits = Limits()
    logging: Logging = Logging()
    source: str | None = None
    """The absolute path of the file that was read."""


SECTIONS: Final[Mapping[str, type[Any]]] = {
    "server": Server,
    "database": Database,
    "rotation": Rotation,
    "security": Security,
    "limits": Limits,
    "logging": Logging,
}

KINDS: Final[Mapping[str, Mapping[str, Kind[Any]]]] = {
    section: {key: annotated.__metadata__[0] for key, annotated in options.__annotations__.items()}
    for section, options in SECTIONS.items()
}
"""Every option there is: section, key, and the kind of its value."""


def environment_name(section: str, key: str) -> str:
    """The environment variable that overrides an option: `WINLOGD_SERVER_PORT`."""
    return f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()
