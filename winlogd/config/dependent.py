"""The options whose faults do not show in the value alone: they need each other, a file, or a folder's name.

Loaded only where one of them is set. It must not know where the values came from.
"""

import os
import sys
from typing import Final

from winlogd.config import files
from winlogd.config.kinds import Kind, NotAllowedError
from winlogd.config.messages import shown

_MAXIMUM_TOKEN_FILE_BYTES: Final = 4096
_MAXIMUM_PEM_BYTES: Final = 1_048_576
"""These files are far shorter; a longer one was named by mistake."""

_ASCII_WHITE_SPACE: Final = " \t\r\n\f\v"


def name_faults(database: str) -> list[str]:
    """Why SQLite cannot have the database where a path leads. SQLite takes names in UTF-8 alone.

    The path that is configured is UTF-8. But the folder it counts from, or one that a link leads to, may have been
    named otherwise; and where the locale's encoding is not UTF-8, Python and SQLite would mean two files.

    Args:
        database: an absolute path.
    """
    option = f"database.path = {shown(database)}"
    if _is_utf8(database) and _is_utf8(os.path.realpath(database)):
        return []
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        return [f"{option}: this locale's encoding is {encoding}, and SQLite wants UTF-8; start with LC_ALL=C.UTF-8"]
    part = next(part for part in os.path.realpath(database).split("/") if not _is_utf8(part))
    return [f"{option}: the name {shown(part)} on its way is not UTF-8, and SQLite takes no other; name another folder"]


def _is_utf8(path: str) -> bool:
    try:
        return os.fsencode(path) == path.encode()
    except UnicodeEncodeError:
        return False


def tls_faults(port: int, tls_port: int, certificate: str, key: str) -> list[str]:
    """What is wrong with the options of TLS when each by itself is right.

    Args:
        port: for plain HTTP.
        tls_port: for TLS, 0 when there is none.
        certificate: path of a file, or empty.
        key: the same.
    """
    paths = {"server.tls_certificate": certificate, "server.tls_key": key}
    if not tls_port:
        return [
            f"{option}: nothing is served with it while server.tls_port is 0; set that, or leave this out"
            for option, path in paths.items()
            if path
        ]
    faults = [f"{option}: must be set, because server.tls_port is" for option, path in paths.items() if not path]
    if port == tls_port:
        faults.append(f"server.tls_port = {tls_port}: must be another port than server.port")
    return faults + [fault for option, path in paths.items() if path for fault in _pem_faults(option, path)]


def _pem_faults(option: str, path: str) -> list[str]:
    """Why OpenSSL must not open this file: it would wait for a pipe, and read a device for ever.

    That a file is not there or holds no PEM is told by who reads it.
    """
    try:
        files.check(path, option.rpartition("_")[2], _MAXIMUM_PEM_BYTES)
    except files.UnreadableError as error:
        return [] if isinstance(error.__cause__, OSError) else [f"{option} = {shown(path)}: {error}"]
    return []


def rate_faults(events_per_second: float, events_burst: int) -> list[str]:
    """What is wrong with the options of an address's rate when each by itself is right; 0 is for none."""
    if events_burst and not events_per_second:
        return ["limits.events_burst: does nothing while limits.events_per_second is 0; set that, or leave this out"]
    return []


def token_in(path: str, other: str, expected: Kind[str]) -> str:
    """The token in the file at `path`, without white space around it.

    Args:
        path: absolute.
        other: the token that is set otherwise; only one of the two may be.
        expected: what a token may look like.

    Raises:
        NotAllowedError: with the whole fault, which shows nothing that the file holds.
    """
    option = f"security.ingest_token_file = {shown(path)}"
    if other:
        raise NotAllowedError(f"{option}: security.ingest_token is set as well; set one of the two")
    try:
        octets = files.content(path, "token", _MAXIMUM_TOKEN_FILE_BYTES)
    except files.UnreadableError as error:
        raise NotAllowedError(f"{option}: {error}") from error
    token = octets.decode("utf-8-sig", "replace").strip(_ASCII_WHITE_SPACE)
    if not token:
        raise NotAllowedError(f"{option}: holds no token")
    try:
        return expected.check(token)
    except NotAllowedError:
        allowed = expected.allowed.partition(", or ")[0]  # the rest is how to set none
        raise NotAllowedError(f"{option}: what it holds is not {allowed}") from None
