"""What a browser loads for a page: its modules with all that they import, its style sheets, and the first answers.

The shell names them, so that a browser asks for all at once. Without that it finds the modules in four rounds, import
after import, and asks its first questions when all of them have run. The modules themselves say what they load. This
file must not know how a file is served.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from html import escape
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

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
_COUNT: Final = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_FILTERS: Final = ("room", "host", "user", "ip")
_OCCUPANCY: Final = "/api/v1/occupancy"
_SESSIONS: Final = "/api/v1/sessions"
_MOMENT_AT: Final = "/api/v1/moment"
_STATS: Final = "/api/v1/stats"
_READERS_LOG: Final = "/api/v1/readers/log"
_OF_NAMES: Final = {"machine": "/api/v1/machines/{hostname}", "user": "/api/v1/users/{username}"}
"""The pages of something that has a name, the last part of the path, and the route of what they ask."""
_NOT_ENCODED: Final = "!~*'()"
"""What `encodeURIComponent` leaves as it is, besides what `quote` does (ECMAScript §19.2.6.4)."""
_MOST: Final = "1000"
"""The rows of a list that the pages ask for."""
_USUAL_DAYS: Final = "28"

Given = Mapping[str, str]
"""The parameters of an address. Of those that come twice, the first counts."""
Question = tuple[str, Mapping[str, str]]
"""The path of a route, and the parameters. Those that are empty are not given."""


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


def questions(page: str, path: str, query: str, scope: str, today: date) -> bytes:
    """Return the lines of the shell that ask a page's own first questions; nothing where the page alone asks.

    The page asks the same: `first.js` compares them. They may make rows in the readers' log, as the page's own would. A
    time that somebody has typed may be wrong: the page then says what is wrong with it. A name may be unknown, and the
    page says so. Only the question about an unfolded room may be in vain: the page asks none about an unknown room.

    Args:
        page: as of `page_of`.
        path: of the address, encoded.
        query: of the address, encoded.
        scope: the reader's.
        today: the server's date.
    """
    given = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    if page in _OF_NAMES:
        name = quote(unquote(path.split("/")[2]), safe=_NOT_ENCODED)
        return _line(_OF_NAMES[page], scope, {}, name)
    asked = _ASKED[page](given, today) if page in _ASKED else ()
    return b"".join(_line(route, scope, parameters) for route, parameters in asked)


def _of_timeline(given: Given, today: date) -> Iterator[Question]:
    """Yield the day, and the sessions of the first room that is unfolded."""
    day = given.get("day", "")
    if day and not _DAY.fullmatch(day):
        return
    yield _OCCUPANCY, {"day": day}
    if "open" in given and "room" not in given:
        shown = day or today.isoformat()
        yield _SESSIONS, {"room": given["open"], "from": shown, "to": shown, "limit": _MOST}


def _of_moment(given: Given, today: date) -> Iterator[Question]:
    """Yield the moment, or the sessions of a span."""
    times = {name: given[name] for name in ("at", "from", "to") if given.get(name)}
    names = {name: given.get(name, "") for name in _FILTERS}
    if not all(map(_TIME.fullmatch, times.values())):
        return
    if "T" in times.get("at", ""):
        yield _MOMENT_AT, {"at": times["at"], **names}
    elif times and "at" not in given:
        yield _SESSIONS, {**times, **names, "limit": _MOST}


def _of_trends(given: Given, today: date) -> Iterator[Question]:
    """Yield the three counts of the last days. The page alone asks for a span that somebody has chosen."""
    last = today.isoformat()
    days, day, room = given.get("days", _USUAL_DAYS), given.get("day", last), given.get("room", "")
    if given.keys() & {"from", "to"} or not _COUNT.fullmatch(days) or not _DAY.fullmatch(day):
        return
    first = (today - timedelta(days=int(days) - 1)).isoformat()
    yield _STATS, {"by": "hour", "from": day, "to": day, "room": room}
    yield _STATS, {"by": "weekday_hour", "from": first, "to": last, "room": room}
    yield _STATS, {"by": "day", "from": first, "to": last, "room": room}


def _of_ghosts(given: Given, today: date) -> Iterator[Question]:
    """Yield the sessions that may be over, and those that have ended in a way that nobody knows."""
    yield _SESSIONS, {"state": "doubtful", "limit": _MOST}
    yield _SESSIONS, {"ended_by": "auto,expired", "from": "yesterday", "limit": _MOST}


def _of_readers_log(given: Given, today: date) -> Iterator[Question]:
    """Yield the newest rows. The page alone asks for some of them."""
    if not any(given.get(name) for name in ("reader", "cursor", "from", "to")):
        yield _READERS_LOG, {"limit": "100"}


_ASKED: Final[Mapping[str, Callable[[Given, date], Iterable[Question]]]] = {
    "timeline": _of_timeline,
    _MOMENT: _of_moment,
    "trends": _of_trends,
    "ghosts": _of_ghosts,
    "readers_log": _of_readers_log,
}
"""What a page asks first: by its name, from its address and the server's date."""


def _line(route: str, scope: str, parameters: Mapping[str, str], name: str = "") -> bytes:
    """Return the line that asks a question, for a reader who may ask it. A parameter that is empty is left out.

    Args:
        route: the path of the route. If it ends with a parameter, `name` is that.
        scope: the reader's.
        parameters: those of the query.
        name: encoded.
    """
    if scope not in RULES[route].scopes:
        return b""
    text = urlencode({key: value for key, value in parameters.items() if value})
    path = f"{route.partition('{')[0]}{name}"
    address = escape(f"{path}?{text}" if text else path)
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
