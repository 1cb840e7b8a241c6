"""Read the configuration again, with the files that it names, while the server runs.

This takes as long as a disk takes. So it runs on a thread of its own, and changes nothing. This file must not know the
event loop or the parts of the server.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from winlogd.config.load import ConfigError, load, may_contradict, may_hurt
from winlogd.config.messages import escaped
from winlogd.config.sections import Config
from winlogd.daemon.differences import in_force
from winlogd.daemon.parts import Times, times_of

if TYPE_CHECKING:
    import ssl

    from winlogd.store.read.filters import Site


class Kept(NamedTuple):
    """A file that cannot be read any more, and whose content of the start stays in force."""

    option: str
    path: str


class Fresh(NamedTuple):
    """What was read, complete and without a fault.

    Attributes:
        read: the configuration, with all that it asks for.
        config: the configuration that a running server can have.
        certificate: for new connections with TLS; None if the old one stays, or if there is none.
        site: what is known of the site; None if it can be made later.
        times: when rotations are due.
        kept: the files whose content of the start stays in force.
        warnings: what is allowed but will hurt.
    """

    read: Config
    config: Config
    certificate: "ssl.SSLContext | None"
    site: "Site | None"
    times: Times
    kept: tuple[Kept, ...]
    warnings: tuple[str, ...]


def read_again(running: Config, has_left_root: bool) -> Fresh:
    """Read the file of `running` again, or what a start without a file would read now.

    Args:
        running: the configuration in force.
        has_left_root: root has started this process, and it runs as another user now. Then a file of the same name
            that this user may not read keeps its content: the token, the list of machines, the certificate and key.

    Raises:
        ConfigError: there are faults. The error has all that were found.
    """
    closed = [kept for kept in _files(running) if _is_closed(kept.path)] if has_left_root else []
    closed_paths = {kept.path for kept in closed}
    texts = {
        running.security.ingest_token_file: running.security.ingest_token,
        running.rooms.rooms_file: running.rooms.list_text,
    }
    known = {path: text for path, text in texts.items() if path in closed_paths}
    read = load(running.source, os.environ, known)
    config = in_force(running, read)
    site = None
    if may_contradict(config):
        from winlogd.daemon.site import site_of

        site = site_of(config)
    certificate = None
    if config.server.tls_port and not closed_paths & {config.server.tls_certificate, config.server.tls_key}:
        certificate = _certificate(config)
    named = set(_files(config))
    return Fresh(
        read,
        config,
        certificate,
        site,
        times_of(config),
        tuple(kept for kept in closed if kept in named),
        _warnings(config),
    )


def _files(config: Config) -> list[Kept]:
    """Return the files that a configuration names, and that the server reads."""
    server, security, rooms = config.server, config.security, config.rooms
    files = [
        Kept("security.ingest_token_file", security.ingest_token_file),
        Kept("rooms.rooms_file", rooms.rooms_file),
    ]
    if server.tls_port:
        files += [Kept("server.tls_certificate", server.tls_certificate), Kept("server.tls_key", server.tls_key)]
    return [file for file in files if file.path]


def _is_closed(path: str) -> bool:
    """Return True if there may be a file at `path` and this process may not read it."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:  # it is missing: that is a fault
        return False
    return not os.access(path, os.R_OK)


def _certificate(config: Config) -> "ssl.SSLContext":
    from winlogd.http.tls import CertificateError, server_context  # loaded already: there is a port with TLS

    try:
        return server_context(config.server.tls_certificate, config.server.tls_key)
    except CertificateError as error:
        raise ConfigError((f"server.tls_certificate and server.tls_key: {escaped(str(error))}",)) from error


def _warnings(config: Config) -> tuple[str, ...]:
    if not may_hurt(config):
        return ()
    from winlogd.config.warnings import warnings_of

    return warnings_of(config)
