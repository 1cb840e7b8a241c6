"""Run winlogd as its units confine it, as far as that works without systemd.

    unshare --mount python confined_winlogd.py FOLDER backup --config config.toml

All files but those in FOLDER are read-only, the process has no capability, and only the system calls exist that the
file ``allowed`` in FOLDER lists. It starts in two steps, because only root without a filter can do the first.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from winlogd import cli

CONFINED: Final = "--confined"
"""The first word of the second step."""

_MOUNT_SETATTR: Final = 442
_HERE: Final = -100
_RECURSIVE: Final = 0x8000
_READ_ONLY: Final = 1
_BIND: Final = 4096
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000
_UNKNOWN: Final = -1
_NOT_CONFINED: Final = 9


def prepare(folder: Path, words: list[str]) -> None:
    """Make all files but those in `folder` read-only, drop all capabilities, and go on with the second step."""
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.fsencode(folder)
    _expect(libc.mount(path, path, None, ctypes.c_ulong(_BIND), None))
    for place, flags, sets, clears in ((b"/", _RECURSIVE, _READ_ONLY, 0), (path, 0, 0, _READ_ONLY)):
        attributes = (ctypes.c_uint64 * 4)(sets, clears, 0, 0)
        _expect(libc.syscall(_MOUNT_SETATTR, _HERE, place, flags, attributes, ctypes.sizeof(attributes)))
    drop = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
    os.chdir(folder)
    os.execvp("setpriv", (*drop, sys.executable, __file__, CONFINED, str(folder), *words))


def permit_only(names: list[str]) -> None:
    """Let every system call fail with EPERM but those of `names` (SystemCallFilter=, SystemCallErrorNumber=)."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(_REFUSE | errno.EPERM)))
    for name in names:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number != _UNKNOWN:  # this machine's library does not know every new call
            seccomp.seccomp_rule_add(rules, ctypes.c_uint32(_ALLOW), number, 0)
    assert seccomp.seccomp_load(rules) == 0


def is_refused(call: Callable[[], object], number: int) -> bool:
    """Return True if `call` fails with this error."""
    try:
        call()
    except OSError as error:
        return error.errno == number
    return False


def main() -> int:
    """Take one of the two steps. The second one returns the exit status of winlogd."""
    if sys.argv[1] != CONFINED:
        prepare(Path(sys.argv[1]), sys.argv[2:])
    folder, words = Path(sys.argv[2]), sys.argv[3:]
    allowed = folder / "allowed"
    permit_only(allowed.read_text().split())
    is_read_only = is_refused(lambda: Path(__file__).with_suffix(".written").touch(), errno.EROFS)
    is_filtered = is_refused(lambda: os.chown(allowed, -1, -1), errno.EPERM)  # an owner needs no capability for it
    return cli.main(words) if is_read_only and is_filtered else _NOT_CONFINED


def _expect(status: int) -> None:
    """Raise `OSError` if a system call has failed."""
    if status < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    sys.exit(main())
