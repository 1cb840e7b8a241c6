"""The pages for successors are true: names exist, links have targets, and the table of rooms is complete."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.paths import ROOT
from tests.test_floors import FLOORS

DECISIONS: Final = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES: Final = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "docs" / "architecture.md",
    ROOT / "docs" / "glossary.md",
    *DECISIONS,
]
TEXTS: Final = {str(page.relative_to(ROOT)): page.read_text("utf-8") for page in PAGES}

_NO_PATH_BEFORE: Final = r"(?<![\w./-])"
_FOLDERS: Final = r"(?:winlogd|tests|docs|bench|systemd|packaging|\.ci|\.github)"
_PATH: Final = re.compile(rf"{_NO_PATH_BEFORE}({_FOLDERS}/[\w./-]*\w)(?:::(\w+))?")
_ROOMS: Final = "|".join(room for room in FLOORS if room)
_MODULE: Final = re.compile(rf"{_NO_PATH_BEFORE}((?:{_ROOMS})/\w[\w/]*)")
_LINK: Final = re.compile(r"\]\(([^)]+)\)")
_CALL: Final = re.compile(r"`python -m ((?:tests|bench)[\w.]*)([^`]*)`")

each_page = pytest.mark.parametrize("name", TEXTS)


@each_page
def test_each_path_and_test_that_is_named_is_there(name: str) -> None:
    for path, function in _PATH.findall(TEXTS[name]):
        assert (ROOT / path).exists(), path
        if function:
            assert re.search(rf"^(async )?def {function}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), function


def test_hardly_any_page_names_no_path() -> None:
    named = [path for text in TEXTS.values() for path, _ in _PATH.findall(text)]
    assert len(named) > 60
    assert [name for name, text in TEXTS.items() if not _PATH.search(text)] == ["docs/glossary.md"]


@each_page
def test_each_module_that_is_named_without_its_package_is_there(name: str) -> None:
    for module in _MODULE.findall(TEXTS[name]):
        path = ROOT / "winlogd" / module
        assert path.is_dir() or path.with_suffix(".py").is_file(), module


@each_page
def test_each_link_leads_somewhere(name: str) -> None:
    for target in _LINK.findall(TEXTS[name]):
        file, _, heading = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            assert heading in [each.lower().replace(",", "").replace(" ", "-") for each in headings], target


@each_page
def test_each_command_that_measures_something_has_the_options_that_are_given(name: str) -> None:
    for module, arguments in _CALL.findall(TEXTS[name]):
        path = ROOT / module.replace(".", "/")
        file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        options = re.findall(r"--[a-z-]+", arguments)
        assert [option for option in options if f'"{option}"' not in file.read_text("utf-8")] == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_short_and_has_its_three_parts(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert 15 <= len(lines) <= 25
    assert re.fullmatch(r"# \S.*", lines[0])
    headings = [line for line in lines if line.startswith("## ")]
    assert headings == ["## Context", "## Decision", "## Consequences"]


def test_the_decisions_are_those_that_a_successor_asks_about() -> None:
    assert len(DECISIONS) >= 14


def test_the_table_of_rooms_is_the_one_that_the_imports_keep_to() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| ?(.*) \|$", TEXTS["docs/architecture.md"], re.MULTILINE)
    table = {room: set(below.split(", ")) - {""} for room, below in rows if room in FLOORS}
    assert table == {room: below for room, below in FLOORS.items() if room}


def test_each_word_of_the_glossary_is_explained_once_and_in_a_sentence() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", TEXTS["docs/glossary.md"], re.MULTILINE)
    words = [word for word, _ in rows if word not in ("word", "---")]
    assert len(words) == len(set(words)) > 30
    plain = [word.partition(" (")[0] for word in words]
    assert [word for word in words if plain.count(word) > 1] == []  # a second meaning, and no field in brackets
    assert [word for word, meaning in rows if word in words and not meaning.endswith((".", "`."))] == []
