"""packaging/Dockerfile makes a small image, whose container serves as nobody special and tells if it is healthy."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packages import image
from tests.packages.building import copied
from tests.packages.debian import Debian
from tests.packages.image import Image
from tests.support.paths import ROOT
from tests.support.running import PATIENCE_S, Winlogd, an_event
from winlogd import VERSION
from winlogd.config.sections import Config

pytestmark = pytest.mark.long
needs_buildah = pytest.mark.skipif(bool(image.missing()), reason=image.missing())

LARGEST_BYTES = 100_000_000
DOCKERFILE = (ROOT / "packaging" / "Dockerfile").read_text()
COMPOSE = (ROOT / "packaging" / "compose.yaml").read_text()


@pytest.fixture(scope="module")
def built(minimal: Debian, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image, and a container that has not run."""
    store = Path(tempfile.mkdtemp(prefix="winlogd-image-"))
    sources = copied(tmp_path_factory.mktemp("image") / "sources")
    shutil.copy(ROOT / ".dockerignore", sources)
    try:
        yield Image(store, sources, minimal)
    finally:
        shutil.rmtree(store)


@needs_buildah
def test_the_image_is_small_and_has_no_shell(built: Image) -> None:
    assert built.size_bytes < LARGEST_BYTES
    programs = {path.name for path in built.tree.rglob("bin/*")}
    assert {"python3", "winlogd"} <= programs
    assert [name for name in programs if not name.startswith("py")] == ["winlogd"]


@needs_buildah
def test_a_container_serves_stores_and_reports_its_health(built: Image, tmp_path: Path) -> None:
    server = Winlogd(tmp_path, environ=built.environ)
    server.command = built.command(*built.config["Entrypoint"], *built.config["Cmd"])
    server.database = built.tree / "var" / "lib" / "winlogd" / "winlog.db"
    server.start()
    try:
        assert "listening address=0.0.0.0 " in server.log
        assert server.post(an_event()).status == 200
        assert [row["username"] for row in server.rows()] == ["alice"]
        assert server.database.stat().st_uid == int(built.config["User"].partition(":")[0]) != 0
        assert _health(built, server.port) == 0
        assert server.stop() == 0
        assert _health(built, server.port) == 1
    finally:
        server.kill()


@needs_buildah
def test_the_commands_run_in_a_container(built: Image) -> None:
    said = subprocess.run(built.command("/usr/bin/winlogd", "--version"), env={}, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, f"winlogd {VERSION}\n")


def test_the_compose_file_fits_the_image_and_winlogd() -> None:
    server = Config().server
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [str(server.port)]
    assert re.findall(r'^      - "127.0.0.1:(\d+):(\d+)"$', COMPOSE, re.MULTILINE) == [(str(server.port),) * 2]
    [grace] = re.findall(r"stop_grace_period: (\d+)s", COMPOSE)
    assert float(grace) > server.shutdown_timeout
    [volume] = re.findall(r'^VOLUME \["(.*)"\]$', DOCKERFILE, re.MULTILINE)
    assert f"events:{volume}\n" in COMPOSE
    [dockerfile] = re.findall(r"dockerfile: (.*)", COMPOSE)
    assert (ROOT / dockerfile).is_file()
    assert "read_only: true" in COMPOSE


def _health(built: Image, port: int) -> int:
    """Run the image's health check in a container of its own on the same network. Return its status."""
    kind, *command = built.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    environ = built.environ | {"WINLOGD_SERVER_PORT": str(port)}
    return subprocess.run(built.command(*command), env=environ, timeout=PATIENCE_S, capture_output=True).returncode
