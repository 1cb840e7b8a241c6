"""The table of peers: what each stands for, how to build and start it, and why it cannot start here.

Every peer is one command that reads its orders from the environment. PEER_PORT is its port on 127.0.0.1. PEER_DATABASE
is a path whose folder exists. PEER_SYNCHRONOUS is FULL or NORMAL. PEER_LOG_LEVEL is info, for a line per event on
standard error, or error, for none. PEER_ROOMS is the path of a list of machines, or empty. A peer serves GET /health
and POST /api/v1/events, and ends on SIGTERM. One that stores nothing may answer only questions.
"""

import compileall
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PEERS_FOLDER: Final = Path(__file__).parent / "peers"
REPOSITORY: Final = Path(__file__).parent.parent

Orders = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that the bench compares.

    Attributes:
        name: the name for the command line and the tables.
        stands_for: what kind of server the peer represents, in one line.
        command: the program and its arguments.
        unavailable: returns in one line why the peer cannot start on this machine, or None. It builds nothing.
        is_built: returns True if the peer is ready to start.
        build: makes the peer ready to start, or raises `BuildError`.
        environ: returns further variables for the command, made from the PEER_ variables.
        stores: False if the peer has no database.
        synchronous: the setting that the peer uses despite PEER_SYNCHRONOUS, as the server that it represents did.
    """

    name: str
    stands_for: str
    command: tuple[str, ...]
    unavailable: Callable[[], str | None] = lambda: None
    is_built: Callable[[], bool] = lambda: True
    build: Callable[[], None] = lambda: None
    environ: Callable[[Orders], dict[str, str]] = field(default=lambda orders: {})
    stores: bool = True
    synchronous: str | None = None


class BuildError(Exception):
    """A peer could not be built. The text says why in one line."""


def _winlogd_environ(orders: Orders) -> dict[str, str]:
    return {
        "PYTHONPATH": str(REPOSITORY),  # this tree, not an installed winlogd
        "WINLOGD_SERVER_PORT": orders["PEER_PORT"],
        "WINLOGD_DATABASE_PATH": orders["PEER_DATABASE"],
        "WINLOGD_DATABASE_PRAGMA_SYNCHRONOUS": orders["PEER_SYNCHRONOUS"],
        "WINLOGD_LOGGING_LEVEL": orders["PEER_LOG_LEVEL"],
        "WINLOGD_ROOMS_ROOMS_FILE": orders["PEER_ROOMS"],
    }


def compile_bytecode() -> None:
    """Compile winlogd, as pip does when it installs winlogd.

    Otherwise Python compiles a tree that was never installed at every start, if PYTHONDONTWRITEBYTECODE is set. The
    imports then take 200 ms instead of 118, and the process keeps half a megabyte more.
    """
    compileall.compile_dir(REPOSITORY / "winlogd", quiet=1)


def _needs_modules(*names: str) -> Callable[[], str | None]:
    def unavailable() -> str | None:
        missing = [name for name in names if find_spec(name) is None]
        return (
            f"Python packages are missing: {', '.join(missing)} (pip install -e . --group bench)" if missing else None
        )

    return unavailable


def _php_unavailable() -> str | None:
    if shutil.which("php") is None:
        return "php is not installed (php-cli and php-sqlite3)"
    extensions = subprocess.run(["php", "-m"], capture_output=True, text=True, check=False).stdout
    return None if "pdo_sqlite" in extensions else "php has no pdo_sqlite (php-sqlite3)"


_DATASETTE_PYTHON: Final = PEERS_FOLDER / "datasette" / ".venv" / "bin" / "python"
"""Datasette has an environment of its own: it needs some thirty packages."""


def _datasette_unavailable() -> str | None:
    if _DATASETTE_PYTHON.exists():
        return None
    folder = _DATASETTE_PYTHON.parents[1].relative_to(REPOSITORY)
    return f"is not installed (python3 -m venv {folder} && {folder}/bin/pip install datasette)"


def _rust(name: str, package: str, stands_for: str, synchronous: str | None = None) -> Peer:
    folder = PEERS_FOLDER / name
    binary = folder / "target" / "release" / package

    def is_built() -> bool:
        sources = [folder / "Cargo.toml", folder / "Cargo.lock", *folder.glob("src/**/*")]
        changed_s = max((source.stat().st_mtime for source in sources if source.is_file()), default=0.0)
        return binary.exists() and binary.stat().st_mtime >= changed_s

    def unavailable() -> str | None:
        if not (folder / "Cargo.toml").exists():
            return f"{folder} is missing"
        return None if is_built() or shutil.which("cargo") else "cargo is not installed, and it is not built"

    def build() -> None:
        command = ["cargo", "build", "--release", "--quiet", "--manifest-path", str(folder / "Cargo.toml")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            faults = [line for line in done.stderr.splitlines() if line.startswith(("error", "Caused", "  "))]
            raise BuildError(f"cargo build failed: {' '.join(faults[:3]) or 'no reason given'}")
        if not binary.exists():
            raise BuildError(f"cargo build made no {binary}")
        binary.touch()  # cargo does not touch a binary that would not change

    return Peer(name, stands_for, (str(binary),), unavailable, is_built, build, synchronous=synchronous)


PEERS: Final = {
    peer.name: peer
    for peer in (
        Peer("winlogd", "this repository", (sys.executable, "-m", "winlogd"), environ=_winlogd_environ),
        Peer(
            "transport",
            "the ceiling: uvloop answers fixed bytes, parses nothing, stores nothing",
            (sys.executable, str(PEERS_FOLDER / "transport" / "main.py")),
            _needs_modules("uvloop"),
            stores=False,
        ),
        # The package cannot have the name axum, because it depends on a package of that name.
        _rust(
            "axum",
            "axum-peer",
            "the older Rust server: Axum, an SQLx pool, the older schema, NORMAL",
            synchronous="NORMAL",
        ),
        _rust(
            "axum-batch",
            "axum-batch",
            "the strongest rival in Rust that we can write: group commit, sessions in memory",
        ),
        Peer(
            "php",
            "PHP as the older PHP server worked: one index.php with PDO",
            ("sh", str(PEERS_FOLDER / "php" / "serve.sh")),
            _php_unavailable,
        ),
        Peer(
            "fastapi",
            "what a Python developer would write: FastAPI, Pydantic, uvicorn, sqlite3",
            (sys.executable, str(PEERS_FOLDER / "fastapi" / "main.py")),
            _needs_modules("fastapi", "uvicorn", "httptools", "uvloop"),
        ),
        Peer(
            "datasette",
            "SQL over HTTP on winlogd's own file, for those who need no API: it only answers questions",
            (str(_DATASETTE_PYTHON), str(PEERS_FOLDER / "datasette" / "main.py")),
            _datasette_unavailable,
            stores=False,
        ),
    )
}
