"""The options: one class for each section of config.toml, and `Config`, which holds them all.

Only the classes below name the options. Each field has its default, and its kind in the annotation of its type. The
checks, the names of the environment variables and the suggestions for misspelt names follow from them. `config.toml` at
the top of the repository explains the options to administrators.

The classes are named tuples, and paths are `str`, because winlogd must start fast. Python defines a named tuple in
0.1 ms, and a frozen dataclass with slots in 0.6 to 1 ms. Loading `pathlib` takes 4 ms.

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
"""Names that have the prefix and are no options: the build reads them."""


class Server(NamedTuple):
    """`[server]`: where winlogd listens, which paths take events, and how long an event or a stop may take."""

    host: Annotated[str, kind.host()] = "127.0.0.1"
    port: Annotated[int, kind.whole(0, 65535)] = 3000
    """0: the system picks a free one."""
    event_paths: Annotated[tuple[str, ...], lists.paths()] = ("/api/v1/events",)
    max_connections: Annotated[int, kind.whole(1, 1_000_000)] = 10_000
    event_timeout: Annotated[float, kind.seconds()] = 25.0
    """Seconds from the receipt of an event to the answer 503."""
    shutdown_timeout: Annotated[float, kind.seconds()] = 10.0
    """Seconds from the first signal to the end of the process."""
    timezone: Annotated[str, kind.time_zone()] = ""
    """The time zone whose midnight ends a day; empty: the system's."""
    tls_port: Annotated[int, kind.whole(0, 65535)] = 0
    """0: no TLS."""
    tls_certificate: Annotated[str, kind.optional_file_name()] = ""
    """A path; `load` makes it absolute. Empty: none."""
    tls_key: Annotated[str, kind.optional_file_name()] = ""
    """A path; `load` makes it absolute. Empty: none."""


class Database(NamedTuple):
    """`[database]`: the file, and SQLite's settings for every connection to it."""

    path: Annotated[str, kind.file_name()] = "data/winlog.db"
    """`load` makes it absolute."""
    pragma_journal_mode: Annotated[str, kind.choice("WAL", "DELETE", "TRUNCATE", "PERSIST")] = "WAL"
    pragma_synchronous: Annotated[str, kind.choice("NORMAL", "FULL", "EXTRA")] = "FULL"
    pragma_busy_timeout: Annotated[int, kind.whole(0, 2**31 - 1, "milliseconds")] = 30_000
    pragma_cache_size: Annotated[int, kind.whole(-(2**31) + 1, 2**31 - 1)] = 10_000
    """A number of pages; below 0, a number of KiB."""


class Rotation(NamedTuple):
    """`[rotation]`: when finished days move to the archive."""

    at: Annotated[str, kind.time_of_day()] = "01:00"
    """A time of day in `server.timezone`; empty: never."""
    keep_open_hours: Annotated[float, kind.hours()] = 24.0
    """Hours that a session may be open before the rotation closes it."""


class Security(NamedTuple):
    """`[security]`: which clients may send events and read, and which actions events may have."""

    expected_user_agent: Annotated[str, kind.user_agent()] = "Winlog/0.1.0"
    """The beginning of the User-Agent header that an event must have."""
    valid_actions: Annotated[tuple[str, ...], lists.actions()] = ("C", "D", "M")
    trusted_proxies: Annotated[tuple[str, ...], lists.networks()] = LOOPBACK
    """Networks as ADDRESS/BITS, without bits beyond the mask, as `ipaddress.ip_network` accepts them."""
    ingest_token: Annotated[str, kind.token()] = ""
    """The token that an event's head must carry; empty: none. `load` puts the token from `ingest_token_file` here."""
    ingest_token_file: Annotated[str, kind.optional_file_name()] = ""
    """A path; `load` makes it absolute. Empty: none."""
    ingest_networks: Annotated[tuple[str, ...], lists.networks()] = EVERYWHERE
    """The networks that may send events, in the form of `trusted_proxies`."""
    read_networks: Annotated[tuple[str, ...], lists.networks()] = EVERYWHERE
    """The networks that may read anything but /health, in the form of `trusted_proxies`."""


class Limits(NamedTuple):
    """`[limits]`: how large a request may be, how many seconds its sender may take, and how many there may be."""

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
    """The rate of one address; 0: any rate."""
    events_burst: Annotated[int, kind.whole(0, 1_000_000)] = 0
    """The events of one address that may come at once; 0: as many as come in a second."""
    rate_delay: Annotated[float, kind.seconds()] = 5.0
    """Seconds by which an event above the rate may be delayed; an event that must wait longer is refused."""
    queued_events: Annotated[int, kind.whole(1, 10_000_000)] = 20_000
    """winlogd stops reading connections when this many events wait for the database."""
    min_free_disk: Annotated[int, kind.whole(0, 1_000_000_000, "megabytes")] = 500
    """Events are not stored while less space is free; 0: winlogd does not look at the free space."""


class Logging(NamedTuple):
    """`[logging]`: what is written to standard error, and how."""

    level: Annotated[str, kind.choice("trace", "debug", "info", "warn", "error")] = "info"
    format: Annotated[str, kind.choice("compact", "full", "json")] = "compact"
    names: Annotated[bool, kind.flag()] = True
    """True: the log shows users' names."""


class Config(NamedTuple):
    """Everything that can be set. The fields are the sections of the file."""

    server: Server = Server()
    database: Database = Database()
    rotation: Rotation = Rotation()
    security: Security = Security()
    limits: Limits = Limits()
    logging: Logging = Logging()
    source: str | None = None
    """The absolute path of the file that was read; None if no file was read."""


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
"""The kinds of all options, by section and key."""


def environment_name(section: str, key: str) -> str:
    """Return the name of the environment variable that overrides an option, such as `WINLOGD_SERVER_PORT`."""
    return f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()
