"""The two readers of a server: one for questions, and one for downloads, which last longer.

Most servers only take events. So nothing of it is loaded before somebody asks.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded when somebody asks, or types only
    from winlogd.store.file.settings import Settings
    from winlogd.store.read.reader import Reader


class Readers:
    """Both readers, each made when it is needed. Each has a thread and a connection of its own while it is used.

    Args:
        loop: the event loop. All methods are called on its thread.
        settings: the database.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: "Settings") -> None:
        self._loop = loop
        self._settings = settings
        self._questions: Reader | None = None
        self._downloads: Reader | None = None
        self._is_open = self._is_stopping = False

    @property
    def questions(self) -> "Reader":
        """Return the reader that answers what a person asks."""
        if self._questions is None:
            self._questions = self._made()
        return self._questions

    @property
    def downloads(self) -> "Reader":
        """Return the reader that answers for lists that are sent in pieces."""
        if self._downloads is None:
            self._downloads = self._made()
        return self._downloads

    def begin(self) -> None:
        """Let questions be asked: the database is open."""
        self._is_open = True
        for reader in (self._questions, self._downloads):
            if reader is not None:
                reader.begin()

    def stop(self, ended: Callable[[], None]) -> None:
        """Interrupt what is being answered, and close both connections. `ended` is called afterwards."""
        self._is_stopping = True
        self._stop(self._questions, lambda: self._stop(self._downloads, ended))

    def _made(self) -> "Reader":
        """Return a new reader that is as far as the server is: a stopped one refuses all questions."""
        from winlogd.store.read.reader import Reader

        reader = Reader(self._loop, self._settings)
        if self._is_open:
            reader.begin()
        if self._is_stopping:
            reader.stop(_nothing)
        return reader

    def _stop(self, reader: "Reader | None", ended: Callable[[], None]) -> None:
        if reader is None:
            ended()
        else:
            reader.stop(ended)


def _nothing() -> None:
    """Do nothing."""
