"""A real Chromium for tests: it complains of each word in the console, and of each request to another host."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

DESKTOP: Final = {"width": 1280, "height": 800}
TELEPHONE: Final = {"width": 390, "height": 844}


class Complaints(list[str]):
    """What a page must not do: write to the console, throw, or ask another host."""

    def watch(self, context: "BrowserContext", origin: str) -> None:
        """Note the complaints of all pages of a context whose server is at `origin`."""
        context.on("console", lambda message: self._hear(message.text, message.location["url"]))
        context.on("weberror", lambda error: self.append(f"error: {error.error}"))
        context.on("request", lambda request: self._look_at(request.url, origin))

    def _hear(self, text: str, url: str) -> None:
        """Note a line of the console.

        Chromium loads the icon at some time after the page. If the test has stopped the server by then, that is not the
        page's fault.
        """
        if not (url.endswith("/web/icon.svg") and "net::ERR_CONNECTION" in text):
            self.append(f"console: {text} at {url}")

    def _look_at(self, url: str, origin: str) -> None:
        if not url.startswith((f"{origin}/", f"blob:{origin}/", "data:")):
            self.append(f"request: {url}")


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start Chromium. Skip the test, and say what is missing, where it is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install --group browser")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Debian's package chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def browsing(
    browser: "Browser",
    port: int,
    *,
    fails: tuple[int, ...] = (),
    **options: Any,  # noqa: ANN401  # of new_context
) -> Iterator["Page"]:
    """Open a page of a server in a new profile. Fail at the end if there was a complaint.

    Args:
        browser: as of `chromium`.
        port: the server's.
        fails: the statuses of answers that the test provokes. Chromium writes a line for each to the console.
        options: of the profile, such as ``color_scheme="dark"`` or ``locale="fr-FR"``.
    """
    origin = f"http://127.0.0.1:{port}"
    complaints = Complaints()
    settings: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-GB", "base_url": origin, **options}
    context = browser.new_context(**settings)
    complaints.watch(context, origin)
    try:
        yield context.new_page()
        expected = tuple(f"status of {status} " for status in fails)
        left = [each for each in complaints if not any(text in each for text in expected)]
        assert not left, f"the page complained: {left}"
    finally:
        context.close()
