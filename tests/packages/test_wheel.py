"""packaging/build-wheel builds a whole wheel and a whole sdist, and the same octets from the same sources."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import block
from tests.packages.building import EPOCH, built, by_the_page, copied, disturbed
from tests.support.paths import ROOT
from winlogd import VERSION

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist and the wheel of the sources."""
    folder = tmp_path_factory.mktemp("packages")
    sdist, wheel = built(copied(folder / "sources"), "build-wheel", folder / "dist")
    return sdist, wheel


def test_another_folder_umask_and_other_times_give_the_same_octets(packages: tuple[Path, Path], tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        again = built(disturbed(copied(tmp_path / "elsewhere")), "build-wheel", tmp_path / "dist")
    finally:
        os.umask(before)
    assert [each.name for each in again] == [each.name for each in packages]
    assert [each.read_bytes() for each in again] == [each.read_bytes() for each in packages]


def test_the_wheel_holds_all_files_of_winlogd_and_nothing_else(packages: tuple[Path, Path]) -> None:
    _, wheel = packages
    assert wheel.name == f"winlogd-{VERSION}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "winlogd").rglob("*") if path.is_file()}
    expected = {name for name in files if "__pycache__" not in name}
    assert {"winlogd/py.typed", "winlogd/api/openapi.yaml", "winlogd/web/page.html"} <= expected
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert f"winlogd-{VERSION}.dist-info/licenses/LICENSE" in names


def test_the_sdist_holds_what_builds_and_installs_and_no_tests(packages: tuple[Path, Path]) -> None:
    sdist, _ = packages
    with tarfile.open(sdist) as archive:
        members = {member.name.partition("/")[2]: member for member in archive if member.isfile()}
    needed = ("config.toml", "LICENSE", "setup.py", "systemd/winlogd.service", "docs/install.md", "winlogd/py.typed")
    assert [name for name in needed if name not in members] == []
    assert members["packaging/build-wheel"].mode == 0o755
    assert {member.mtime for member in members.values()} == {int(EPOCH)}
    assert [name for name in members if name.startswith(("tests/", "bench/", ".")) or name.endswith(".pyc")] == []


def test_the_wheel_that_the_page_builds_is_installed_by_pip(tmp_path: Path) -> None:
    sources = copied(tmp_path / "sources")
    python = sources / ".venv" / "bin" / "python"
    build = block("PYTHON=.venv/bin/python packaging/build-wheel").text
    _, wheel = by_the_page(build, sources, python)
    target = tmp_path / "installed"
    options = ("-q", "--no-deps", "--no-index", "--target", str(target))
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    environ = {**os.environ, "PYTHONPATH": str(target)}
    said = subprocess.run([target / "bin" / "winlogd", "--version"], env=environ, stdout=subprocess.PIPE, text=True)
    assert said.stdout == f"winlogd {VERSION}\n"


def test_without_setuptools_it_says_what_to_install(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nexec /bin/false "$@"\n')
    python.chmod(0o755)
    environ = {**os.environ, "PYTHON": str(python)}
    done = subprocess.run([ROOT / "packaging" / "build-wheel", tmp_path], env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"{python} has no setuptools 77 or newer: run \"{python} -m pip install 'setuptools>=77'\"\n"
