"""Become the owner of the database, if root runs winlogd, before winlogd opens any file in the folder.

Otherwise the lock, the WAL or the control socket would belong to root. The service runs as a user of its own, and
could no longer open them. winlogd never changes the owner of a file, because a planted link could lead chown(2) to
another file.

This file knows users, owners and links. It must not know what the database is.
"""

import errno
import os
import stat
from collections.abc import Iterator
from typing import Final, NamedTuple

ROOT: Final = 0

_UNMAPPED: Final = 65_534
"""The kernel shows this owner if a user namespace has no number for the real one (user_namespaces(7))."""

_MOST_LINKS: Final = 40
"""The kernel follows at most this many links in one path (path_resolution(7))."""

_LATER: Final = (
    *(
        "array",
        "bisect",
        "concurrent.futures.thread",
        "ctypes",
        "difflib",
        "hashlib",
        "hmac",
        "ipaddress",
        "json",
        "mmap",
        "resource",
        "unicodedata",
        "zoneinfo",
    ),
    *("encodings.idna", "encodings.unicode_escape", "encodings.utf_16_be"),
)
"""Modules of the standard library that winlogd loads at their first use, which may be after the change of user."""


class PrivilegesError(Exception):
    """winlogd runs as root and must not go on as root. The text says why and what to do."""


class _Owner(NamedTuple):
    """The owner of a file or folder.

    Attributes:
        user: the user's number.
        group: the group's number.
        path: the file or folder.
    """

    user: int
    group: int
    path: str


def become_owner(database: str) -> None:
    """Become the owner of the folder of `database`, with the owner's groups. The process cannot become root again.

    If the folder belongs to root, become the owner of the regular file `database`. If that belongs to root too, or is
    not there, stay root. If another user than root runs the process, do nothing.

    Args:
        database: an absolute path.

    Raises:
        PrivilegesError: the owner is unknown, or the system refuses the change. Or a symbolic link on the way to the
            database belongs neither to root nor to the owner.
        OSError: the folder cannot be looked at.
    """
    if os.geteuid() != ROOT:
        return
    path = os.path.realpath(database)
    owner = _owner_of(path)
    for link, user in _links_on(database):
        if user not in (ROOT, owner.user):
            raise PrivilegesError(
                f"{link} is a symbolic link of user {user}, who is neither root nor the owner of {owner.path}: as root,"
                f" winlogd does not follow it; set database.path to {path} if that is right"
            )
    if owner.user != ROOT:
        _become(owner)


def _owner_of(path: str) -> _Owner:
    """Return the user to become for the database at `path`, a real path; root if the process is to stay root."""
    folder = os.path.dirname(path)
    try:
        status = os.stat(folder)
    except FileNotFoundError:  # root makes the folder
        return _Owner(ROOT, ROOT, folder)
    if status.st_uid != ROOT:
        return _Owner(status.st_uid, status.st_gid, folder)
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return _Owner(ROOT, ROOT, folder)
    is_file = stat.S_ISREG(status.st_mode)
    return _Owner(status.st_uid, status.st_gid, path) if is_file else _Owner(ROOT, ROOT, folder)


def _links_on(path: str) -> Iterator[tuple[str, int]]:
    """Yield each symbolic link that the kernel follows along `path`, and its owner's number.

    Raises:
        OSError: a link cannot be looked at, or there are too many.
    """
    place, left, links = "/", path.split("/")[::-1], 0
    while left:
        name = left.pop()
        if name in ("", ".", ".."):
            place = os.path.dirname(place) if name == ".." else place
            continue
        here = os.path.join(place, name)
        try:
            status = os.lstat(here)
        except FileNotFoundError:
            return  # no link leads on from a name that does not exist
        if not stat.S_ISLNK(status.st_mode):
            place = here
            continue
        yield here, status.st_uid
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = os.readlink(here)
        place = "/" if target.startswith("/") else place
        left += target.split("/")[::-1]


def _become(owner: _Owner) -> None:
    """Take the owner's groups, group and user, in this order: without root's user the others cannot be changed.

    Raises:
        PrivilegesError: the owner is unknown, or the system refuses the change.
    """
    if owner.user == _UNMAPPED:
        raise PrivilegesError(
            f"winlogd runs as root, and {owner.path} belongs to user {_UNMAPPED}, which stands for an owner that this"
            " system or container does not know: give the folder to the user that is to run winlogd, or start winlogd"
            " as that user"
        )
    import pwd

    _load_what_comes_later()
    try:
        entry = pwd.getpwuid(owner.user)
    except KeyError:  # only a container or another machine knows this user's name
        entry = None
    try:
        if entry is None:
            os.setgroups(())
        else:
            os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(owner.group if entry is None else entry.pw_gid)
        os.setuid(owner.user)
    except OSError as error:
        raise PrivilegesError(
            f"winlogd runs as root, {owner.path} belongs to user {owner.user}, and winlogd cannot become that user:"
            f" {error.strerror}; start winlogd as that user"
        ) from None


def _load_what_comes_later() -> None:
    """Load all modules of winlogd, and `_LATER`. The new user may have no right to read them, as below /root."""
    from importlib import import_module
    from pkgutil import walk_packages

    import winlogd

    for name in _LATER:
        import_module(name)
    for module in walk_packages(winlogd.__path__, "winlogd."):
        if not module.name.endswith(("__main__", ".tls")):  # TLS, if wanted, is already loaded
            import_module(module.name)
