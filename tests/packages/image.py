"""Build packaging/Dockerfile with buildah and run what it makes, without a registry and without a daemon.

The image that the Dockerfile starts from is a Debian of debootstrap. A container is the image's tree with /dev and
/proc, which only the process in it sees. This file must not know what the image holds.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.packages import debian
from tests.packages.debian import Debian

SUITE: Final = "bookworm"
"""The Debian release that the Dockerfile names."""

BASE: Final = f"docker.io/library/debian:{SUITE}-slim"

_NAME: Final = "localhost/winlogd"
_PATIENCE_S: Final = 600.0
_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
"""What this machine trusts. A build has no certificates of its own, and pip none of a site's proxy."""

_IN_A_CONTAINER: Final = """\
mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"; exec chroot --userspec="$2" --groups= "$1" "${@:3}"
"""


def missing() -> str:
    """Return what is missing for a build, as a sentence; empty if nothing is."""
    if reason := debian.missing():
        return reason
    if shutil.which("buildah") is None:
        return "not installed: buildah"
    return "" if debian.SUITE == SUITE else f"the tests' Python is not that of Debian {SUITE}"


class Image:
    """The image that the Dockerfile of `sources` makes, and the files of one container of it.

    Args:
        store: a folder for buildah.
        sources: the folder to build in.
        base: the Debian to start from.

    Attributes:
        config: what the image says about a container: its user, environment, command, and health check.
        tree: the root of the container's files.
    """

    def __init__(self, store: Path, sources: Path, base: Debian) -> None:
        self._store = store
        container = self._buildah("from", "scratch")
        self._buildah("add", "--quiet", container, str(base.root), "/")
        self._buildah("commit", "--quiet", "--rm", container, BASE)
        self._build(sources)
        self.config: Mapping[str, Any] = json.loads(self._buildah("inspect", "--type", "image", _NAME))["Docker"][
            "config"
        ]
        self.tree = Path(self._buildah("mount", self._buildah("from", "--pull-never", _NAME)))

    @property
    def size_bytes(self) -> int:
        """Return the size of all files together."""
        return sum(path.lstat().st_size for path in self.tree.rglob("*") if not path.is_dir())

    def command(self, *words: str) -> tuple[str, ...]:
        """Return the command line that runs `words` as a container of the image would, under the image's user."""
        for folder in ("dev", "proc"):
            (self.tree / folder).mkdir(exist_ok=True)
        return (
            "unshare",
            "--mount",
            "bash",
            "-ec",
            _IN_A_CONTAINER,
            "bash",
            str(self.tree),
            self.config["User"],
            *words,
        )

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment variables of a container."""
        return dict(each.split("=", 1) for each in self.config["Env"])

    def _build(self, sources: Path) -> None:
        pip = self._store / "pip.conf"
        pip.write_text("[global]\ncert = /certificates\n")
        lent = ("--volume", f"{_CERTIFICATES}:/certificates:ro", "--volume", f"{pip}:/etc/pip.conf:ro")
        options = ("--pull-never", "--isolation", "chroot", "--format", "docker", "--network", "host", *lent)
        self._buildah("bud", *options, "-f", str(sources / "packaging" / "Dockerfile"), "-t", _NAME, str(sources))

    def _buildah(self, *words: str) -> str:
        """Run buildah with a store of its own. Return what it prints."""
        store = ("--root", str(self._store / "root"), "--runroot", str(self._store / "run"), "--storage-driver", "vfs")
        done = subprocess.run(["buildah", *store, *words], capture_output=True, text=True, timeout=_PATIENCE_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()
