"""Check the options whose values cannot be judged alone: they need each other, a file, or a folder's name.

Loaded only if one of these options is set. This file must not know where the values came from.
"""

import os
import sys
from collections.abc import Mapping
from typing import Final

from winlogd.config import files
from winlogd.config.kinds import Kind, NotAllowedError
from winlogd.config.messages import shown
from winlogd.config.sections import Pairs

_MAXIMUM_TOKEN_FILE_BYTES: Final = 4096
"""A token has at most 256 characters; a longer file was named by mistake."""

_MAXIMUM_PEM_BYTES: Final = 1_048_576
"""Key and certificate files are far shorter than this; a longer file was named by mistake."""

_MAXIMUM_LIST_BYTES: Final = 16_777_216
"""A list of machines has some 60 bytes a machine; a longer file was named by mistake."""

_ASCII_WHITE_SPACE: Final = " \t\r\n\f\v"


def name_faults(database: str) -> list[str]:
    """Return why SQLite cannot open the database at a path; an empty list if it can. SQLite takes names in UTF-8 only.

    The configured path is UTF-8. But the folder from which it counts, or the target of a link, may have another name.
    And if the locale's encoding is not UTF-8, Python and SQLite would use two different files.

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
    """Return the faults of the options of TLS, each of which is right by itself.

    Args:
        port: the port for plain HTTP.
        tls_port: the port for TLS; 0 for none.
        certificate: the path of the certificate's file; empty for none.
        key: the path of the key's file; empty for none.
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
    """Return why OpenSSL must not open this file: it would wait for a pipe, and read a device for ever.

    A missing file and a file without PEM are no faults here: the server reports them when it loads the files.
    """
    try:
        files.check(path, option.rpartition("_")[2], _MAXIMUM_PEM_BYTES)
    except files.UnreadableError as error:
        return [] if isinstance(error.__cause__, OSError) else [f"{option} = {shown(path)}: {error}"]
    return []


def rate_faults(events_per_second: float, events_burst: int) -> list[str]:
    """Return the faults of the options of an address's rate, each of which is right by itself; 0 means not set."""
    if events_burst and not events_per_second:
        return ["limits.events_burst: does nothing while limits.events_per_second is 0; set that, or leave this out"]
    return []


def closing_faults(closing: str, exceptions: Pairs) -> list[str]:
    """Return the faults of the options of a site's closing, each of which is right by itself."""
    if exceptions and not closing:
        return ['[sessions.closing_exceptions]: does nothing while sessions.closing is ""; set that, or leave this out']
    return []


def list_in(path: str, known: Mapping[str, str]) -> str:
    """Return the text of the list of machines in the file at `path`. What it means is not checked here.

    Args:
        path: an absolute path.
        known: the texts of files that are not to be opened, by path.

    Raises:
        NotAllowedError: the file cannot be read, or is no text. `detail` is the whole fault.
    """
    if path in known:
        return known[path]
    option = f"rooms.rooms_file = {shown(path)}"
    try:
        octets = files.content(path, "list of machines", _MAXIMUM_LIST_BYTES)
    except files.UnreadableError as error:
        raise NotAllowedError(f"{option}: {error}") from error
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise NotAllowedError(f"{option}: line {line}: is not UTF-8 text; save it as CSV UTF-8") from error


def token_in(path: str, other: str, expected: Kind[str], known: Mapping[str, str]) -> str:
    """Return the token in the file at `path`, without white space around it.

    Args:
        path: an absolute path.
        other: the value of `security.ingest_token`, which must be empty.
        expected: the kind of a token.
        known: the tokens of files that are not to be opened, by path.

    Raises:
        NotAllowedError: the token cannot be used. `detail` is the whole fault, and shows nothing that the file holds.
    """
    option = f"security.ingest_token_file = {shown(path)}"
    if other:
        raise NotAllowedError(f"{option}: security.ingest_token is set as well; set one of the two")
    if path in known:
        return known[path]
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
        allowed = expected.allowed.partition(", or ")[0]  # the rest says how to set no token
        raise NotAllowedError(f"{option}: what it holds is not {allowed}") from None
