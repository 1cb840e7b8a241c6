"""The package keeps the promises of README.md's first command, of pyproject.toml, and of the CI's script.

The tests run the commands unchanged in a new environment. Variables of pip keep it from using the network. The packages
that it would fetch come from the environment that runs the tests.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import TEXTS, block
from tests.support.paths import ROOT
from tests.support.running import wait_for
from winlogd import VERSION

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
PATIENCE_S: Final = 120.0
SETUPTOOLS: Final = 77
"""The first version of setuptools that understands `license` in pyproject.toml."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy the files of a clone that a build needs into a folder of their own."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "winlogd", folder / "winlogd", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "config.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return environment variables with which `python3` is this Python and pip needs no network."""
    programs, lent = tmp_path / "programs", tmp_path / "lent"
    programs.mkdir()
    python = programs / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    _lend(lent, "uvloop", "orjson", "apsw")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
    own = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(lent), "WINLOGD_SERVER_PORT": "0"}
    pip = {"PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if _has_setuptools():
        _lend(lent, "setuptools")
        pip |= {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}  # sic: 0 turns isolation off
    return kept | own | pip


def _has_setuptools() -> bool:
    """Return True if the installed setuptools can build the package. Otherwise pip fetches one, as for every user."""
    try:
        return int(metadata.version("setuptools").partition(".")[0]) >= SETUPTOOLS
    except metadata.PackageNotFoundError:
        return False


def _lend(folder: Path, *distributions: str) -> None:
    """Make these installed distributions importable from `folder`, and no others."""
    folder.mkdir(exist_ok=True)
    for name in distributions:
        files = metadata.files(name) or []
        for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
            (folder / top).symlink_to(str(metadata.distribution(name).locate_file(top)))


@pytest.mark.long
def test_the_first_command_installs_and_serves(clone: Path, environ: dict[str, str]) -> None:
    install, _, serve = block("python3 -m venv .venv && .venv/bin/pip install . ").text.strip().rpartition(" && ")
    installed = subprocess.run(install, shell=True, cwd=clone, env=environ, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert _output([".venv/bin/winlogd", "--version"], clone, environ) == f"winlogd {VERSION}\n"
    _has_what_the_package_promises(clone, environ)

    log = clone / "log"
    with log.open("wb") as stream:
        server = subprocess.Popen([serve], cwd=clone, env=environ, stderr=stream)
    try:
        wait_for(lambda: "database opened" in log.read_text(), "the database", server)
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE_S) == 0
    finally:
        server.kill()
    assert (clone / "data" / "winlog.db").exists()


def _has_what_the_package_promises(clone: Path, environ: dict[str, str]) -> None:
    """Assert that the licence and the marker for type checkers are installed, and that no tests are."""
    show = ["-m", "pip", "show", "--files", "winlogd"]
    files = _output([".venv/bin/python", *show], clone, environ).split()
    assert "winlogd/py.typed" in files
    pages = {f"winlogd/web/{each.name}" for each in (ROOT / "winlogd" / "web").iterdir() if each.is_file()}
    assert len(pages) > 30
    assert pages - set(files) == set()
    assert [file for file in files if file.endswith("licenses/LICENSE")]
    assert [file for file in files if file.startswith("tests")] == []


def _output(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout


@pytest.mark.long
def test_a_module_that_was_removed_is_not_installed_again(clone: Path, environ: dict[str, str]) -> None:
    """Files of earlier builds in build/ are not installed, not even those of a killed build."""
    removed = clone / "winlogd" / "removed"
    removed.mkdir()
    for name in ("__init__.py", "module.py"):
        (removed / name).write_text('"""Here for a while."""\n')
    assert "winlogd/removed/module.py" in _installed(clone, "first", environ)
    shutil.rmtree(removed)
    killed = clone / "build" / "bdist.linux-x86_64" / "wheel" / "winlogd"
    killed.mkdir(parents=True)
    (killed / "half.py").write_text("")

    files = _installed(clone, "second", environ)
    assert "winlogd/cli.py" in files
    assert [file for file in files if "removed" in file or "half" in file] == []


@pytest.mark.long
def test_what_somebody_keeps_beside_the_build_stays(clone: Path, environ: dict[str, str]) -> None:
    (clone / "build").mkdir()
    (clone / "build" / "notes").write_text("mine")
    _installed(clone, "first", environ)
    assert (clone / "build" / "notes").read_text() == "mine"


def _installed(clone: Path, target: str, environ: dict[str, str]) -> list[str]:
    """Return the files that ``pip install .`` installs into a new folder."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", target, "."]
    ended = subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return sorted(str(file.relative_to(clone / target)) for file in (clone / target).rglob("*") if file.is_file())


def test_the_command_and_the_version_are_the_packages_own() -> None:
    assert PROJECT["project"]["scripts"] == {"winlogd": "winlogd.cli:main"}
    assert PROJECT["project"]["version"] == VERSION


def test_it_depends_on_the_three_packages_that_the_text_names_and_on_no_other() -> None:
    dependencies = PROJECT["project"]["dependencies"]
    assert all(re.fullmatch(r"[a-z]+>=[0-9.]+", each) for each in dependencies)
    names = [each.partition(">=")[0] for each in dependencies]
    assert names == ["uvloop", "orjson", "apsw"]
    assert [name for name in names if name not in TEXTS["README.md"].rpartition("Three packages are needed:")[2]] == []


def test_the_text_names_the_oldest_python() -> None:
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert "Python 3.11 or newer" in TEXTS["README.md"]


def test_the_changelog_tells_of_this_version() -> None:
    heading = "Unreleased" if ".dev" in VERSION else VERSION
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[{re.escape(heading)}\]", changelog, re.MULTILINE)
    kinds = set(re.findall(r"^### (\w+)", changelog, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert (ROOT / "LICENSE").read_text().startswith(f"{PROJECT['project']['license']} License\n")


def test_the_picture_is_small_and_whole() -> None:
    picture = ROOT / "docs" / "overview.svg"
    assert picture.stat().st_size < 10_000
    assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_the_pictures_of_the_dashboard_are_small_and_shown() -> None:
    pictures = sorted((ROOT / "docs" / "pictures").iterdir())
    assert [each.name for each in pictures] == ["moment.png", "now.png"]
    for each in pictures:
        assert each.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert each.stat().st_size < 150_000
        assert f"](docs/pictures/{each.name})" in TEXTS["README.md"]


def test_ci_runs_what_the_text_says_and_the_tests_last() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    lines = [line for line in script.read_text().splitlines() if line and not line.startswith("#")]
    assert "set -euo pipefail" in lines
    assert "-e '.[test]'" in block("python3 -m venv .venv && .venv/bin/pip install -e").text
    assert [line for line in lines if line.endswith("-e '.[test]' --group dev --group bench --group fuzz")]
    assert [line for line in lines if "pip" in line and "--group api " in line]
    assert [line for line in lines if line.startswith('"$bin/python" -m bench --quick')]
    assert '"$bin/python" -m tests.chaos --minutes 1' in lines
    assert '"$bin/python" -m tests.fuzz --seconds 60 --at-once 2' in lines
    assert lines[-6:] == [
        """HYPOTHESIS_PROFILE=random "$bin/pytest" -m 'hypothesis and not long'""",
        """"$bin/pytest" -m 'long and not alone' -n 2 --dist loadfile""",
        '"$bin/pytest" -m alone -n 0',
        'python3 -m venv "$workspace/readme"',
        """"$workspace/readme/bin/pip" install -q --disable-pip-version-check -e '.[test]'""",
        '"$workspace/readme/bin/pytest"',
    ]


def test_every_package_has_a_lower_bound_and_no_upper_one() -> None:
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    lists = [project["dependencies"], *project["optional-dependencies"].values(), *groups.values()]
    packages = [package for each in (*lists, PROJECT["build-system"]["requires"]) for package in each]
    assert len(packages) > 15
    assert [package for package in packages if not re.fullmatch(r"[a-z0-9-]+>=[0-9.]+", package)] == []


def test_the_public_ci_runs_what_the_own_one_runs_on_every_python_that_is_promised() -> None:
    public = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    [pythons] = re.findall(r"python: \[(.*)\]", public)
    assert pythons == '"3.11", "3.12", "3.13", "3.14"'
    own = (ROOT / ".ci" / "run").read_text().replace('"$bin/', "").replace('"', "")
    lint = ["ruff check .", "ruff format --check .", "mypy --strict"]
    long = ["pytest -m 'long and not alone' -n 2 --dist loadfile", "pytest -m alone -n 0"]
    tests = ["pytest", "pytest -m 'hypothesis and not long'", *long]
    commands = re.findall(r"^ +- run: ([a-z].*)$", public, re.MULTILINE)
    assert [command for command in commands if not command.startswith("pip ")] == lint + tests
    assert [command for command in lint + tests if not re.search(rf"{re.escape(command)}$", own, re.MULTILINE)] == []
    [programs] = re.findall(r"^programs=\((.*)\)$", own, re.MULTILINE)
    assert [each for each in programs.split() if f" {each.partition('=')[2]}" not in public] == []


def test_both_cis_have_what_the_tests_of_the_pages_need_before_the_tests() -> None:
    own, public = ((ROOT / path).read_text() for path in (".ci/run", ".github/workflows/test.yml"))
    for script, what in ((own, 'npm install --prefix "$workspace"'), (public, "npm install --prefix tests/web")):
        browser = re.search(r"pip.* install .*--group browser$", script, re.MULTILINE)
        tests = re.search(r"pytest\"? -m 'long", script)
        assert browser
        assert tests
        assert "chromium" in script[: tests.start()]
        assert browser.start() < tests.start()
        assert 0 < script.find(what) < tests.start()
    assert "export PAGES_NODE_MODULES=$workspace/node_modules" in own


def test_both_cis_have_what_compares_the_server_with_its_description_before_the_tests() -> None:
    for path in (".ci/run", ".github/workflows/test.yml"):
        script = (ROOT / path).read_text()
        api = re.search(r"^[^#\n]*pip\"? install .*--group api\b", script, re.MULTILINE)
        tests = re.search(r"pytest\"? -m 'long", script)
        assert api
        assert tests
        assert api.start() < tests.start()


def test_the_hooks_before_a_commit_are_what_ci_runs_first() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"^ +entry: (.+)$", hooks, re.MULTILINE) == ["ruff check", "ruff format", "mypy --strict"]
    assert re.findall(r"^  - repo: (.+)$", hooks, re.MULTILINE) == ["local"]


def test_the_packages_that_the_debian_package_brings_along_are_new_enough_and_have_checksums() -> None:
    text = (ROOT / "packaging" / "bundled.txt").read_text().replace("\\\n", "")
    bundled = dict(re.findall(r"^(\w+)==(\S+)(?: +--hash=sha256:[0-9a-f]{64})+$", text, re.MULTILINE))
    needed = dict(each.split(">=") for each in PROJECT["project"]["dependencies"])
    assert set(bundled) == set(needed)
    assert [name for name in needed if _parts(bundled[name]) < _parts(needed[name])] == []


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
