"""Turn config.toml and the environment into one frozen `Config`, or into a list of everything that is wrong.

An option has the value of the environment variable `WINLOGD_<SECTION>_<KEY>`, or else that of the file, or else its
default. A value in the file is checked even if a variable overrides it, so that somebody fixes the file. This file must
not know what the options do: it opens no socket and no database.
"""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from winlogd.config.kinds import NotAllowedError, without_quotes
from winlogd.config.sections import (
    ENVIRONMENT_PREFIX,
    KINDS,
    OTHERS_VARIABLES,
    SECTIONS,
    Config,
    environment_name,
)

DEFAULT_FILE: Final = "config.toml"
"""The file in the working directory that is read if the command line names none."""

SYSTEM_FILE: Final = "/etc/winlogd/config.toml"
"""The file that is read if the working directory has none: the service and all commands then find the same database."""

MAXIMUM_FILE_BYTES: Final = 1_048_576
"""A larger file was named by mistake."""

_DEFAULTS: Final = Config()


class ConfigError(Exception):
    """The configuration cannot be used.

    Attributes:
        faults: the reasons, one line each, ready for an administrator to read.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        """Keep the faults, and join them to the error's text."""
        super().__init__("\n".join(faults))
        self.faults = faults


def load(path: str | None, environ: Mapping[str, str], known: Mapping[str, str] = MappingProxyType({})) -> Config:
    """Read the configuration.

    Args:
        path: the file's path. `None` for `DEFAULT_FILE`, or else `SYSTEM_FILE`, neither of which need exist.
        environ: the environment. Only names that begin with `WINLOGD_`, in any letter case, count.
        known: what files hold that this process may not read any more, by their absolute paths. These files are the
            token's and the list of machines; they are not opened.

    Returns:
        The configuration. Its paths are absolute: a relative path counts from the file's folder, or from the
        working directory if there is no file.

    Raises:
        ConfigError: the file or the environment has faults. The error has all of them.
    """
    faults: list[str] = []
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    try:
        here = os.getcwd()
    except OSError as error:
        raise ConfigError((f"the working directory cannot be read: {error.strerror}",)) from error
    # An empty name is a script's variable that was not set. It must not mean the default, and "." is no file.
    name = _file_in(here) if path is None else path or "."
    source = None if name is None else _absolute(here, name)
    if name is not None and source is not None:
        faults += _take_file(values, source, name)
    faults += _take_environment(values, environ)
    if faults:
        raise ConfigError(tuple(faults))
    values["retention"]["is_chosen"] = "history_days" in values["retention"]
    sections: dict[str, Any] = {name: options(**values[name]) for name, options in SECTIONS.items()}
    config = Config(source=source, **sections)
    folder = os.path.dirname(source) if source is not None else here
    server, database, security, rooms = config.server, config.database, config.security, config.rooms
    database_path = _absolute(folder, database.path)
    return _completed(
        config.replaced(
            server=server.replaced(
                tls_certificate=_absolute_or_none(folder, server.tls_certificate),
                tls_key=_absolute_or_none(folder, server.tls_key),
            ),
            database=database.replaced(path=database_path),
            backup=config.backup.replaced(folder=_absolute(os.path.dirname(database_path), config.backup.folder)),
            security=security.replaced(ingest_token_file=_absolute_or_none(folder, security.ingest_token_file)),
            rooms=rooms.replaced(rooms_file=_absolute_or_none(folder, rooms.rooms_file)),
        ),
        known,
    )


def may_hurt(config: Config) -> bool:
    """Return True if `winlogd.config.warnings` must be loaded: an option that it checks differs from its default."""
    server, security, database = config.server, config.security, config.database
    return (
        server.event_timeout > _DEFAULTS.server.event_timeout
        or security.expected_user_agent != _DEFAULTS.security.expected_user_agent
        or security.valid_actions != _DEFAULTS.security.valid_actions
        or not security.ingest_networks
        or security.read_networks != _DEFAULTS.security.read_networks
        or config.rooms.aliases != _DEFAULTS.rooms.aliases
        or config.limits.rate_delay > _DEFAULTS.limits.rate_delay
        or database.pragma_journal_mode != _DEFAULTS.database.pragma_journal_mode
    )


def may_contradict(config: Config) -> bool:
    """Return True if rooms can have faults that this package does not find: `winlogd.daemon.site` must be asked."""
    return config.rooms.rooms_file != "" or config.rooms.aliases != _DEFAULTS.rooms.aliases


def _file_in(here: str) -> str | None:
    """Return the file that is read in a working directory if the command line names none; None if there is none."""
    return next((name for name in (DEFAULT_FILE, SYSTEM_FILE) if os.path.lexists(_absolute(here, name))), None)


def _absolute(folder: str, path: str) -> str:
    """Return the absolute form of `path`, which counts from the absolute `folder`, without `.` and empty parts.

    This keeps `..`, which `os.path.abspath` would resolve. If `link` is a link, `link/..` is not the link's folder.
    """
    parts = os.path.join(folder, path).split("/")
    return "/" + "/".join(part for part in parts if part not in ("", "."))


def _absolute_or_none(folder: str, path: str) -> str:
    return _absolute(folder, path) if path else ""


def _completed(config: Config, known: Mapping[str, str]) -> Config:
    """Return `config` with the content of the files that it names. Check the options that depend on each other.

    Raises:
        ConfigError: options do not fit together, a file holds not what it should, or SQLite cannot open the database's
            name.
    """
    server, security, limits, rooms, sessions = (
        config.server,
        config.security,
        config.limits,
        config.rooms,
        config.sessions,
    )
    tls = (server.tls_port, server.tls_certificate, server.tls_key)
    path = config.database.path
    is_plain = path.isascii() and os.path.realpath(path).isascii()
    needs_others = (*tls, limits.events_burst, sessions.closing_exceptions)
    if is_plain and not any((*needs_others, security.ingest_token_file, rooms.rooms_file)):
        return config
    from winlogd.config import dependent  # most sites do not need it

    faults = (
        dependent.name_faults(path)
        + dependent.tls_faults(server.port, *tls)
        + dependent.rate_faults(limits.events_per_second, limits.events_burst)
        + dependent.closing_faults(sessions.closing, sessions.closing_exceptions)
    )
    token, list_text = security.ingest_token, ""
    if security.ingest_token_file:
        try:
            expected = KINDS["security"]["ingest_token"]
            token = dependent.token_in(security.ingest_token_file, token, expected, known)
        except NotAllowedError as refusal:
            faults.append(refusal.detail)
    if rooms.rooms_file:
        try:
            list_text = dependent.list_in(rooms.rooms_file, known)
        except NotAllowedError as refusal:
            faults.append(refusal.detail)
    if faults:
        raise ConfigError(tuple(faults))
    return config.replaced(security=security.replaced(ingest_token=token), rooms=rooms.replaced(list_text=list_text))


def _take_file(values: dict[str, dict[str, Any]], file: str, name: str) -> list[str]:
    """Put the options of a file into `values`. Return its faults, each of which begins with the file's `name`."""
    faults: list[str] = []
    try:
        for section, table in _parsed(_text(file)).items():
            if section in KINDS and isinstance(table, dict):
                faults += _take_table(values[section], section, table)
            else:
                from winlogd.config import faults as fault

                faults.append(fault.no_section(section, table))
    except ConfigError as error:
        faults += error.faults
    if not faults:
        return faults
    from winlogd.config.messages import escaped

    return [f"{escaped(name)}: {line}" for line in faults]


def _take_table(values: dict[str, Any], section: str, table: dict[str, Any]) -> list[str]:
    faults: list[str] = []
    others: dict[str, Any] = {}
    for key, value in table.items():
        expected = KINDS[section].get(key)
        if expected is None:
            others[key] = value
            continue
        try:
            values[key] = expected.check(value)
        except NotAllowedError as refusal:
            from winlogd.config import faults as fault

            default = SECTIONS[section].defaults()[key]
            faults.append(fault.not_allowed(f"{section}.{key} = ", value, expected, refusal.detail, default))
    if not others:
        return faults
    from winlogd.config import tables  # most sites have no such keys

    return faults + tables.take(values, section, others)


def _take_environment(values: dict[str, dict[str, Any]], environ: Mapping[str, str]) -> list[str]:
    """Put the options of the environment into `values`. Return its faults."""
    names = {environment_name(section, key): (section, key) for section in KINDS for key in KINDS[section]}
    faults: list[str] = []
    length = len(ENVIRONMENT_PREFIX)
    ours = {name for name in environ if name[:length].upper() == ENVIRONMENT_PREFIX} - OTHERS_VARIABLES
    for variable in sorted(ours):
        if variable not in names:
            from winlogd.config import faults as fault

            faults.append(fault.unknown_variable(variable))
            continue
        section, key = names[variable]
        expected, text = KINDS[section][key], environ[variable]
        if _is_quoted(text):
            from winlogd.config import faults as fault

            faults.append(fault.quoted(variable, text, expected))
            continue
        try:
            values[section][key] = expected.check(expected.parse(text))
        except NotAllowedError as refusal:
            from winlogd.config import faults as fault

            faults.append(fault.not_allowed(f"{variable}=", text, expected, refusal.detail))
    return faults


def _is_quoted(text: str) -> bool:
    """Return True if a quote begins or ends `text`. A shell would have removed it, and no value has one there."""
    return text.strip() != without_quotes(text)


def _text(file: str) -> str:
    """Return a file's text, without the byte order mark that some editors of Windows write.

    Raises:
        ConfigError: the file cannot be read, or is not UTF-8.
    """
    from winlogd.config import files  # needed only with a file

    try:
        content = files.content(file, "configuration", MAXIMUM_FILE_BYTES)
    except files.UnreadableError as error:
        raise ConfigError((str(error),)) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError((f"is not UTF-8 text (at line {line}); save it as UTF-8",)) from error


def _parsed(text: str) -> dict[str, Any]:
    """Return TOML's tables.

    Raises:
        ConfigError: the text is not valid TOML. The error says in which line the fault is.
    """
    import tomllib  # needed only with a file

    text += "\n"  # so that tomllib reports a line number for a fault in the last line, too
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        from winlogd.config.messages import escaped  # needed only for a fault
        from winlogd.config.syntax import hint

        message = escaped(str(error))
        raise ConfigError((f"is not valid TOML: {message}{hint(text, message)}",)) from error
    except ValueError as error:  # int() refuses more than 4300 digits, and tomllib lets its error through
        raise ConfigError(("is not valid TOML: a number has too many digits",)) from error
    except RecursionError as error:
        raise ConfigError(("is not valid TOML: lists or tables are nested too deeply",)) from error
