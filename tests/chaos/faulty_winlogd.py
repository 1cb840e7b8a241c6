"""Run winlogd on a disk that fails, or with a wrong clock, while a file in its folder says so.

    python faulty_winlogd.py --config config.toml

The file ``fault`` names what fails (`FAULTS`), the file ``clock`` by how many seconds the wall clock is ahead. Without
these files winlogd runs as always. Only the process around winlogd differs: no line of winlogd knows of this file.
"""

import sys
import time
from pathlib import Path
from typing import Final

import apsw

from winlogd import cli
from winlogd.store.file import database
from winlogd.store.file.database import configure_sqlite

FAULTS: Final = {
    "full": ("xWrite", apsw.SQLITE_FULL),
    "write": ("xWrite", apsw.SQLITE_IOERR_WRITE),
    "sync": ("xSync", apsw.SQLITE_IOERR_FSYNC),
    "read-only": ("xWrite", apsw.SQLITE_IOERR_WRITE),
}
"""The calls that fail, each with its result code (rescode.html)."""

_FAULT: Final = Path("fault")
_CLOCK: Final = Path("clock")


def _fault() -> str:
    try:
        return _FAULT.read_text()
    except FileNotFoundError:
        return ""


def _fail(call: str) -> None:
    failing, code = FAULTS.get(_fault(), ("", 0))
    if failing == call:
        error = apsw.exception_for(code)
        error.args = (f"{call} fails",)
        raise error


class _FailingDisk(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("failing", "unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's
        if _fault() == "read-only":  # as os_unix.c does when the file cannot be opened for writing
            flags[0] = flags[0] & ~(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE) | apsw.SQLITE_OPEN_READONLY
        return _FailingFile("unix", name, flags)


class _FailingFile(apsw.VFSFile):
    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        _fail("xWrite")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        _fail("xSync")
        super().xSync(flags)


def _let_the_clock_be_wrong() -> None:
    right = time.time

    def wrong() -> float:
        try:
            return right() + float(_CLOCK.read_text())
        except FileNotFoundError:
            return right()

    time.time = wrong


def main() -> int:
    """Run winlogd's own command line."""
    _let_the_clock_be_wrong()
    disks = []

    def configure_and_fail() -> None:
        configure_sqlite()  # starts SQLite anew, with the system's own disk in front
        disks.append(_FailingDisk())

    vars(database)["configure_sqlite"] = configure_and_fail
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
