"""What a browser loads for a page: its modules with all that they import, its style sheets, and the first answers.

The shell names them, so that a browser asks for all at once. Without that it finds the modules in four rounds, import
after import, and asks its first questions when all of them have run. The modules themselves say what they load. This
file must not know how a file is served.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from winlogd.access.scopes import RULES

_IMPORT: Final = re.compile(rb'^(?:import|export)\b[^;]*?"\./(\w+\.js)";$', re.MULTILINE)
"""A module that is loaded before the one that names it runs (ECMAScript §16.2.2)."""
_SHEET: Final = re.compile(rb'\bsheet\("(\w+\.css)"\)')
"""A style sheet that a page waits for, as `sheet` of `dom.js` loads it."""
_START: Final = "main.js"
_FIRST_ANSWERS: Final = ("/api/v1/me", "/api/v1/snapshot")
"""What the start of every page asks for: `me.js` and `live.js`. None of them makes a row in the readers' log."""
_NOW, _MOMENT = "now", "moment"
_TIMES: Final = re.compile(r"(?:^|&)(?:at|from|to)=[^&]")


def page_of(path: str, query: str) -> str:
    """Return the name of the module that shows an address, as `moduleOf` of `main.js` does."""
    first = path.split("/")[1].replace("-", "_") or _NOW
    return _MOMENT if first == _NOW and _TIMES.search(query) else first


def links(page: str, scope: str, read: Callable[[str], bytes]) -> bytes:
    """Return the lines of the shell that have a browser load what a page needs.

    Args:
        page: as of `page_of`.
        scope: the reader's. A page asks for no answer that the reader may not see.
        read: returns the content of a file.
    """
    modules = sorted(_loaded((_START, f"{page}.js"), read) - {_START})
    sheets = sorted({name for each in modules for name in _named(_SHEET, read(each))})
    answers = (path for path in _FIRST_ANSWERS if scope in RULES[path].scopes)
    lines = (
        *(f'<link rel="preload" href="/web/{name}" as="style">\n' for name in sheets),
        *(f'<link rel="preload" href="{path}" as="fetch" crossorigin>\n' for path in answers),
        *(f'<link rel="modulepreload" href="/web/{name}">\n' for name in modules),
    )
    return "".join(lines).encode("ascii")


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
