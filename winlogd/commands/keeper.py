"""Give a new file its name when it is whole, or remove it, with the rights of the person who runs the command.

A command of root becomes the owner of the database's folder, and may change nothing in a folder of root's then. So root
first starts a second process that stays root. If the command is killed, this process removes the part. This file must
not know what is in the file.
"""

import os
import signal
import socket
from contextlib import suppress
from typing import Final, NoReturn

from winlogd.commands.terminal import FailedError
from winlogd.store.backup.files import publish, sync_folder

_ROOT: Final = 0
_MESSAGE_BYTES: Final = 4096
_PUBLISH: Final = b"publish"
_REMOVE: Final = b"remove"
_DONE: Final = b"\n"
"""The answer of the second process if all went well. Otherwise the answer is a sentence."""


class Keeper:
    """Keeps one new file, with the rights that this process has now.

    Args:
        part: the path of the file, until it is whole.
        target: its path after that.
    """

    def __init__(self, part: str, target: str) -> None:
        self._hands: Final = _Hands(part, target)
        self._socket: socket.socket | None = None
        if os.geteuid() != _ROOT:
            return
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._child = os.fork()
        if not self._child:
            self._socket.close()
            _serve(other, self._hands)
        other.close()

    def publish(self) -> None:
        """Give the file its name, and never replace another one.

        Raises:
            FailedError: there is something at the target, or it cannot be written.
        """
        self._have(_PUBLISH)

    def remove(self) -> None:
        """Remove the file, whichever name it has, and end the second process.

        Raises:
            FailedError: it cannot be removed.
        """
        try:
            self._have(_REMOVE)
        finally:
            if self._socket is not None:
                self._socket.close()
                os.waitpid(self._child, 0)

    def _have(self, order: bytes) -> None:
        if self._socket is None:
            fault = self._hands.obey(order)
        else:
            self._socket.send(order)
            answer = self._socket.recv(_MESSAGE_BYTES)
            fault = "" if answer == _DONE else os.fsdecode(answer) or "the process that writes the file has ended"
        if fault:
            raise FailedError(fault)


class _Hands:
    """Changes names. The arguments are those of `Keeper`."""

    def __init__(self, part: str, target: str) -> None:
        self._part = part
        self._target = target
        self.is_published = False

    def obey(self, order: bytes) -> str:
        """Carry out an order. Return what is wrong; empty if nothing is."""
        try:
            if order == _PUBLISH:
                publish(self._part, self._target)
                self.is_published = True
                sync_folder(os.path.dirname(self._target))
            else:
                os.unlink(self._target if self.is_published else self._part)
        except FileExistsError:
            return f"{self._target} exists: move it away, or take another name; no file is replaced"
        except OSError as error:
            return f"{self._target} cannot be written: {error.strerror}"
        return ""


def _serve(sock: socket.socket, hands: _Hands) -> NoReturn:
    """Obey until the file is removed, or nobody has the other end: the command has ended, or was killed.

    The process of the next keeper has a copy of that end. So it may stay open although this keeper has closed it.
    """
    order = b""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both processes; the command decides
        with suppress(OSError):
            while order != _REMOVE and (order := sock.recv(_MESSAGE_BYTES)):
                sock.send(os.fsencode(hands.obey(order)) or _DONE)
        if order != _REMOVE and not hands.is_published:
            hands.obey(_REMOVE)
    finally:
        os._exit(0)  # never go on with the command's own work
