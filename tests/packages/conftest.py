"""Fixtures for packages: a minimal Debian that the tests of all files share, and the package of winlogd."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import block
from tests.packages.building import by_the_page, copied
from tests.packages.debian import Debian


@pytest.fixture(scope="session")
def systems() -> Iterator[Path]:
    """A folder for Debian systems. pytest would keep its own folders for three runs, and these are large."""
    folder = Path(tempfile.mkdtemp(prefix="winlogd-debian-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def minimal(systems: Path) -> Debian:
    """A Debian without winlogd. Tests work with copies of it."""
    return Debian.bootstrapped(systems / "minimal")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package of winlogd, built by the commands of the page."""
    folder = tmp_path_factory.mktemp("package")
    build = block("python3 -m venv .venv && .venv/bin/pip install 'setuptools")
    [file] = by_the_page(build.text, copied(folder / "sources"), folder / "programs" / "python3")
    return file
