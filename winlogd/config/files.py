"""Reads the files that a configuration names: regular ones, up to a size, and never waits for one.

A pipe has no end until somebody writes, some devices have none at all, and to open a device can do something. So only
a regular file is opened, without blocking, and looked at once more when it is open. Loaded only where a file is named.
This file must not know what the files are for.
"""

import os
import stat
from typing import Final

_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_KINDS: Final = {
    stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"
}  # fmt: skip


class UnreadableError(Exception):
    """A file cannot be read; the text goes on after its name, and says why."""


def content(path: str, what: str, maximum_bytes: int) -> bytes:
    """Return what a regular file holds.

    Args:
        path: any; links are followed.
        what: the file is, such as `configuration`.
        maximum_bytes: a larger file was named by mistake.

    Raises:
        UnreadableError: it cannot be read, is not a regular file, or is larger.
    """
    check(path, what, maximum_bytes)
    try:
        with open(os.open(path, _READ), "rb") as stream:
            status = os.fstat(stream.fileno())
            _check_mode(status.st_mode, what)  # another file may stand there by now
            octets = stream.read(maximum_bytes + 1)
    except OSError as error:
        raise _unreadable(error) from error
    _check_size(len(octets), what, maximum_bytes)  # the size of a file in /proc is 0
    return octets


def check(path: str, what: str, maximum_bytes: int) -> None:
    """Look at a file without opening it, for whoever else reads it.

    Args:
        path, what, maximum_bytes: as of `content`.

    Raises:
        UnreadableError: it cannot be found, is not a regular file, or is larger.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise _unreadable(error) from error
    except UnicodeEncodeError as error:
        raise UnreadableError("cannot be read: this locale has no such letters; start with LC_ALL=C.UTF-8") from error
    _check_mode(status.st_mode, what)
    _check_size(status.st_size, what, maximum_bytes)


def kind_of(mode: int) -> str:
    """Return in words what a file of `mode` (`st_mode`) is: `a file`, `a folder`, `a pipe`."""
    return _KINDS.get(stat.S_IFMT(mode), "a device")


def _check_mode(mode: int, what: str) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableError("cannot be read: Is a directory")
    if not stat.S_ISREG(mode):
        raise UnreadableError(f"is no {what}: it is {kind_of(mode)}; name a file")


def _check_size(size_bytes: int, what: str, maximum_bytes: int) -> None:
    if size_bytes > maximum_bytes:
        raise UnreadableError(f"is no {what}: it has more than {maximum_bytes} bytes")


def _unreadable(error: OSError) -> UnreadableError:
    return UnreadableError(f"cannot be read: {error.strerror}")
