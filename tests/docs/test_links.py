"""Every link of the pages has an existing target, and README.md links to every page."""

import re

import pytest

from tests.docs.pages import PAGES, TEXTS, anchors, prose
from tests.support.paths import ROOT


def links(page: str) -> list[tuple[str, str]]:
    """Return path and anchor of each link into the repository; the path is empty for the page itself."""
    targets = re.findall(r"\]\(([^)]+)\)", prose(page))
    local = [target for target in targets if not re.match(r"https?://", target)]
    return [(target.partition("#")[0], target.partition("#")[2]) for target in local]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for path, anchor in links(page):
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), path
        assert target.is_relative_to(ROOT), path
        if anchor:
            assert anchor in anchors(str(target.relative_to(ROOT))), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES)
def test_no_two_headings_of_a_page_have_the_same_anchor(page: str) -> None:
    """CHANGELOG.md is exempt: each version has the same headings, and no link leads to them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    assert page == "CHANGELOG.md" or len(headings) == len(anchors(page))


def test_the_readme_leads_to_every_page() -> None:
    """Pages in a folder below docs are exempt: the page of that folder links to them."""
    linked = {path for path, _ in links("README.md")}
    assert {page for page in PAGES if page not in ("README.md", *linked) and page.count("/") < 2} == set()


def test_the_readme_is_short() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= 140
