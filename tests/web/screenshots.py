"""Take a picture of each page with the played school: ``python -m tests.web.screenshots FOLDER``.

Look at each of them as a person who sees it for the first time. With ``docs/pictures readme`` instead of the folder,
it takes those of README.md.
"""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.web.browsing import DESKTOP, TELEPHONE, browsing, chromium
from tests.web.inventories import RICH_HOST, reports
from tests.web.played import HOSTILE, played

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES: Final = {
    "now": ("/", ".room"),
    "now-rooms": ("/?open=A101&open=A103", ".machine"),
    "now-dense": ("/?open=A101&open=A103&view=dense", ".machine"),
    "now-doubtful": ("/?state=doubtful", ".machine"),
    "machine": (f"/machine/{RICH_HOST}", ".groups"),
    "user": (f"/user/{quote(HOSTILE)}", ".list"),
    "ghosts": ("/ghosts", ".list"),
    "hardware": ("/hardware?q=core", ".list"),
    "moment": ("/?at=2026-01-12T10:20&open=A101", ".machine"),
    "moment-doubtful": ("/?at=2026-01-13T09:57&state=doubtful", ".moment-banner"),
    "moment-future": ("/?at=2026-01-20T10:00", ".moment-banner"),
    "span": ("/?from=2026-01-12T10:00&to=2026-01-12T10:30&room=A101", ".machine"),
    "trends": ("/trends", ".few"),
    "trends-table": ("/trends?view=table&days=7&room=A101", ".counted"),
    "wall": ("/wall", ".wall li"),
    "readers-log": ("/readers-log", ".looks tbody tr"),
    "timeline": ("/timeline?day=2026-01-12", "canvas"),
    "timeline-room": ("/timeline?day=2026-01-12&open=A101", ".tl-hosts li"),
    "timeline-today": ("/timeline?open=A101&open=A103&hours=08:00-12:00", ".tl-hosts li"),
    "timeline-table": ("/timeline?day=2026-01-12&room=A101&view=table", "td"),
}
"""The address of each picture, and what has to be there before it is taken."""
TYPED: Final = {"box": "A102 hier 10:15", "box-part": "a1", "box-nothing": "zzzz"}
"""What is typed into the box for a picture of what it says."""
OF_README: Final = {
    "now": ("/?open=", ".machine", 640),
    "moment": ("/?at=2026-01-12T10:20&open=A101", ".machine", 720),
}
"""The pictures of README.md. The number is the height, in pixels."""
SIZES: Final = {"desktop": DESKTOP, "telephone": TELEPHONE}


def take(browser: "Browser", port: int, folder: Path) -> None:
    """Take all pictures: light in English, dark in French."""
    for scheme, locale in (("light", "en-GB"), ("dark", "fr-FR")):
        for size, viewport in SIZES.items():
            with browsing(browser, port, color_scheme=scheme, locale=locale, viewport=viewport) as page:
                for name, (address, wanted) in PAGES.items():
                    page.goto(address)
                    page.wait_for_selector(wanted)
                    page.screenshot(path=folder / f"{name}-{scheme}-{size}.png")
                for name, text in TYPED.items():
                    page.goto("/")
                    page.wait_for_selector(".room")
                    page.fill("#box input", text)
                    page.wait_for_selector("#found:not([hidden])")
                    page.screenshot(path=folder / f"{name}-{scheme}-{size}.png")


def take_for_readme(browser: "Browser", port: int, folder: Path) -> None:
    """Take the pictures of README.md: light, in English."""
    for name, (address, wanted, height) in OF_README.items():
        with browsing(browser, port, viewport={"width": DESKTOP["width"], "height": height}) as page:
            page.goto(address)
            page.wait_for_selector(wanted)
            page.evaluate("document.activeElement.blur()")
            page.screenshot(path=folder / f"{name}.png")


def main() -> None:
    """Start the school and the browser, and take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", nargs="?", choices=("all", "readme"), default="all")
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, played(Path(home), more=reports()) as server, chromium() as browser:
        (take_for_readme if options.what == "readme" else take)(browser, server.port, folder)
    print(*sorted(each.name for each in folder.iterdir()), sep="\n")


if __name__ == "__main__":
    main()
