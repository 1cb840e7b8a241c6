"""Check who can read and change the files: the database and those beside it, backups, the key, the tokens.

This file knows owners and modes. It must not know what is in a file, and opens none.
"""

import os
import pwd
import shlex
import stat
from collections.abc import Iterator
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine, unseen
from winlogd.config.messages import escaped
from winlogd.config.sections import Config
from winlogd.control.address import path_of
from winlogd.store.access_file.tables import access_path

_ROOT: Final = 0
_OTHERS: Final = stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWOTH
_ENDINGS: Final = ("", "-wal", "-shm", "-journal")
_AS_ROOT: Final = "run this as root, or as the user that winlogd runs as"


def check(context: Context) -> Iterator[Finding]:
    """Find files of another owner, and files that everybody on this machine can read or change."""
    found = [*_data(context), *_secrets(context.config)]
    yield from found
    if not found:
        yield fine("the files belong to winlogd's user, and nobody else can read them")


def _data(context: Context) -> Iterator[Finding]:
    """Check the folder of the database and what is in it."""
    folder = os.path.dirname(context.path)
    status = _looked(folder)
    if isinstance(status, Finding):
        yield status
        return
    if status is None:
        return
    if status.st_mode & _OTHERS_WRITE and _is_reachable(folder):
        yield Finding(
            "fault",
            f"everybody on this machine can change the folder {escaped(folder)}",
            "anybody can delete the database, or put another one in its place",
            f"sudo chmod o-w {shlex.quote(folder)}",
        )
    owner = status.st_uid
    for path in _files(context):
        found = _looked(path)
        if isinstance(found, Finding):
            yield found
            return  # the folder is closed to this user, and the others are in it
        if found is not None:
            if owner == _ROOT and path == context.path:
                owner = found.st_uid  # winlogd runs as the owner of the file, if the folder is root's
            yield from _file(path, found, owner)


def _files(context: Context) -> Iterator[str]:
    """Yield the paths of winlogd's own files, the database first, with the folder of its backups."""
    for ending in _ENDINGS:
        yield context.path + ending
    yield f"{context.path}.lock"
    yield path_of(context.path)
    for ending in _ENDINGS:
        yield access_path(context.path) + ending
    yield context.config.backup.folder


def _file(path: str, status: os.stat_result, owner: int) -> Iterator[Finding]:
    name, typed = escaped(path), shlex.quote(path)
    if status.st_uid != owner:
        yield Finding(
            "fault",
            f"{name} belongs to {_user(status.st_uid)}, and winlogd runs as {_user(owner)}",
            "winlogd may not be able to read or write it",
            f"sudo chown {_user(owner)} {typed}",
        )
    if status.st_mode & _OTHERS and _is_reachable(path):
        yield Finding(
            "fault",
            f"everybody on this machine may open {name} (mode {stat.S_IMODE(status.st_mode):04o})",
            "it shows who was where and when",
            f"sudo chmod o-rwx {typed}",
        )
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        yield Finding(
            "fault",
            f"{name} has {status.st_nlink} names (hard links)",
            "a second winlogd could use the file under its other name, so that the server does not start with it",
            "remove the other name, or copy the file; a restore that was cut short is to be repeated",
        )


def _secrets(config: Config) -> Iterator[Finding]:
    """Check the configuration's file, and the files that it names."""
    security = config.security
    if config.source is not None:
        is_secret = bool(security.ingest_token) and not security.ingest_token_file
        yield from _secret(config.source, "the ingest token", is_secret)
    if security.ingest_token_file:
        yield from _secret(security.ingest_token_file, "the ingest token", is_secret=True)
    if config.server.tls_key:
        yield from _secret(config.server.tls_key, "the key of TLS", is_secret=True)
    if config.rooms.rooms_file:
        yield from _secret(config.rooms.rooms_file, "", is_secret=False)


def _secret(path: str, what: str, is_secret: bool) -> Iterator[Finding]:
    """Check a file that others must not change, and if it `is_secret`, must not read. `what` is in it."""
    status = _looked(path, follows=True)
    if isinstance(status, Finding):
        yield status
        return
    if status is None:
        return
    if not _is_reachable(path):
        return
    if is_secret and status.st_mode & stat.S_IROTH:
        yield Finding(
            "fault",
            f"everybody on this machine can read {escaped(path)}, and {what} is in it",
            "who has it can pretend to be a workstation or this server",
            f"sudo chmod o-rwx {shlex.quote(path)}, and replace {what}",
        )
    if status.st_mode & _OTHERS_WRITE:
        yield Finding(
            "fault",
            f"everybody on this machine can change {escaped(path)}",
            "anybody can decide who may read, and where events go",
            f"sudo chmod o-w {shlex.quote(path)}",
        )


def _looked(path: str, follows: bool = False) -> os.stat_result | Finding | None:
    """Return a file's status; None if there is nothing; a finding if this user cannot look."""
    try:
        return os.stat(path, follow_symlinks=follows)
    except FileNotFoundError:
        return None
    except OSError as error:
        return unseen(escaped(path), error.strerror or str(error), _AS_ROOT)


def _is_reachable(path: str) -> bool:
    """Return True if everybody on this machine may pass through all folders that lead to a path."""
    folder = os.path.realpath(os.path.dirname(path))
    while True:
        status = _looked(folder)
        if isinstance(status, os.stat_result) and not status.st_mode & stat.S_IXOTH:
            return False
        if folder == "/":
            return True
        folder = os.path.dirname(folder)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # only a container or another machine knows this user's name
        return str(number)
