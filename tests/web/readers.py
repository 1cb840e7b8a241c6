"""Readers of the played school, and browsers that are logged in as one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.readers import add_reader
from tests.support.running import Winlogd
from tests.web.browsing import browsing
from tests.web.played import HOSTILE, played

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Place(NamedTuple):
    """A server of the played school, and the token of a reader of each scope."""

    server: Winlogd
    tokens: dict[str, str]


@contextmanager
def with_readers(folder: Path) -> Iterator[Place]:
    """Run a server with a reader of each scope. The one that sees all has a name that is markup."""
    with played(folder, machines=40) as server:
        server.wait_until_it_obeys()
        names = {"all": HOSTILE, "now": "desk", "wall": "corridor", "audit": "auditor"}
        yield Place(server, {scope: add_reader(folder, name, "--scope", scope) for scope, name in names.items()})


@contextmanager
def logged_in(
    browser: "Browser",
    place: Place,
    scope: str,
    address: str = "/",
    **options: Any,  # noqa: ANN401  # of new_context
) -> Iterator["Page"]:
    """Open an address in a new profile, and log in as the reader of a scope."""
    with browsing(browser, place.server.port, **options) as page:
        page.goto(address)
        page.wait_for_url("**/login?next=**")
        page.fill("#token", place.tokens[scope])
        page.keyboard.press("Enter")
        page.wait_for_selector("#reader", state="attached")  # a wall hides it
        yield page
