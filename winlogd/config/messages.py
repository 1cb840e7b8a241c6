"""Put the faults in the configuration into words: one line each, fit for a terminal and a log.

A fault shows text from a file or from the environment escaped and shortened. Therefore a line feed cannot make two
lines of one fault, and no control character reaches the terminal. For an unknown name, a fault suggests the nearest
known name.

This file must not know which options exist: its callers pass the names.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Final

from winlogd.config.kinds import without_quotes

SHOWN_CHARACTERS: Final = 60
"""The most characters of a foreign value or name that a fault shows."""

NOT_SHOWN: Final = "(not shown)"
"""Stands in a fault in place of a secret value."""

_DROP_QUOTES: Final = "drop the quotes, which are taken for a part of the value (docker --env-file keeps them)"

Known = Mapping[str, Iterable[str]]
"""The names of all sections, and for each section the names of its keys."""


def shown(value: object) -> str:
    """Return a foreign value as TOML would write it, shortened and on one line.

    Args:
        value: any value that TOML can express, or the text of an environment variable.
    """
    if isinstance(value, str):
        body = escaped(value[: SHOWN_CHARACTERS + 1].replace("\\", "\\\\").replace('"', '\\"'))
        return f'"{body}"' if len(body) <= SHOWN_CHARACTERS else f'"{body[:SHOWN_CHARACTERS]}"...'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        # str() refuses integers beyond 4300 digits; hex() does not.
        return _shortened(str(value) if value.bit_length() <= 64 else hex(value))
    if isinstance(value, list):
        few = value[:SHOWN_CHARACTERS]
        inner = ", ".join("[...]" if isinstance(item, list) else shown(item) for item in few)
        return _shortened(f"[{inner}]")
    if isinstance(value, dict):
        return "{...}" if value else "{}"
    return _shortened(escaped(str(value)))


def shown_name(name: str) -> str:
    """Return a foreign name as it is if TOML needs no quotes for it, otherwise like a string."""
    if name and name.isascii() and name.replace("_", "").replace("-", "").isalnum():
        return _shortened(name)
    return shown(name)


def escaped(text: str) -> str:
    """Return `text` with an escape for each character that does not print (controls, line ends, marks of direction)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def wrong_secret(name: str, allowed: str) -> str:
    """Return the fault of a known option whose secret value is not allowed.

    Args:
        name: the option and the sign of equality, as its source writes them (`security.ingest_token = `).
        allowed: completes the sentence "must be ...".
    """
    return f"{name}{NOT_SHOWN}: must be {allowed}"


def wrong_value(name: str, value: object, allowed: str, detail: str) -> str:
    """Return the fault of a known option whose value is not allowed.

    Args:
        name: the option and the sign of equality, as its source writes them (`server.port = `).
        value: the value that is not allowed.
        allowed: completes the sentence "must be ...".
        detail: what exactly is wrong; empty if the value shows that.
    """
    return f"{name}{shown(value)}: must be {allowed}" + (f" ({detail})" if detail else "")


def quotes_detail(value: object, default: object) -> str:
    """Return the detail of a value of TOML that has quotes by mistake, or lacks them; empty for any other value.

    Args:
        value: the value that is not allowed.
        default: a value of the right type.
    """
    if isinstance(value, str) and not isinstance(default, str | tuple):
        return "without quotes"
    if isinstance(default, str) and not isinstance(value, str | list | dict):
        return "in quotes"
    return ""


def quoted_value(name: str, text: str) -> str:
    """Return the fault of a variable whose value has quotes, which a shell would have removed.

    Args:
        name: the variable and the sign of equality.
        text: the variable's value.
    """
    return f"{name}{shown(text)}: {_DROP_QUOTES}: {name}{_shortened(escaped(without_quotes(text)))}"


def quoted_secret(name: str, _: str) -> str:
    """Return the fault of a variable whose secret value has quotes; arguments as for `quoted_value`."""
    return f"{name}{NOT_SHOWN}: {_DROP_QUOTES}"


def unknown_key(section: str, key: str, known: Known) -> str:
    """Return the fault of a key that its section does not have."""
    near = _nearest_option(section, key, known)
    hint = f"did you mean {near[0]}.{near[1]}?" if near else f"[{section}] has {', '.join(known[section])}"
    return f"{section}.{shown_name(key)}: unknown key; {hint}"


def misspelt_key(section: str, key: str, known: Known) -> str:
    """Return the fault of a key that probably stands for one of its section's own; empty if it does not."""
    near = _nearest(key, known[section])
    return f"{section}.{shown_name(key)}: unknown key; did you mean {section}.{near}?" if near else ""


def wrong_name(name: str, allowed: str) -> str:
    """Return the fault of a key that the administrator chose.

    Args:
        name: the key with its section, as its source writes them.
        allowed: completes the sentence "must be ...".
    """
    return f"{name}: the name must be {allowed}"


def unknown_section(name: str, known: Known) -> str:
    """Return the fault of a table that is no section."""
    near = _nearest(name, known)
    hint = f"did you mean [{near}]?" if near else f"the sections are {_sections(known)}"
    return f"[{shown_name(name)}]: unknown section; {hint}"


def key_outside(name: str, known: Known) -> str:
    """Return the fault of a key that stands before the first section."""
    near = _nearest_option("", name, known)
    hint = f"did you mean {near[0]}.{near[1]}?" if near else f"the sections are {_sections(known)}"
    return f"{shown_name(name)}: unknown key, outside of any section; {hint}"


def unknown_variable(variable: str, prefix: str, known: Known, free: Container[str] = ()) -> str:
    """Return the fault of an environment variable that begins with `prefix`, in any letter case, and is no option.

    Args:
        variable: the variable's name.
        prefix: how the names of all options begin.
        known: the options.
        free: the sections in which an administrator chooses keys.
    """
    name = variable[len(prefix) :].lower()
    options = {f"{section}_{key}": (section, key) for section, keys in known.items() for key in keys}
    section = next((section for section in known if name.startswith(section + "_")), "")
    near = _nearest_option(section, name.removeprefix(section + "_"), known) if section else None
    if section in free and (near is None or near[0] != section):
        return (
            f"{shown_name(variable)}: unknown variable; other keys of [{section}] than its options are set in the file"
        )
    near = near or options.get(_nearest(name, options) or "") or _nearest_option("", name, known)
    if near is not None:
        hint = f"did you mean {prefix}{'_'.join(near).upper()}?"
    else:
        hint = f"names are {prefix}<SECTION>_<KEY>, the sections are {_sections(known)}"
    return f"{shown_name(variable)}: unknown variable; {hint}"


def _nearest_option(section: str, key: str, known: Known) -> tuple[str, str] | None:
    """Return the section and the key that were probably meant: the same key elsewhere, or else a similar key."""
    plain = key.lower().replace("-", "_")
    own = known.get(section, ())
    everywhere = {name: home for home, names in known.items() for name in names}
    if plain in everywhere and plain not in own:
        return everywhere[plain], plain
    if near := _nearest(plain, own):
        return section, near
    if near := _nearest(plain, everywhere):
        return everywhere[near], near
    return None


def _nearest(name: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # needed only for a fault

    plain = name[:SHOWN_CHARACTERS].lower().replace("-", "_")
    return next(iter(get_close_matches(plain, known, n=1)), None)


def _sections(known: Known) -> str:
    return ", ".join(f"[{section}]" for section in known)


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
