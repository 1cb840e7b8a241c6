"""Read the files that a configuration names: regular files up to a size. Never wait for one.

A pipe has no end until its writer closes it. Some devices have no end at all, and the opening of a device can start
something. Therefore only a regular file is opened, without blocking, and its kind is checked again when it is open.
Loaded only if a file is named. This file must not know what the files are for.
"""

import os
import stat
from typing import Final

_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_KINDS: Final = {
    stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"
}  # fmt: skip


class UnreadableError(Exception):
    """A file cannot be read. The text says why, and completes a sentence that begins with the file's name."""


def content(path: str, what: str, maximum_bytes: int) -> bytes:
    """Return the content of a regular file.

    Args:
        path: the file's path; links are followed.
        what: a noun for the file, such as `configuration`, for the error.
        maximum_bytes: the largest file that is read.

    Raises:
        UnreadableError: the file cannot be read, is not a regular file, or is larger.
    """
    check(path, what, maximum_bytes)
    try:
        with open(os.open(path, _READ), "rb") as stream:
            status = os.fstat(stream.fileno())
            _check_mode(status.st_mode, what)  # another file may have taken the path since the check
            octets = stream.read(maximum_bytes + 1)
    except OSError as error:
        raise _unreadable(error) from error
    _check_size(len(octets), what, maximum_bytes)  # a file in /proc reports the size 0
    return octets


def check(path: str, what: str, maximum_bytes: int) -> None:
    """Check a file without opening it, before another program part opens it.

    Args:
        path: the file's path; links are followed.
        what: a noun for the file, such as `certificate`, for the error.
        maximum_bytes: the largest file that is allowed.

    Raises:
        UnreadableError: the file cannot be found, is not a regular file, or is larger.
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
    """Return a noun for what `mode` (`st_mode` of `os.stat`) stands for: `a file`, `a folder`, `a pipe`."""
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
