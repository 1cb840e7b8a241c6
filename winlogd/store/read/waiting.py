"""The questions that wait for the reader's thread, in order. This file must not know what is asked."""

import threading
from collections.abc import Callable, Hashable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access


class Asked:
    """One question that waits, or is being answered. It is equal to no other object.

    Attributes:
        who: the reader, whose questions are counted together.
        question: called on the reader's thread.
        answered: called on the event loop's thread.
        waits: called on the event loop's thread; returns True while somebody waits for the answer.
        same: equal for questions that one answer suits; None for one that is like no other.
        asked_s: when it was asked, on `time.monotonic`'s clock.
        is_left: it was refused while it waited, or while it was being answered. The event loop writes it, and the
            reader's thread looks at it.
        place: where it waits, with those that are equal; None before and after. It belongs to `Waiting`.
    """

    __slots__ = ("answered", "asked_s", "is_left", "place", "question", "same", "waits", "who")

    def __init__(
        self,
        who: str,
        question: "Callable[[Access], Any]",
        answered: Callable[[Any], None],
        waits: Callable[[], bool],
        same: Hashable | None,
        asked_s: float,
    ) -> None:
        self.who = who
        self.question = question
        self.answered = answered
        self.waits = waits
        self.same = same
        self.asked_s = asked_s
        self.is_left = False
        self.place: list[Asked] | None = None


class Waiting:
    """The questions that wait, in order. The event loop puts them in, and the reader's thread takes them out.

    Equal ones share a place, and one answer. It is read after all of them were asked, so none of them gets what is
    older than its request.
    """

    __slots__ = ("_lock", "_places", "_queue")

    def __init__(self) -> None:
        self._queue: SimpleQueue[list[Asked] | None] = SimpleQueue()
        self._places: dict[Hashable, list[Asked]] = {}
        self._lock = threading.Lock()  # whoever joins a place is in it before its question begins

    def put(self, asked: Asked) -> None:
        """Let a question wait: in the place of an equal one, or behind all others."""
        with self._lock:
            place = [] if asked.same is None else self._places.setdefault(asked.same, [])
            place.append(asked)
            asked.place = place
        if len(place) == 1:
            self._queue.put(place)

    def drop(self, asked: Asked) -> None:
        """Forget a question, unless it is being answered. Its place stays, empty if nobody else waits there."""
        with self._lock:
            if asked.place is None:
                return
            asked.place.remove(asked)
            if not asked.place and asked.same is not None:
                del self._places[asked.same]
            asked.place = None

    def put_end(self) -> None:
        """Let the thread end after the questions that wait."""
        self._queue.put(None)

    def take(self, timeout_s: float) -> list[Asked] | None:
        """Return the equal questions that are next, in the order in which they were asked. Nobody joins them now.

        The last one's question suits all of them: it was asked at a time at which all waited. Return none if all were
        dropped, and None for the end.

        Raises:
            queue.Empty: nothing waits after so many seconds.
        """
        place = self._queue.get(timeout=timeout_s) if timeout_s else self._queue.get_nowait()
        if place is None:
            return None
        with self._lock:
            if place and place[0].same is not None:
                del self._places[place[0].same]
            for asked in place:
                asked.place = None
        return place

    @property
    def is_empty(self) -> bool:
        """Return True if nothing waits."""
        return self._queue.empty()
