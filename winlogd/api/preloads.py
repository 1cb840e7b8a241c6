"""What a browser loads for a page: its modules with all that they import, its style sheets, and the first answers.

The shell names them, so that a browser asks for all at once. Without that it finds the modules in four rounds, import
after import, and asks its first questions when all of them have run. The modules themselves say what they load. This
file must not know how a file is served.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Final
from urllib.parse import parse_qsl, urlencode

from winlogd.access.scopes import RULES

_IMPORT: Final = re.compile(rb'^(?:import|export)\b[^;]*?"\./(\w+\.js)";$', re.MULTILINE)
"""A module that is loaded before the one that names it runs (ECMAScript §16.2.2)."""
_SHEET: Final = re.compile(rb'\bsheet\("(\w+\.css)"\)')
"""A style sheet that a page waits for, as `sheet` of `dom.js` loads it."""
_START: Final = "main.js"
_FIRST: Final = "first.js"
"""The shell has it run as soon as it is there. See `page.html`."""
_FIRST_ANSWERS: Final = ("/api/v1/me", "/api/v1/snapshot")
"""What the start of every page asks for: `me.js` and `live.js`. None of them makes a row in the readers' log."""
_NOW, _MOMENT = "now", "moment"
_TIMES: Final = re.compile(r"(?:^|&)(?:at|from|to)=[^&]")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
"""A time as the pages write it into their addresses."""
_NAMES: Final = frozenset(("room", "host", "user", "ip", "reader", "cursor"))
"""What an address may have wrong."""


def page_of(path: str, query: str) -> str:
    """Return the name of the module that shows an address, as `moduleOf` of `pages.js` does."""
    first = path.split("/")[1].replace("-", "_") or _NOW
    return _MOMENT if first == _NOW and _TIMES.search(query) else first


def links(page: str, read: Callable[[str], bytes]) -> bytes:
    """Return the lines of the shell that have a browser load the files that a page needs.

    Args:
        page: as of `page_of`.
        read: returns the content of a file.
    """
    modules = sorted(_loaded((_START, f"{page}.js"), read) - {_START, _FIRST})
    sheets = sorted({name for each in modules for name in _named(_SHEET, read(each))})
    lines = (
        *(f'<link rel="stylesheet" href="/web/{name}">\n' for name in sheets),
        *(f'<link rel="modulepreload" href="/web/{name}">\n' for name in modules),
        f'<script type="module" src="/web/{page}.js"></script>\n',
    )
    return "".join(lines).encode("ascii")


def first_questions(scope: str) -> bytes:
    """Return the lines of the shell that ask what every page asks. It asks for nothing that the scope may not see."""
    return b"".join(_line(path, scope, {}) for path in _FIRST_ANSWERS)


def question(page: str, query: str, scope: str) -> bytes:
    """Return the line of the shell that asks a page's own first question; nothing where the page alone asks.

    The page asks the same: `first.js` compares them. It may make a row in the readers' log, as the page's own would. An
    address with a name, or with a time that somebody has typed, may be wrong. The page then says what is wrong with it.

    Args:
        page: as of `page_of`.
        query: of the address, encoded.
        scope: the reader's.
    """
    given = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    day, at = given.get("day", ""), given.get("at", "")
    times = {name: given[name] for name in ("at", "from", "to") if given.get(name)}
    if page == "timeline" and (not day or _DAY.fullmatch(day)):
        return _line("/api/v1/occupancy", scope, {"day": day} if day else {})
    if any(given.get(name) for name in _NAMES) or not all(map(_TIME.fullmatch, times.values())):
        return b""
    if page == "readers_log" and not times:
        return _line("/api/v1/readers/log", scope, {"limit": "100"})
    if page == _MOMENT and "T" in at:
        return _line("/api/v1/moment", scope, {"at": at})
    if page == _MOMENT and times and "at" not in given:
        return _line("/api/v1/sessions", scope, {**times, "limit": "1000"})
    return b""


def _line(path: str, scope: str, parameters: Mapping[str, str]) -> bytes:
    """Return the line that asks a question, for a reader who may ask it."""
    if scope not in RULES[path].scopes:
        return b""
    address = escape(f"{path}?{urlencode(parameters)}" if parameters else path)
    return f'<link rel="preload" href="{address}" as="fetch" crossorigin>\n'.encode("ascii")


def _loaded(names: tuple[str, ...], read: Callable[[str], bytes]) -> set[str]:
    """Return modules and all that they import."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_named(_IMPORT, read(name)))
    return found


def _named(pattern: re.Pattern[bytes], text: bytes) -> Iterator[str]:
    return (each.decode("ascii") for each in pattern.findall(text))
