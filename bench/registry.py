"""The peers: what each stands for, how it is started, and why it cannot be when it cannot.

Every peer is one command that reads its orders from the environment: PEER_PORT on 127.0.0.1, PEER_DATABASE (a path; its
folder exists), PEER_SYNCHRONOUS (FULL or NORMAL) and PEER_LOG_LEVEL (info: a line an event on standard error; error:
none). It serves GET /health and POST /api/v1/events and ends on SIGTERM.
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
    """A server that is compared.

    Attributes:
        name: as it is chosen and shown.
        stands_for: what a reader should think of.
        command: what is executed.
        unavailable: why the peer cannot start on this machine, in one line, or None; builds nothing.
        is_built: whether it is ready to start; if not, `build` makes it so, or raises BuildError.
        environ: the PEER_ variables to those that the command understands besides.
        stores: whether it has a database at all.
        synchronous: what it uses whatever it is told, as the server that it stands for did.
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
    """A peer could not be built; the text is one line."""


def _winlogd_environ(orders: Orders) -> dict[str, str]:
    return {
        "PYTHONPATH": str(REPOSITORY),  # this tree, not an installed winlogd
        "WINLOGD_SERVER_PORT": orders["PEER_PORT"],
        "WINLOGD_DATABASE_PATH": orders["PEER_DATABASE"],
        "WINLOGD_DATABASE_PRAGMA_SYNCHRONOUS": orders["PEER_SYNCHRONOUS"],
        "WINLOGD_LOGGING_LEVEL": orders["PEER_LOG_LEVEL"],
    }


def compile_bytecode() -> None:
    """Compiles winlogd as pip does when it installs it.

    Where PYTHONDONTWRITEBYTECODE is set, a tree that was never installed would be compiled at every start: its imports
    take 200 ms then instead of 118, and half a megabyte more stays.
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
        binary.touch()  # cargo leaves a binary that would come out the same

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
        # The package cannot be called axum, as what it depends on is.
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
    )
}
