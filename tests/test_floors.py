"""The house stands: arrows point down only, nobody imports in a circle, and a plain start loads what serving needs."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.support.paths import ROOT
from tests.support.running import Winlogd, running
from winlogd.store.access_file.file import AccessFile
from winlogd.store.access_file.forgotten import Wish, add_forgotten
from winlogd.store.access_file.tables import access_path
from winlogd.store.file.marks import FORGOTTEN, set_mark

PACKAGE: Final = ROOT / "winlogd"

BELOW_DAEMON: Final = {
    *("api", "access", "live", "scheduled", "store", "sessions", "events", "http", "config", "log", "control"),
    *("metrics", "transfer"),
}
"""The rooms that the daemon joins."""

FLOORS: Final[Mapping[str, set[str]]] = {
    "__main__": {"cli"},
    "cli": {"commands"},
    "commands": {"daemon"} | BELOW_DAEMON,
    "daemon": BELOW_DAEMON,
    "api": {"access", "live", "metrics", "transfer", "store", "sessions", "events", "http"},
    **{room: {"store", "sessions", "events", "log", "http"} for room in ("access", "live")},
    "scheduled": {"store", "sessions", "events", "log"},
    "store": {"sessions", "events", "log"},
    "sessions": {"events"},
    **{room: set() for room in ("http", "events", "config", "log", "control", "metrics", "transfer", "web", "")},
}
"""Which rooms each room may import, besides itself and the package's own version. From the highest floor to the ground;
``""`` is the package itself."""

NOT_AT_START: Final = {
    *(
        "argparse",
        "bisect",
        "dataclasses",
        "difflib",
        "hashlib",
        "http.client",
        "ipaddress",
        "logging.config",
        "pathlib",
        "sqlite3",
    ),
    *("ssl", "zoneinfo", "email", "tempfile", "shutil", "json", "unicodedata", "mmap", "_md5"),
}
"""Modules of the standard library that a start can do without: each takes some of its 130 ms, and memory for ever."""

LOADED: Final[Mapping[str, str]] = {
    "": "cli",
    "access": "addresses gate",
    "api": "events health routes",
    "commands": "serve",
    "config": "files kinds list_kinds load section sections",
    "control": "address listening",
    "daemon": "at_need days entrance hangups known_site listening looking observer orders parts process running"
    " settings signals startup stopping systemd watchdog",
    "events": "decode event names timestamps value",
    "http": "budget congestion connection deadlines delivery exchange flow lateness peer pipeline reading"
    " responses router server shares sockets states turns",
    "http.wire": "grammar head limits line message parser",
    "log": "form lines log",
    "scheduled": "clock past rotation",
    "sessions": "book identifiers pair pairing retries",
    "store": "errors gathering load_book recheck reporting store submission",
    "store.file": "columns database faults foreign free_space marks ownership past_tables receipts rescue schema"
    " settings views wal_watch",
    "store.past": "progress runs",
    "store.read": "readers",
    "store.writer": "batches inbox patience recovery rows serving writer",
}
"""The modules of each package that a plain start loads, besides the packages themselves."""


TELLING: Final = """
import atexit, sys
from winlogd.cli import main
atexit.register(lambda: open("modules", "w").write(" ".join(sys.modules)))
sys.exit(main())
"""
"""winlogd, which at its end writes down what it has loaded."""


def loaded_by_the_packages() -> set[str]:
    """What uvloop, orjson, apsw and the way they are installed load by themselves."""
    program = "import sys, uvloop, orjson, apsw, tomllib; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout.split()
    )


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of winlogd by its dotted name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        yield name, path


MODULES: Final = dict(modules())


def imports(path: Path) -> Iterator[str]:
    """The modules of winlogd that a file imports, anywhere in it, also for types only."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "winlogd")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            if node.module is not None and node.module.partition(".")[0] == "winlogd":
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if inner in MODULES else node.module


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_has_its_floor() -> None:
    assert {room_of(name) for name in MODULES} == set(FLOORS)


def test_there_are_fewer_than_20_rooms() -> None:
    assert len(FLOORS) < 20


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_its_own_room_and_from_below(name: str) -> None:
    room = room_of(name)
    up = {other for other in imports(MODULES[name]) if room_of(other) not in FLOORS[room] | {room, ""}}
    assert not up


def test_no_module_imports_itself_through_others() -> None:
    graph = {name: {other for other in imports(path) if other != name} for name, path in MODULES.items()}
    while free := {name for name, below in graph.items() if not below & graph.keys()}:
        graph = {name: below for name, below in graph.items() if name not in free}
    assert not graph, "these import each other"


@pytest.mark.parametrize("path", [path for path in MODULES.values() if path.name == "__init__.py"], ids=str)
def test_a_package_says_what_it_is_for_and_holds_no_code(path: Path) -> None:
    body = ast.parse(path.read_text("utf-8")).body
    if path.parent == PACKAGE:
        body = [node for node in body if not (isinstance(node, ast.ImportFrom) and node.module == "typing")]
        assert len(body) <= 3  # its docstring, VERSION, and what VERSION is
        return
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def test_no_file_is_longer_than_300_lines_and_half_of_them_are_below_120() -> None:
    lengths = sorted(len(path.read_text("utf-8").splitlines()) for path in MODULES.values())
    assert lengths[-1] <= 300
    assert lengths[len(lengths) // 2] < 120


def apply_one(database: Path) -> None:
    """Forget somebody who has no event."""
    with closing(AccessFile(access_path(str(database)))) as file:
        [forgotten] = file.run([lambda connection: add_forgotten(connection, Wish(("bob",), None, None, "", ""), 1)])
    with closing(apsw.Connection(str(database))) as connection:
        set_mark(connection, FORGOTTEN, forgotten.mark)


@pytest.mark.parametrize("has_tombstones", [False, True], ids=["", "with tombstones"])
def test_a_plain_start_loads_what_serving_needs_and_nothing_else(tmp_path: Path, has_tombstones: bool) -> None:
    with running(tmp_path) as first:  # has to mark the day on its new database, which is a job
        first.wait_until_settled()
        assert first.stop() == 0
    if has_tombstones:
        apply_one(first.database)
    server = Winlogd(tmp_path, environ={"JOURNAL_STREAM": ""})  # as started by hand
    server.command = (sys.executable, "-c", TELLING, "--config", "config.toml")
    server.start()
    server.wait_until_open()
    assert server.request("GET", "/health").status == 200
    assert server.stop() == 0

    loaded = set((tmp_path / "modules").read_text().split())
    ours = {name for name in loaded if name.partition(".")[0] == "winlogd" and MODULES[name].name != "__init__.py"}
    rooms = {**LOADED, "store.access_file": "due tables"} if has_tombstones else LOADED
    expected = {f"winlogd.{room}.{name}".replace("..", ".") for room, names in rooms.items() for name in names.split()}
    assert sorted(ours) == sorted(expected | ({"winlogd.daemon.privileges"} if os.geteuid() == 0 else set()))
    assert not loaded & (NOT_AT_START - loaded_by_the_packages())
