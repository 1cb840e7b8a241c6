"""Put files at the paths that a person has named, with the rights of that person.

A command of root becomes the owner of the database's folder, and could write nowhere else then. So root first starts a
second process that stays root. It gets open files, never paths in the owner's folder, where a link could lead
anywhere. This file must not know what is in the files.
"""

import errno
import os
import socket
from contextlib import suppress
from typing import Final, NoReturn

from winlogd.commands.terminal import FailedError
from winlogd.store.backup.files import make_part, publish, sync_folder

_ROOT: Final = 0
_PIECE_BYTES: Final = 1 << 20
_MESSAGE_BYTES: Final = 65_536
_DONE: Final = b"\n"
"""The answer of the second process if it has put the file in its place. Otherwise the answer is a sentence."""


class Placer:
    """Puts files in their places with the rights that this process has now, even if it gives them up later."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._child = 0
        if os.geteuid() != _ROOT:
            return
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._child = os.fork()
        if not self._child:
            self._socket.close()
            _serve(other)
        other.close()

    def place(self, source: str, target: str) -> None:
        """Copy `source` to `target`, readable by its owner only and synced. Never replace a file.

        Raises:
            FailedError: there is something at `target`, or it cannot be written.
        """
        try:
            descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise FailedError(f"{source} cannot be read: {error.strerror}") from None
        try:
            fault = _put(descriptor, target) if self._socket is None else self._asked(descriptor, target)
        finally:
            os.close(descriptor)
        if fault:
            raise FailedError(fault)

    def close(self) -> None:
        """End the second process."""
        if self._socket is not None:
            self._socket.close()
            os.waitpid(self._child, 0)
            self._socket = None

    def _asked(self, descriptor: int, target: str) -> str:
        assert self._socket is not None
        socket.send_fds(self._socket, [os.fsencode(target)], [descriptor])
        answer = self._socket.recv(_MESSAGE_BYTES)
        return "" if answer == _DONE else os.fsdecode(answer) or "the process that writes the file has ended"


def _serve(sock: socket.socket) -> NoReturn:
    """Put files in their places until the other end is closed."""
    try:
        while True:
            target, descriptors, _, _ = socket.recv_fds(sock, _MESSAGE_BYTES, 1)
            if not target:
                break
            fault = _put(descriptors[0], os.fsdecode(target))
            os.close(descriptors[0])
            sock.send(os.fsencode(fault) or _DONE)
    except (OSError, KeyboardInterrupt):
        os._exit(1)
    os._exit(0)


def _put(descriptor: int, target: str) -> str:
    """Copy the open file to `target`. Return what is wrong; empty if nothing is."""
    part = f"{target}.{os.getpid()}.part"
    try:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        make_part(part)
        try:
            _copy(descriptor, part)
            publish(part, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)
        sync_folder(os.path.dirname(target))
    except FileExistsError:
        return f"{target} exists already, and is not replaced"
    except OSError as error:
        return f"{target} cannot be written: {error.strerror}"
    return ""


def _copy(descriptor: int, part: str) -> None:
    out = os.open(part, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        at_byte = 0
        while piece := os.pread(descriptor, _PIECE_BYTES, at_byte):
            at_byte += len(piece)
            while piece:
                piece = piece[os.write(out, piece) :]
        os.fsync(out)
    finally:
        os.close(out)
