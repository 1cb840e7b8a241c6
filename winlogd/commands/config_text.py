"""The options as a configuration file, with the origin of each value as a comment. Pure.

winlogd can read the file back. What must not be in it stands in a comment: secrets, and what decides something also by
its default. This file must not know where the options come from.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from winlogd.config.messages import escaped

Option = Mapping[str, Any]

_DECIDES: Final = frozenset((("security", "read_networks"), ("retention", "history_days")))
"""The options that decide something also if they are set to their default."""
_WIDTH: Final = 40
"""Comments begin at this column, unless the value is longer."""
_ORIGINS: Final = {
    "default": "default",
    "earlier": "what the file or a default said before",
}


def text_of(answer: Mapping[str, Any]) -> str:
    """Return the file for an answer: a line that says what it is, then the sections."""
    return "".join(f"{line}\n" for line in _lines(answer))


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    where = f"in force in the server with pid {answer['pid']}" if answer["running"] else "no server is running"
    file = escaped(answer["file"]) if answer["file"] is not None else "none"
    yield f"# winlogd config: {where}; file: {file}"
    if answer["fault"] is not None:
        yield f"# the file cannot be read back now: {escaped(answer['fault'])}"
    for section, options in answer["sections"].items():
        yield ""
        yield f"[{section}]"
        values = [option for option in options if not isinstance(option.get("value"), dict)]
        for option in values:
            yield from _option(section, option)
        for option in options:
            if isinstance(option.get("value"), dict):
                yield from _table(section, option)


def _option(section: str, option: Option) -> Iterator[str]:
    """Yield the line of an option, and what the file says now if that differs."""
    key = _key(option["key"])
    is_left_out = option["origin"] == "default" and (section, option["key"]) in _DECIDES
    if option.get("is_secret"):
        yield _line(f"# {key} = {'(not shown)' if option['is_set'] else '(not set)'}", option)
    elif option["value"] is not None:
        yield _line(f"{'# ' if is_left_out else ''}{key} = {_toml(option['value'])}", option)
    if "needs" in option:
        now = option.get("now", "(not shown)")
        yield f"#   a {option['needs']} brings {key} = {_toml(now)}" if now is not None else _gone(key, option)


def _gone(key: str, option: Option) -> str:
    return f"#   a {option['needs']} takes {key} away"


def _table(section: str, option: Option) -> Iterator[str]:
    """Yield the lines of a table; a comment if it is empty."""
    head, table = f"[{section}.{option['key']}]", option["value"]
    if table:
        yield ""
    yield _line(head if table else f"# {head}", option)
    for name, value in table.items():
        yield f"{_key(name)} = {_toml(value)}"
    if "needs" in option:
        yield f"#   a {option['needs']} brings another {head}"


def _line(text: str, option: Option) -> str:
    return f"{text.ljust(_WIDTH)}  # {_origin(option)}"


def _origin(option: Option) -> str:
    match option["origin"]:
        case "file":
            origin = f"line {option['line']}"
        case "environment":
            origin = str(option["variable"])
        case other:
            origin = _ORIGINS.get(other, f"the file of {other}")
    return f"{origin}, since a reload" if option.get("is_reloaded") else origin


def _key(name: str) -> str:
    """Return a key as TOML writes it: bare if it can be."""
    is_bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if is_bare else _toml(name)


def _toml(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return f'"{"".join(map(_character, value))}"'
    return str(value)


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04X}" if ord(character) < 0x10000 else f"\\U{ord(character):08X}"
