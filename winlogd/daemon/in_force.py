"""Which value each option has, and where it comes from, as the fields of ``winlogd config``. Secrets are left out.

The running server and a command without a server both ask this. It reads the file again, and takes as long as a disk
takes: not for the event loop. This file must not know what an option does.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from winlogd.config.files import UnreadableError, content
from winlogd.config.load import MAXIMUM_FILE_BYTES, ConfigError, load
from winlogd.config.origins import lines_of
from winlogd.config.sections import FREE_KEYS, KEYS, KINDS, SECTIONS, Config, environment_name
from winlogd.daemon.differences import in_force

Fields = dict[str, object]

_FILE_OPTIONS: Final = {("security", "ingest_token"): "ingest_token_file"}
"""The options whose value another option's file can hold."""


class _Now(NamedTuple):
    """What the file and the environment say now.

    Attributes:
        read: the configuration that a start would have; None if it has faults.
        applied: the configuration that a reload would bring.
        lines: the line of each key of the file, by section and key.
        fault: why `read` is None, on one line.
    """

    read: Config | None
    applied: Config | None
    lines: Mapping[tuple[str, str], int]
    fault: str | None


def fields_of(config: Config, begun_with: Config, environ: Mapping[str, str]) -> Fields:
    """Return where the configuration comes from, and a list of options for each section.

    An option has `key`, `value`, and its `origin`, which is one of these:

    - ``default``
    - ``file``, with the `line`
    - ``environment``, with the `variable`
    - ``earlier``, if the file says another value now
    - the name of the option whose file holds the value

    A value that the file has now is in `now`, with what brings it in `needs`. A secret has `is_set` in place of
    `value`.

    Args:
        config: the configuration in force.
        begun_with: the configuration of the start.
        environ: the environment.
    """
    now = _now(config, environ)
    return {
        "file": config.source,
        "fault": now.fault,
        "sections": {section: list(_options(section, config, begun_with, environ, now)) for section in SECTIONS},
    }


def _now(config: Config, environ: Mapping[str, str]) -> _Now:
    """Read the file again, but not the files that it names: what they hold is in force already."""
    known = {
        config.security.ingest_token_file: config.security.ingest_token,
        config.rooms.rooms_file: config.rooms.list_text,
    }
    read, applied, fault, source = None, None, None, config.source
    try:
        read = load(config.source, environ, known)
        applied, source = in_force(config, read), read.source
    except ConfigError as error:
        fault = "; ".join(error.faults)
    lines: Mapping[tuple[str, str], int] = {}
    if source is not None and read is not None:
        try:
            lines = lines_of(content(source, "configuration", MAXIMUM_FILE_BYTES).decode("utf-8-sig"))
        except (UnreadableError, ValueError) as error:  # it was changed just now
            fault = str(error)
    return _Now(read, applied, lines, fault)


def _options(
    section: str, config: Config, begun_with: Config, environ: Mapping[str, str], now: _Now
) -> Iterator[Fields]:
    """Yield the options of a section, and last the keys that the administrator has chosen."""
    values, begun = _values(section, config), _values(section, begun_with)
    read, applied = _values(section, now.read), _values(section, now.applied)
    for key in dict.fromkeys((*values, *read)):
        value = values.get(key)
        option: Fields = {"key": key, **_shown(section, key, value)}
        option |= _origin(section, key, config, environ, now, is_as_read=now.read is None or read.get(key) == value)
        if begun.get(key) != value:
            option["is_reloaded"] = True
        if now.read is not None and read.get(key) != value:
            needs = "restart" if applied.get(key) == value else "reload"
            option |= {"needs": needs, **({} if _is_secret(section, key) else {"now": read.get(key)})}
        yield option


def _origin(
    section: str, key: str, config: Config, environ: Mapping[str, str], now: _Now, *, is_as_read: bool
) -> Fields:
    variable = environment_name(section, key)
    if key in KINDS[section] and variable in environ:
        return {"origin": "environment", "variable": variable}
    if not is_as_read:
        return {"origin": "earlier"}
    file_option = _FILE_OPTIONS.get((section, key))
    if file_option is not None and getattr(getattr(config, section), file_option):
        return {"origin": file_option}
    if (line := now.lines.get((section, key))) is not None:
        return {"origin": "file", "line": line}
    if now.read is None and getattr(getattr(Config(), section), key, None) != _values(section, config).get(key):
        return {"origin": "earlier"}
    return {"origin": "default"}


def _shown(section: str, key: str, value: object) -> Fields:
    return {"is_secret": True, "is_set": bool(value)} if _is_secret(section, key) else {"value": value}


def _is_secret(section: str, key: str) -> bool:
    return key in KINDS[section] and KINDS[section][key].is_secret


def _values(section: str, config: Config | None) -> dict[str, Any]:
    """Return the values of a section by key. Tables are objects. Keys that the administrator has chosen come last."""
    if config is None:
        return {}
    options = getattr(config, section)
    values: dict[str, Any] = {}
    for key in KEYS[section]:
        value = getattr(options, key)
        values[key] = value if key in KINDS[section] else dict(value)
    return values | dict(getattr(options, FREE_KEYS[section]) if section in FREE_KEYS else ())
