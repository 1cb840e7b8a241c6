"""The two readers of a server: one for questions, and one for downloads, which last longer."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from winlogd.store.read.limits import Limits
from winlogd.store.read.reader import Reader

if TYPE_CHECKING:  # types only
    from winlogd.store.file.settings import Settings


class Readers:
    """Both readers. Each has a thread and a connection of its own while it is needed.

    Args:
        loop: the event loop. All methods are called on its thread.
        settings: the database.

    Attributes:
        questions: answers what a person asks.
        downloads: answers for lists that are sent in pieces.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: "Settings") -> None:
        self.questions: Final = Reader(loop, settings, Limits())
        self.downloads: Final = Reader(loop, settings, Limits())

    def begin(self) -> None:
        """Let questions be asked: the database is open."""
        self.questions.begin()
        self.downloads.begin()

    def stop(self, ended: Callable[[], None]) -> None:
        """Interrupt what is being answered, and close both connections. `ended` is called afterwards."""
        self.questions.stop(lambda: self.downloads.stop(ended))
