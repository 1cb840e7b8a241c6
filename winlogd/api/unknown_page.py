"""The page at an address that does not exist: it says so, and leads home. It shows nothing to log in for.

Loaded with the first such address. This file must not know which addresses there are.
"""

from typing import Final
from urllib.parse import parse_qsl

from winlogd.api.login_page import FIELDS_OF_PAGE, HTML, Asked, page
from winlogd.api.login_words import language_of
from winlogd.http.wire.message import Head, Response

_THIS: Final = ""
"""An empty address: a link to it stays at this page (RFC 3986 §4.4). The page never repeats what somebody has typed."""


def unknown_page(head: Head) -> Response:
    """Return the 404 for a person who has opened an address in a browser."""
    language = language_of(head, dict(parse_qsl(head.query)).get("lang", ""))
    asked = Asked(language, _THIS)
    home = f'<p><a href="/">{asked.say("start")}</a></p>'
    content = page(asked, "unknown", f"<p>{asked.say('unknown_help')}</p>{home}")
    return Response(404, content, FIELDS_OF_PAGE, HTML)
