"""Run as root, winlogd becomes the user to whom the database belongs, before it opens anything in the folder.

Otherwise the lock, the WAL or the control socket would be root's, and the service, which runs as a user of its own,
could not open them any more. No owner is ever changed: chown(2) could be led to another file by a planted link.

Knows users, owners and links; not what the database is.
"""

import errno
import os
import stat
from collections.abc import Iterator
from typing import Final, NamedTuple

ROOT: Final = 0

_UNMAPPED: Final = 65_534
"""The kernel shows this owner where a user namespace has no number for the real one (user_namespaces(7))."""

_MOST_LINKS: Final = 40
"""The kernel follows no more links in one path (path_resolution(7))."""

_LATER: Final = (
    *(
        "bisect",
        "concurrent.futures.thread",
        "difflib",
        "hashlib",
        "hmac",
        "ipaddress",
        "json",
        "unicodedata",
        "zoneinfo",
    ),
    *("encodings.idna", "encodings.unicode_escape", "encodings.utf_16_be"),
)
"""What winlogd loads of the standard library when it is needed first, which may be after the change of user."""


class PrivilegesError(Exception):
    """winlogd runs as root and must not go on as root; the text says why and what to do."""


class _Owner(NamedTuple):
    """Who owns something.

    Attributes:
        user, group: their numbers.
        path: what they own.
    """

    user: int
    group: int
    path: str


def become_owner(database: str) -> None:
    """Become the owner of the folder of `database`, an absolute path, with the owner's groups; for ever.

    Where the folder is root's, become the owner of the regular file `database`. The process stays root's if that is
    root's too, or if there is none. A process of another user than root stays as it is.

    Raises:
        PrivilegesError: the owner is unknown, the change is refused, or a stranger's symbolic link is on the way.
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
    folder = os.path.dirname(path)
    try:
        status = os.stat(folder)
    except FileNotFoundError:  # whoever makes it now is root
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
    """Yield each symbolic link that the kernel follows on the way along `path`, and the number of its owner."""
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
            return  # what is not there leads nowhere
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
    """Take the owner's groups, group and user, in this order: after the last there is no way back."""
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
    except KeyError:  # only a container or another machine has a name for this user
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
    """Load all that winlogd is made of: the new user may have no right to read it, as in a Python below /root."""
    from importlib import import_module
    from pkgutil import walk_packages

    import winlogd

    for name in _LATER:
        import_module(name)
    for module in walk_packages(winlogd.__path__, "winlogd."):
        if not module.name.endswith(("__main__", ".tls")):  # TLS is loaded already where it is wanted
            import_module(module.name)
