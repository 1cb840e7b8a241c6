"""The options: one class for each section of config.toml, and `Config`, which holds them all.

Only the classes below name the options. Each field has its default, and its kind in the annotation of its type. The
checks, the names of the environment variables and the suggestions for misspelt names follow from them. `config.toml` at
the top of the repository explains the options to administrators.

Some fields are no options, and have no variable. `FREE` holds the keys of its section that are no options, such as the
names of rooms. `TABLE` holds a table of the section, such as `[rooms.aliases]`. In both the administrator chooses the
keys, and `tables` has their kinds. `LOADED` is no key of the file: `load` sets it.

Paths are `str`, because winlogd must start fast: loading `pathlib` takes 4 ms.

This file must not know where the values come from, nor what the options do.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from winlogd.config import kinds as kind
from winlogd.config import list_kinds as lists
from winlogd.config.kinds import Kind
from winlogd.config.list_kinds import EVERYWHERE, LOOPBACK
from winlogd.config.section import Section

ENVIRONMENT_PREFIX: Final = "WINLOGD_"

OTHERS_VARIABLES: Final = frozenset(("WINLOGD_COMPILE",))
"""Names that have the prefix and are no options: the build reads them."""


FREE: Final = "free keys"
TABLE: Final = "table"
LOADED: Final = "loaded"
"""What a field is that is no option."""

Pairs = tuple[tuple[str, str], ...]
"""Keys that the administrator chose, with their values, in the order of the file."""


class Server(Section):
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


class Database(Section):
    """`[database]`: the file, and SQLite's settings for every connection to it."""

    path: Annotated[str, kind.file_name()] = "data/winlog.db"
    """`load` makes it absolute."""
    pragma_journal_mode: Annotated[str, kind.choice("WAL", "DELETE", "TRUNCATE", "PERSIST")] = "WAL"
    pragma_synchronous: Annotated[str, kind.choice("NORMAL", "FULL", "EXTRA")] = "FULL"
    pragma_busy_timeout: Annotated[int, kind.whole(0, 2**31 - 1, "milliseconds")] = 30_000
    pragma_cache_size: Annotated[int, kind.whole(-(2**31) + 1, 2**31 - 1)] = 10_000
    """A number of pages; below 0, a number of KiB."""


class Rotation(Section):
    """`[rotation]`: when finished days move to the archive."""

    at: Annotated[str, kind.time_of_day()] = "01:00"
    """A time of day in `server.timezone`; empty: never."""
    keep_open_hours: Annotated[float, kind.hours()] = 24.0
    """Hours that a session may be open before the rotation closes it."""


class Backup(Section):
    """`[backup]`: where backups are kept."""

    folder: Annotated[str, kind.file_name()] = "backups"
    """A path; `load` makes it absolute. A relative one counts from the database's folder."""


class Retention(Section):
    """`[retention]`: how long the archive is kept."""

    history_days: Annotated[int, kind.whole(0, 36_500, "days")] = 365
    """The days for which the archive keeps an event; 0: for ever."""
    is_chosen: Annotated[bool, LOADED] = False
    """True: the administrator has set `history_days`, perhaps to its default."""


class Security(Section):
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
    read_networks: Annotated[tuple[str, ...], lists.networks()] = ()
    """The networks of other machines that may ask who is where, in the form of `trusted_proxies`."""
    local_reads: Annotated[bool, kind.flag()] = True
    """True: requests of this machine itself may read, unless a proxy forwards them."""
    plain_login: Annotated[bool, kind.flag()] = False
    """True: readers on other machines may send their tokens, and log in, over plain HTTP."""
    names: Annotated[tuple[str, ...], lists.host_names()] = ()
    """The names by which readers reach the server, in small letters; empty: localhost, and this machine's names."""


class Rooms(Section):
    """`[rooms]`: in which room a machine stands, and which machines are expected."""

    from_hostname: Annotated[str, kind.host_template()] = ""
    """How machines' names hold the room; empty: they do not."""
    rooms_file: Annotated[str, kind.optional_file_name()] = ""
    """The path of the list of machines; `load` makes it absolute. Empty: none."""
    silent_days: Annotated[int, kind.whole(1, 366, "days")] = 10
    """A machine is silent after this many days without an event of it. Days without any event do not count."""
    patterns: Annotated[tuple[tuple[str, tuple[str, ...]], ...], FREE] = ()
    """The rooms, each with the patterns of its machines, in the order of the file."""
    aliases: Annotated[Pairs, TABLE] = ()
    """Former names of rooms, each with the new name."""
    list_text: Annotated[str, LOADED] = ""
    """The text of `rooms_file`."""


class Sessions(Section):
    """`[sessions]`: what speaks against a session that has no logoff."""

    multi_user: Annotated[tuple[str, ...], lists.patterns()] = ()
    """The machines on which several users work at once."""
    inventory_at_boot: Annotated[bool, kind.flag()] = False
    """True: machines report their hardware when they start."""
    doubtful_after_hours: Annotated[float, kind.hours()] = 14.0
    """A session is doubtful this long after its logon's receipt."""
    closing: Annotated[str, kind.time_of_day()] = ""
    """The time of day in `server.timezone` at which the site closes; empty: it does not."""
    closing_exceptions: Annotated[Pairs, TABLE] = ()
    """Dates as YYYY-MM-DD, each with another time than `closing`. Empty: the site does not close on that day."""


class Periods(Section):
    """`[periods]`: names for times of the day, such as school hours."""

    times: Annotated[Pairs, FREE] = ()
    """The names, each with its time as HH:MM-HH:MM."""


class Privacy(Section):
    """`[privacy]`: what winlogd works out about a person, and how long it keeps who asked."""

    person_profile: Annotated[bool, kind.flag()] = False
    """True: the answer about a user holds sums of hours."""
    audit_days: Annotated[int, kind.whole(1, 3650, "days")] = 365
    """The days for which the readers' log is kept."""


class Limits(Section):
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


class Logging(Section):
    """`[logging]`: what is written to standard error, and how."""

    level: Annotated[str, kind.choice("trace", "debug", "info", "warn", "error")] = "info"
    format: Annotated[str, kind.choice("compact", "full", "json")] = "compact"
    names: Annotated[bool, kind.flag()] = True
    """True: the log shows users' names."""


class Config(Section):
    """Everything that can be set. The fields are the sections of the file."""

    server: Server = Server()
    database: Database = Database()
    rotation: Rotation = Rotation()
    backup: Backup = Backup()
    retention: Retention = Retention()
    security: Security = Security()
    rooms: Rooms = Rooms()
    sessions: Sessions = Sessions()
    periods: Periods = Periods()
    privacy: Privacy = Privacy()
    limits: Limits = Limits()
    logging: Logging = Logging()
    source: str | None = None
    """The absolute path of the file that was read; None if no file was read."""


SECTIONS: Final[Mapping[str, type[Section]]] = {
    "server": Server,
    "database": Database,
    "rotation": Rotation,
    "backup": Backup,
    "retention": Retention,
    "security": Security,
    "rooms": Rooms,
    "sessions": Sessions,
    "periods": Periods,
    "privacy": Privacy,
    "limits": Limits,
    "logging": Logging,
}

_MARKS: Final[Mapping[str, Mapping[str, Any]]] = {
    section: {key: annotated.__metadata__[0] for key, annotated in options.__annotations__.items()}
    for section, options in SECTIONS.items()
}
"""For each field of each section its kind, or what else it is."""

KINDS: Final[Mapping[str, Mapping[str, Kind[Any]]]] = {
    section: {key: kind for key, kind in fields.items() if isinstance(kind, Kind)} for section, fields in _MARKS.items()
}
"""The kinds of all options, by section and key."""

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    section: tuple(key for key, mark in fields.items() if isinstance(mark, Kind) or mark == TABLE)
    for section, fields in _MARKS.items()
}
"""The keys that a section of the file may have, besides free ones: its options and tables."""

OPEN_SECTIONS: Final = frozenset(section for section, marks in _MARKS.items() if {FREE, TABLE} & set(marks.values()))
"""The sections in which the administrator chooses keys, free ones or those of a table."""

FREE_KEYS: Final[Mapping[str, str]] = {
    section: field for section, fields in _MARKS.items() for field, mark in fields.items() if mark == FREE
}
"""The field for the free keys of a section, for the sections that have any."""


def environment_name(section: str, key: str) -> str:
    """Return the name of the environment variable that overrides an option, such as `WINLOGD_SERVER_PORT`."""
    return f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()
