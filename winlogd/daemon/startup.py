"""Acquire what a server needs from the machine before it can start, or say why it cannot.

First acquire the certificate and the sockets, because perhaps only root can get them. systemd may have opened them.
Then become the owner of the database's folder. Then acquire the ownership of the database, and the control socket. This
file knows the configuration and the system. It must not know an event loop: none runs yet.
"""

import os
import socket
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.config.sections import Config
from winlogd.control.address import bind_control, path_of
from winlogd.daemon.settings import folder_fault
from winlogd.http.sockets import bind
from winlogd.log.log import Log
from winlogd.store.errors import OwnedError
from winlogd.store.file.ownership import Ownership

if TYPE_CHECKING:
    import ssl

    from winlogd.daemon.inherited import Inherited


class StartError(Exception):
    """The server cannot start. The text says why and what to do."""


class ControlSocket(NamedTuple):
    """The control socket and its path. Commands can already connect to it."""

    socket: socket.socket
    path: str


class Acquired(NamedTuple):
    """What a server has before it starts.

    Attributes:
        ownership: the ownership of the database.
        sockets: the bound sockets for plain HTTP.
        tls_sockets: the bound sockets for HTTPS; none without `tls`.
        tls: the certificate, and the versions and ciphers that are allowed; None if no port has TLS.
        control: the control socket; None if the folder cannot have one, and the server runs without it.
    """

    ownership: Ownership
    sockets: list[socket.socket]
    tls_sockets: list[socket.socket]
    tls: "ssl.SSLContext | None"
    control: ControlSocket | None


class _Doors(NamedTuple):
    """The sockets and the certificate of a server. `Acquired` has members of the same names."""

    sockets: list[socket.socket]
    tls_sockets: list[socket.socket]
    tls: "ssl.SSLContext | None"


def acquire(config: Config, log: Log) -> Acquired:
    """Acquire everything that the configuration asks for. If root runs this process, become the database's owner.

    Raises:
        StartError: another process owns the database, or the folder, a port or the certificate cannot be used.
    """
    doors = _doors(config, log)
    ownership = _own(config.database.path)
    if isinstance(doors, StartError):  # only now: another winlogd with the same database is the better reason
        raise doors
    return Acquired(ownership, *doors, _bind_control(path_of(ownership.path), log))


def _doors(config: Config, log: Log) -> _Doors | StartError:
    """Load the certificate. Take the ports that systemd has opened, and bind the others. Return why if that fails."""
    server = config.server
    try:
        tls: Final = _tls_context(config) if server.tls_port else None
        sockets, tls_sockets = _passed_on(server.tls_port, log) if "LISTEN_FDS" in os.environ else ([], [])
        sockets = sockets or _bind(server.host, server.port)
        if tls is not None:
            tls_sockets = tls_sockets or _bind(server.host, server.tls_port)
        return _Doors(sockets, tls_sockets, tls)
    except StartError as error:
        return error


def _passed_on(tls_port: int, log: Log) -> "Inherited":
    """Return the sockets that systemd has opened, and log what they replace. Raise `StartError` if they are wrong."""
    from winlogd.daemon.inherited import InheritedError, inherited  # loaded only if there may be any

    try:
        taken = inherited(os.environ)
    except InheritedError as error:
        raise StartError(str(error)) from None
    if taken.tls_sockets and not tls_port:
        raise StartError(
            "systemd has opened a port for TLS (FileDescriptorName=https), but server.tls_port is 0: set it, with"
            " server.tls_certificate and server.tls_key, or disable that socket"
        )
    if taken.sockets:
        log.info("server", "systemd has opened the port; server.host and server.port are not used")
    if taken.tls_sockets:
        log.info("server", "systemd has opened the port for TLS; server.host and server.tls_port are not used")
    return taken


def _own(path: str) -> Ownership:
    """Become the owner of the database at `path`, as a user and as a process. Raise `StartError` if that fails."""
    try:
        _leave_root(path)
        return Ownership(path)
    except OwnedError as error:
        raise StartError(f"{error}: stop it first, or give this one another database.path") from None
    except OSError as error:
        raise StartError(folder_fault(error)) from None


def _leave_root(path: str) -> None:
    """If root runs this process, become the owner of the folder of the database `path`. Else load nothing for it."""
    if os.geteuid():
        return
    from winlogd.daemon.privileges import PrivilegesError, become_owner

    try:
        become_owner(path)
    except PrivilegesError as error:
        raise StartError(str(error)) from None


def _tls_context(config: Config) -> "ssl.SSLContext":
    """Load the certificate and its key. Raise `StartError` if they cannot be used."""
    from winlogd.http.tls import CertificateError, server_context  # loaded only if the configuration wants TLS

    try:
        return server_context(config.server.tls_certificate, config.server.tls_key)
    except CertificateError as error:
        raise StartError(f"no TLS with server.tls_certificate and server.tls_key: {error}") from None


def _bind(host: str, port: int) -> list[socket.socket]:
    """Bind sockets to every address of `host`. Raise `StartError` if that fails."""
    try:
        return bind(host, port)
    except OSError as error:
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None


def _bind_control(path: str, log: Log) -> ControlSocket | None:
    """Bind the control socket. Return None and log a warning if that fails.

    Call this before another thread makes files, because the process has another umask for a moment.
    """
    try:
        return ControlSocket(bind_control(path), path)
    except OSError as error:
        log.warn(
            "server", "no control socket: winlogd's commands will not reach this server", path=path,
            cause=error.strerror,
        )  # fmt: skip
        return None
