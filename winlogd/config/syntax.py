"""Guess what is meant where a file is not valid TOML: mostly a text without its quotes.

tomllib reports the place, not what an administrator forgot. Loaded only if a file is not valid TOML. A hint never shows
a value: it may be a secret.
"""

import re
from typing import Final

from winlogd.config.messages import shown_name
from winlogd.config.sections import SECTIONS

_PLACE: Final = re.compile(r"at line (\d+)")

_OPEN_TEXTS: Final = ("Unterminated string", 'Expected "\'"')
"""How tomllib's messages begin if a text goes on to the end of the file: they report no useful place."""

_HALF_A_QUOTE: Final = "; a quote is missing: a text stands between two of them"


def hint(text: str, message: str) -> str:
    """Return the end of a fault, which begins with "; ", or an empty text if there is no hint.

    Args:
        text: the file's text.
        message: tomllib's message about the text.
    """
    if "overwrite" in message or "twice" in message:
        return "; is it there twice?"
    if message.startswith(_OPEN_TEXTS):
        return _HALF_A_QUOTE
    place = _PLACE.search(message)
    if place is None:
        return ""
    line = text.split("\n")[int(place[1]) - 1].partition(" #")[0]
    key, equals, value = (part.strip() for part in line.partition("="))
    if equals and value and not key.startswith("[") and _needs_quotes(key):
        return '; a name with spaces, accents or other signs stands in quotes, such as "Room 3"'
    if not equals:
        return "" if message.startswith("Expected '='") or key.startswith("[") else _hint_at_item(key)
    return _hint_at_value(key, value)


def _needs_quotes(key: str) -> bool:
    """Return True if a name is no bare key of TOML, and not in quotes either."""
    if '"' in key or "'" in key:
        return False
    return not (key.isascii() and key.replace("_", "").replace("-", "").replace(".", "").isalnum())


def _hint_at_value(key: str, value: str) -> str:
    defaults = {key: default for options in SECTIONS.values() for key, default in options.defaults().items()}
    default = defaults.get(key, "")
    if isinstance(default, bool):
        return "; write true or false, in small letters and without quotes"
    if isinstance(default, int | float) or not value:
        return ""
    if _has_half_a_quote(value):
        return _HALF_A_QUOTE
    if '"' in value or "'" in value:
        return ""
    if isinstance(default, tuple) or value.startswith("["):
        return f'; a list stands in brackets and each text of it in quotes: {shown_name(key)} = ["...", "..."]'
    return f'; a text stands in quotes: {shown_name(key)} = "..."'


def _hint_at_item(item: str) -> str:
    """Return the hint for a line that holds one item of a list."""
    if _has_half_a_quote(item):
        return _HALF_A_QUOTE
    return '; each text of a list stands in quotes: "..."' if item and '"' not in item and "'" not in item else ""


def _has_half_a_quote(value: str) -> bool:
    return value.count('"') % 2 == 1 or ('"' not in value and value.count("'") % 2 == 1)
