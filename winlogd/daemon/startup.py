"""What a server needs from the machine before it can start, and why it may not get it.

The certificate and sockets, which root alone may be able to get; then the rights of the database's owner; then the
database's ownership and the control socket. Knows the configuration and the system. No event loop runs yet.
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


class StartError(Exception):
    """The server cannot start; the text says why and what to do."""


class ControlSocket(NamedTuple):
    """The control socket, to which commands can connect already, and its path."""

    socket: socket.socket
    path: str


class Acquired(NamedTuple):
    """What a server has before it starts.

    Attributes:
        ownership: of the database.
        sockets: bound for plain HTTP; `tls_sockets` for HTTPS, none without `tls`.
        tls: the certificate and what is allowed, None when no port speaks TLS.
        control: None where the folder cannot have one: the server runs without it.
    """

    ownership: Ownership
    sockets: list[socket.socket]
    tls_sockets: list[socket.socket]
    tls: "ssl.SSLContext | None"
    control: ControlSocket | None


class _Doors(NamedTuple):
    """What a server listens with: the members of `Acquired` that have these names."""

    sockets: list[socket.socket]
    tls_sockets: list[socket.socket]
    tls: "ssl.SSLContext | None"


def acquire(config: Config, log: Log) -> Acquired:
    """Take everything that the configuration asks for. Run as root, go on as the owner of the database's folder.

    Raises:
        StartError: another process owns the database, or its folder, a port or the certificate cannot be had.
    """
    doors = _doors(config)
    ownership = _own(config.database.path)
    if isinstance(doors, StartError):  # only now: when another winlogd has both the port and the database, say so
        raise doors
    return Acquired(ownership, *doors, _bind_control(path_of(ownership.path), log))


def _doors(config: Config) -> _Doors | StartError:
    """Load the certificate and bind the ports; return why, if they cannot be had."""
    server = config.server
    try:
        tls: Final = _tls_context(config) if server.tls_port else None
        sockets = _bind(server.host, server.port)
        return _Doors(sockets, _bind(server.host, server.tls_port) if tls is not None else [], tls)
    except StartError as error:
        return error


def _own(path: str) -> Ownership:
    try:
        _leave_root(path)
        return Ownership(path)
    except OwnedError as error:
        raise StartError(f"{error}: stop it first, or give this one another database.path") from None
    except OSError as error:
        raise StartError(folder_fault(error)) from None


def _leave_root(path: str) -> None:
    """Become the owner of the folder of the database `path`; nothing of it is loaded where root does not run this."""
    if os.geteuid():
        return
    from winlogd.daemon.privileges import PrivilegesError, become_owner

    try:
        become_owner(path)
    except PrivilegesError as error:
        raise StartError(str(error)) from None


def _tls_context(config: Config) -> "ssl.SSLContext":
    from winlogd.http.tls import CertificateError, server_context  # not loaded unless it is wanted

    try:
        return server_context(config.server.tls_certificate, config.server.tls_key)
    except CertificateError as error:
        raise StartError(f"no TLS with server.tls_certificate and server.tls_key: {error}") from None


def _bind(host: str, port: int) -> list[socket.socket]:
    try:
        return bind(host, port)
    except OSError as error:
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None


def _bind_control(path: str, log: Log) -> ControlSocket | None:
    """Bind the control socket before any other thread makes files: for a moment the process has another umask."""
    try:
        return ControlSocket(bind_control(path), path)
    except OSError as error:
        log.warn(
            "server", "no control socket: winlogd's commands will not reach this server", path=path,
            cause=error.strerror,
        )  # fmt: skip
        return None
