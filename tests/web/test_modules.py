"""The pages' modules are well typed and well formed: the type checker and the linter of tests/web/package.json."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.paths import NO_NODE_MODULES, NODE_MODULES, ROOT

HERE: Final = ROOT / "tests" / "web"
PROGRAMS: Final = NODE_MODULES / ".bin"
WEB: Final = ROOT / "winlogd" / "web"
MODULES: Final = sorted(WEB.glob("*.js"))

needs_programs = pytest.mark.skipif(
    not (PROGRAMS / "tsc").exists() or not (PROGRAMS / "biome").exists(),
    reason=NO_NODE_MODULES,
)


def run(*command: str) -> None:
    """Run a program of node_modules, which has to find no fault."""
    ended = subprocess.run([PROGRAMS / command[0], *command[1:]], cwd=HERE, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.long
@needs_programs
def test_the_types_are_right() -> None:
    run("tsc", "--project", ".")


@pytest.mark.long
@needs_programs
def test_a_wrong_type_would_be_found(tmp_path: Path) -> None:
    """The checker reads the modules, and is strict."""
    options = json.loads((HERE / "tsconfig.json").read_text())
    (tmp_path / "wrong.js").write_text("/** @param {string} a */\nexport const f = (a) => a * 2;\n")
    options["include"] = ["wrong.js"]
    (tmp_path / "tsconfig.json").write_text(json.dumps(options))
    with pytest.raises(AssertionError, match="TS2362"):
        run("tsc", "--project", str(tmp_path))


@pytest.mark.long
@needs_programs
def test_the_linter_and_the_formatter_find_nothing() -> None:
    run("biome", "check", "--error-on-warnings", "--config-path=.", str(WEB))


def test_the_programs_have_exact_versions_and_no_lock_file() -> None:
    packages = json.loads((HERE / "package.json").read_text())["devDependencies"]
    assert all(version.replace(".", "").isdigit() for version in packages.values())
    tracked = subprocess.run(["git", "ls-files", HERE], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert "package-lock" not in tracked


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_makes_no_markup_and_names_no_other_server(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("// "), "the first line says what the module is for"
    words = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", 'style="')
    assert [word for word in words if word in text] == []
    assert "https://" not in text.replace("http://www.w3.org/", "")
    assert len(text.splitlines()) <= 420
