"""config.toml and the environment become one frozen `Config`, or a list of everything that is wrong.

The classes below are the one place that names the options: each field has its default and, as what its
type is annotated with, its kind. The checks, the names of the environment variables and the suggestions for
misspelt names follow from them. `config.toml` at the top of the repository explains the options to
administrators.

They are named tuples, and paths are `str`, because winlogd has to be up at once: Python makes a named tuple
in 0.1 ms and a frozen dataclass with slots in 0.6 to 1 ms, and loading `pathlib` takes 4 ms.

An option is taken from the environment variable `WINLOGD_<SECTION>_<KEY>`, or else from the file, or else
it has its default. A value in the file is checked even when a variable overrides it, so that the file gets
mended. This file must not know what the options do: it opens no socket and no database.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

from winlogd import config_faults as fault
from winlogd import config_schema as kind
from winlogd.config_schema import EVERYWHERE, LOOPBACK, Kind, NotAllowedError

DEFAULT_FILE: Final = "config.toml"
"""The file in the working directory that is read when none is named."""

ENVIRONMENT_PREFIX: Final = "WINLOGD_"

MAXIMUM_FILE_BYTES: Final = 1_048_576
"""A larger file was named by mistake; it is not read to its end, which may never come (/dev/zero)."""


class ConfigError(Exception):
    """The configuration cannot be used; `faults` says why."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        """Keep the faults: one line each, ready to be shown to an administrator."""
        super().__init__("\n".join(faults))
        self.faults = faults


class Server(NamedTuple):
    """`[server]`: where winlogd listens, what it takes, and how long it lets others wait."""

    host: Annotated[str, kind.host()] = "127.0.0.1"
    port: Annotated[int, kind.whole(0, 65535)] = 3000
    """0 lets the system pick a free one."""
    event_paths: Annotated[tuple[str, ...], kind.paths()] = ("/api/v1/events",)
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
    valid_actions: Annotated[tuple[str, ...], kind.actions()] = ("C", "D", "M")
    trusted_proxies: Annotated[tuple[str, ...], kind.networks()] = LOOPBACK
    """Networks as ADDRESS/BITS, without bits beyond the mask: `ipaddress.ip_network` takes each."""
    ingest_token: Annotated[str, kind.token()] = ""
    """What the head of an event must carry; empty: nothing. In what `load` returns, also the one from a file."""
    ingest_token_file: Annotated[str, kind.optional_file_name()] = ""
    """Absolute in what `load` returns, unless it is empty."""
    ingest_networks: Annotated[tuple[str, ...], kind.networks()] = EVERYWHERE
    """Who may send events; as `trusted_proxies`."""
    read_networks: Annotated[tuple[str, ...], kind.networks()] = EVERYWHERE
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


def load(path: str | None, environ: Mapping[str, str]) -> Config:
    """Read the configuration.

    Args:
        path: the file; `None` for `config.toml` in the working directory if there is one, or no file.
        environ: the environment; of it, only names that begin with `WINLOGD_` count.

    Returns:
        The configuration. `database.path` is absolute: a relative one counts from the file's folder, or
        from the working directory when there is no file.

    Raises:
        ConfigError: with all the faults of the file and the environment.
    """
    faults: list[str] = []
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    try:
        here = os.getcwd()
    except OSError as error:
        raise ConfigError((f"the working directory cannot be read: {error.strerror}",)) from error
    # An empty name is a fault (a folder is no file) and not the default: a script's variable was not set.
    name = DEFAULT_FILE if path is None else path or "."
    file = _absolute(here, name)
    source = file if path is not None or os.path.lexists(file) else None
    if source is not None:
        faults += _take_file(values, source, fault.escaped(name))
    faults += _take_environment(values, environ)
    if faults:
        raise ConfigError(tuple(faults))
    config = Config(source=source, **{name: options(**values[name]) for name, options in SECTIONS.items()})
    folder = os.path.dirname(source) if source is not None else here
    server, database, security = config.server, config.database, config.security
    return _completed(
        config._replace(
            server=server._replace(
                tls_certificate=_absolute_or_none(folder, server.tls_certificate),
                tls_key=_absolute_or_none(folder, server.tls_key),
            ),
            database=database._replace(path=_absolute(folder, database.path)),
            security=security._replace(ingest_token_file=_absolute_or_none(folder, security.ingest_token_file)),
        )
    )


def environment_name(section: str, key: str) -> str:
    """The environment variable that overrides an option: `WINLOGD_SERVER_PORT`."""
    return f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()


def _absolute(folder: str, path: str) -> str:
    """`path` as it counts from an absolute `folder`, without `.` and empty parts.

    It keeps `..`, which `os.path.abspath` would resolve: after a link, `link/..` is not where the link is.
    """
    parts = os.path.join(folder, path).split("/")
    return "/" + "/".join(part for part in parts if part not in ("", "."))


def _absolute_or_none(folder: str, path: str) -> str:
    return _absolute(folder, path) if path else ""


def _completed(config: Config) -> Config:
    """`config` with the token that a file holds, after a look at the options that need each other.

    Raises:
        ConfigError: they do not fit together, or the file holds no token.
    """
    server, security, limits = config.server, config.security, config.limits
    tls = (server.tls_port, server.tls_certificate, server.tls_key)
    if not (any(tls) or security.ingest_token_file or limits.events_burst):
        return config
    from winlogd import config_access as access  # most sites need none of it

    faults = access.tls_faults(server.port, *tls) + access.rate_faults(limits.events_per_second, limits.events_burst)
    token = security.ingest_token
    if security.ingest_token_file:
        try:
            token = access.token_in(security.ingest_token_file, token, KINDS["security"]["ingest_token"])
        except NotAllowedError as refusal:
            faults.append(refusal.detail)
    if faults:
        raise ConfigError(tuple(faults))
    return config._replace(security=security._replace(ingest_token=token))


def _take_file(values: dict[str, dict[str, Any]], file: str, name: str) -> list[str]:
    """Put what a file sets into `values`; returns the faults, each beginning with the file's `name`."""
    try:
        tables = _parsed(_text(file))
    except ConfigError as error:
        return [f"{name}: {line}" for line in error.faults]
    faults: list[str] = []
    for section, table in tables.items():
        if section in KINDS and isinstance(table, dict):
            faults += _take_table(values[section], section, table)
        elif section in KINDS:
            faults.append(fault.wrong_value(f"{section} = ", table, f"a section: [{section}], once", ""))
        elif isinstance(table, dict):
            faults.append(fault.unknown_section(section, KINDS))
        else:
            faults.append(fault.key_outside(section, KINDS))
    return [f"{name}: {line}" for line in faults]


def _take_table(values: dict[str, Any], section: str, table: dict[str, Any]) -> list[str]:
    faults: list[str] = []
    for key, value in table.items():
        expected = KINDS[section].get(key)
        if expected is None:
            faults.append(fault.unknown_key(section, key, KINDS))
            continue
        try:
            values[key] = expected.check(value)
        except NotAllowedError as refusal:
            faults.append(_not_allowed(f"{section}.{key} = ", value, expected, refusal))
    return faults


def _take_environment(values: dict[str, dict[str, Any]], environ: Mapping[str, str]) -> list[str]:
    """Put what the environment sets into `values`; returns the faults."""
    names = {environment_name(section, key): (section, key) for section in KINDS for key in KINDS[section]}
    faults: list[str] = []
    for variable in sorted(name for name in environ if name.startswith(ENVIRONMENT_PREFIX)):
        if variable not in names:
            faults.append(fault.unknown_variable(variable, ENVIRONMENT_PREFIX, KINDS))
            continue
        section, key = names[variable]
        expected, text = KINDS[section][key], environ[variable]
        try:
            values[section][key] = expected.check(expected.parse(text))
        except NotAllowedError as refusal:
            faults.append(_not_allowed(f"{variable}=", text, expected, refusal))
    return faults


def _not_allowed(name: str, value: object, expected: Kind[Any], refusal: NotAllowedError) -> str:
    if expected.is_secret:
        return fault.wrong_secret(name, expected.allowed)
    return fault.wrong_value(name, value, expected.allowed, refusal.detail)


def _text(file: str) -> str:
    """A file's text; a byte order mark, which some editors of Windows write, is no part of it."""
    try:
        with open(file, "rb") as stream:
            content = stream.read(MAXIMUM_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError((f"cannot be read: {error.strerror}",)) from error
    if len(content) > MAXIMUM_FILE_BYTES:
        raise ConfigError((f"is no configuration: it has more than {MAXIMUM_FILE_BYTES} bytes",))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError((f"is not UTF-8 text (at line {line}); save it as UTF-8",)) from error


def _parsed(text: str) -> dict[str, Any]:
    """TOML's tables, or a `ConfigError` that says in which line the fault is."""
    import tomllib  # without a file it is not needed

    try:
        return tomllib.loads(text + "\n")  # so that a fault in the last line has a line number, too
    except tomllib.TOMLDecodeError as error:
        message = fault.escaped(str(error))
        twice = "; is it there twice?" if "overwrite" in message or "twice" in message else ""
        raise ConfigError((f"is not valid TOML: {message}{twice}",)) from error
    except ValueError as error:  # int() refuses more than 4300 digits, and tomllib lets that through
        raise ConfigError(("is not valid TOML: a number has too many digits",)) from error
    except RecursionError as error:
        raise ConfigError(("is not valid TOML: lists or tables are nested too deeply",)) from error
