"""Where an export goes: standard output, or a new file that only its owner can read.

This file must not know what is exported.
"""

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from winlogd.commands.keeper import Keeper
from winlogd.commands.terminal import OK, FailedError, warn, write_octets

if TYPE_CHECKING:  # types only
    from hashlib import _Hash

_MODE: Final = 0o600
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class OutputFailedError(Exception):
    """Standard output cannot be written. The person knows why already."""


class NewFile:
    """A new file, which gets its name when it is whole. Until then it has the ending ``.part`` and a number.

    Make it before root becomes another user: then it may be in a folder of root's.

    Args:
        path: its path.

    Attributes:
        path: the same path.
        octets: how many octets were written.

    Raises:
        FailedError: there is such a file, or it cannot be made.
    """

    is_terminal: Final = False

    def __init__(self, path: str) -> None:
        import hashlib

        self.path: Final = path
        self.octets = 0
        self._digest: _Hash = hashlib.sha256()
        if os.path.lexists(path):
            raise FailedError(f"{path} exists: move it away, or take another name; no file is replaced")
        part = f"{path}.{os.getpid()}.part"
        try:
            self._descriptor: Final = os.open(part, _FLAGS, _MODE)
        except OSError as error:
            raise FailedError(f"{path} cannot be made: {error.strerror}") from None
        self._keeper: Final = Keeper(part, path)

    def write(self, octets: bytes) -> None:
        """Write octets.

        Raises:
            FailedError: they cannot be written.
        """
        left = memoryview(octets)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise FailedError(f"{self.path} cannot be written: {error.strerror}") from None
        self._digest.update(octets)
        self.octets += len(octets)

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of what was written, as hexadecimal digits."""
        return self._digest.hexdigest()

    def end(self) -> None:
        """Wait until the file is on the disk. Then give it its name.

        Raises:
            FailedError: the disk fails, or somebody has made a file of this name meanwhile.
        """
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise FailedError(f"{self.path} cannot be written: {error.strerror}") from None
        self._keeper.publish()

    def give_up(self) -> None:
        """Empty the file and remove it: it is not whole, or its manifest is not."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        with suppress(OSError):
            os.close(self._descriptor)
        try:
            self._keeper.remove()
        except FailedError as error:
            warn(f"an empty file is left: {error}")


class StandardOutput:
    """Standard output, with the methods of `NewFile`."""

    path: Final = "standard output"

    def __init__(self) -> None:
        self.is_terminal: Final = sys.stdout is not None and sys.stdout.isatty()

    def write(self, octets: bytes) -> None:
        """Write octets.

        Raises:
            OutputFailedError: they cannot be written.
        """
        if write_octets(octets) != OK:
            raise OutputFailedError

    def end(self) -> None:
        """Leave standard output open."""

    def give_up(self) -> None:
        """Leave what was written."""


Output = NewFile | StandardOutput
"""Where the octets go."""
