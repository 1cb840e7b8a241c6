"""The pages for people: one shell at each address, and the files that it loads, from the package `winlogd.web`.

They are read with the first request. A browser runs nothing but these files: the content security policy says so. This
file must not know what a page shows.
"""

import re
import time
from collections.abc import Callable
from datetime import tzinfo
from functools import cache
from importlib.resources import files
from typing import Final

from winlogd.access.guard import PageHandler, Visit
from winlogd.api.preloads import first_questions, links, page_of, questions
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.files import File, answer, make_file
from winlogd.http.wire.message import Head, Response
from winlogd.sessions.moments import local_time
from winlogd.sessions.session import US

_FOLDER: Final = files("winlogd.web")
_SHELL: Final = "page.html"
_FIRST: Final = b'<script type="module" src="/web/first.js" async></script>\n'
"""The line of the shell after which it names what its page loads. Before it stand the questions that it reads."""
_MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
"""The files that are served, by the end of their names."""
_COMMENTED: Final = ("js", "css")
_FOR_READERS: Final = re.compile(
    rb"^\n|^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n|^[ \t]+|/\*\* @type \{[^}\n]*\} \*/ ?", re.MULTILINE
)
"""No module has a text of more than one line, in which such a line would not be a comment (`tests/api/test_pages`)."""
_GOES_ON: Final = re.compile(rb"^((?:(?!//).)*[{(\[,;])\n|^((?:(?!//).)+)\n(?=[})\]])", re.MULTILINE)
"""A line after which the next one may stand on the same line. It has no comment at its end."""
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types winlogd",
    )
)
"""Content Security Policy Level 3, and Trusted Types. The only policy that a page may make names the worker's file."""
SAFE: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""The fields of each answer that a browser shows or runs."""
_OF_PAGES: Final = (("Cache-Control", "no-store"), *SAFE)
_OF_FILES: Final = (("Cache-Control", "no-cache"), *SAFE)
_NOT_FOUND: Final = Response(404, b'{"error":"Not found"}')


def page_for(head: Head, zone: Callable[[], tzinfo | None]) -> PageHandler:
    """Return the handler of requests for a page: a shell that reads its own address, and names what its page loads.

    Args:
        head: the request.
        zone: returns the time zone of the site; None for the system's own.
    """
    page = page_of(head.path, head.query)

    def respond(exchange: Exchange, body: bytes, visit: Visit) -> None:
        shell = _shell(page, visit.reader.scope)
        today = local_time(int(time.time() * US), zone()).date()
        asked = questions(page, head.path, head.query, visit.reader.scope, today)
        if asked:
            shell = make_file(shell.content.replace(_FIRST, asked + _FIRST), shell.media_type)
        exchange.respond(answer(shell, head, (*_OF_PAGES, *visit.fields)))

    return respond


def file_for(head: Head) -> Handler:
    """Return the handler of requests for a file that a page loads."""
    name = head.path_parameters["name"]

    def respond(exchange: Exchange, body: bytes) -> None:
        is_known = name != _SHELL and name in _names()
        exchange.respond(answer(_file(name), head, _OF_FILES) if is_known else _NOT_FOUND)

    return respond


@cache
def _shell(page: str, scope: str) -> File:
    content = _read(_SHELL).replace(_FIRST, first_questions(scope) + _FIRST + links(page, _read))
    return make_file(content, _MEDIA_TYPES[_ending(_SHELL)])


@cache
def _names() -> frozenset[str]:
    return frozenset(each.name for each in _FOLDER.iterdir() if _ending(each.name) in _MEDIA_TYPES)


@cache
def _file(name: str) -> File:
    """Return one of the files. It is read, and compressed, once. That takes about a millisecond."""
    ending = _ending(name)
    octets = _read(name)
    return make_file(sent(octets) if ending in _COMMENTED else octets, _MEDIA_TYPES[ending])


def _read(name: str) -> bytes:
    return _FOLDER.joinpath(name).read_bytes()


def sent(octets: bytes) -> bytes:
    """Return a module or a style sheet as a browser gets it: without comments on lines of their own, types and indents.

    They are for those who read the source. Without them all files together are 100 kB instead of 128 kB, compressed.
    """
    return _GOES_ON.sub(rb"\1\2", _FOR_READERS.sub(b"", octets))


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
