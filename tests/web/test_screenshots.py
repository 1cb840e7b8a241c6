"""Pictures of all pages, in both schemes and sizes: to look at, in the folder that PAGES_ARTEFACTS names."""

import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.web.inventories import reports
from tests.web.played import played
from tests.web.screenshots import PAGES, SIZES, TYPED, take

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.long]

FEWEST_LINES: Final = 30
"""A page with anything on it has more lines that differ. A blank one has two at most."""


def lines_of(picture: bytes) -> set[bytes]:
    """Return the different lines of a PNG, as it has them: each as what it adds to the one above or to its left."""
    width, height = struct.unpack(">II", picture[16:24])
    data, at = b"", 8
    while at < len(picture):
        length, kind = struct.unpack(">I4s", picture[at : at + 8])
        data += picture[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    pixels = zlib.decompress(data)
    assert len(pixels) % height == 0
    assert len(pixels) // height > width
    size = len(pixels) // height
    return {pixels[line * size : (line + 1) * size] for line in range(height)}


def test_each_page_is_pictured_in_both_schemes_and_sizes(browser: "Browser", tmp_path: Path) -> None:
    folder = Path(os.environ.get("PAGES_ARTEFACTS") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    home = tmp_path / "home"
    home.mkdir()
    with played(home, more=reports()) as server:
        take(browser, server.port, folder)
    names = {f"{page}-{scheme}-{size}" for page in (*PAGES, *TYPED) for scheme in ("light", "dark") for size in SIZES}
    blank = {name for name in names if len(lines_of((folder / f"{name}.png").read_bytes())) < FEWEST_LINES}
    assert blank == set()
    for name in sorted(each for each in names if "-light-" in each):
        dark = folder / f"{name.replace('-light-', '-dark-')}.png"
        assert dark.read_bytes() != (folder / f"{name}.png").read_bytes(), name


def test_a_blank_picture_would_be_found(browser: "Browser") -> None:
    page = browser.new_page()
    assert len(lines_of(page.screenshot())) < FEWEST_LINES
    page.close()
