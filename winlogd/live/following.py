"""Keeps the state of all machines up to date: decides when the reader is asked, and for which machines.

One question is under way at a time. What changes meanwhile waits for the next one. All methods run on the event loop's
thread. This file must not know what becomes of a change.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

from winlogd.events.names import short_host
from winlogd.live.questions import Asking, Some, Whole
from winlogd.live.spelling import Spelling
from winlogd.live.state import Difference, State
from winlogd.sessions.changes import Changes
from winlogd.sessions.pair import host_of
from winlogd.sessions.session import US
from winlogd.store.errors import QuestionRefusedError, QuestionTooLongError

if TYPE_CHECKING:  # types only
    from winlogd.store.read.filters import Site
    from winlogd.store.read.reader import Reader
    from winlogd.store.store import Store

WINDOW_S: Final = 0.15
"""Changes that come within this time make one event. With the question that follows, an event takes a quarter of a
second at most."""
_LOOK_EVERY_S: Final = 5.0
"""Look at least this often for what nobody reports: rows of other programs while no event comes, another day, another
configuration. Only while there are feeds."""
_FRESH_S: Final = 1.0
"""A state that was asked for less than this ago, and of which no change is known since, needs no question."""
_WHOLE_EVERY_S: Final = 300.0
"""Ask for all machines this often: the sessions of the last week make a room's free machines known or unknown."""
_MOST_LABELS: Final = 500
"""Ask for all machines if more than this many may have changed. The event loop takes 2 ms to update so many; all are
compared on the reader's thread."""
_MOST_LABELS_AFTER: Final = 2_000
"""The same after a question for all. At 1 000 events a second, more than 500 may change while all of 5 000 are read.
Then all would be read once more. The event loop takes 8 ms to update so many, once."""
_RETRY_S: Final = 1.0
"""Ask again this long after a fault."""
_PAUSE_S: Final = 0.1
"""Ask no sooner than this after the last question, even if somebody waits."""
_WHO: Final = "live"
"""The name under which the reader counts these questions."""

Ready = Callable[[State | Exception], None]


@final
class Following:
    """The state, while it is followed.

    Args:
        loop: the event loop.
        reader: answers questions.
        store: its Book notes changes.
        site: returns what is known of the site.
        spelling: writes machines and rooms.
        changed: called with the state and what differs, after each answer.
        restarted: called when any machine may have changed: rows may be gone that earlier changes show.

    Attributes:
        hurries: True while there are feeds: changes are asked for by themselves. Otherwise only `when_fresh` asks.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reader: "Reader",
        store: "Store[Any]",
        site: "Callable[[], Site]",
        spelling: Spelling,
        changed: Callable[[State, Difference], None],
        restarted: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._reader = reader
        self._store = store
        self._site = site
        self._spelling = spelling
        self._changed = changed
        self._restarted = restarted
        self.hurries = False
        self._changes: Changes | None = None
        self._state: State | None = None
        self._labels: set[str] = set()
        self._has_news = False
        self._needs_whole = True
        self._was_whole = False
        self._day_ends_us = 0
        self._whole_at_s = self._asked_at_s = 0.0
        self._waiting: list[Ready] = []
        self._is_asking = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = 0.0

    def begin(self) -> None:
        """Begin to follow."""
        self._changes = Changes(self._announce)
        self._needs_whole = True
        self._store.follow(self._changes)
        self._plan()

    def end(self) -> None:
        """Follow no more, and forget the state."""
        self._store.follow(None)
        self._refuse(self._waiting)
        self._waiting = []
        self._changes = self._state = None
        self._labels.clear()
        self._has_news = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hurry(self, hurries: bool) -> None:
        """Ask for changes by itself from now on, or only when somebody waits."""
        self.hurries = hurries
        self._plan()

    def when_fresh(self, ready: Ready) -> None:
        """Call `ready` with a state that has all that is committed now, or with the error of a question."""
        state = self._state
        is_fresh = self.hurries and self._loop.time() - self._asked_at_s < _FRESH_S
        if state is not None and is_fresh and not (self._has_news or self._needs_whole or self._is_asking):
            ready(state)
            return
        self._waiting.append(ready)
        self._plan()

    def _announce(self) -> None:
        """Have the loop take what the Book has noted. Called on the writer's thread, or on the loop's."""
        self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        """Take what the Book has noted."""
        if self._changes is None:
            return
        taken = self._changes.take()
        self._has_news = True
        if taken is None:
            self._needs_whole = True
            self._restarted()
        else:
            self._labels.update(short_host(host_of(key)) for key in taken)
        self._plan()

    def _plan(self) -> None:
        """Ask soon if somebody waits, a little later for a change, and else when time may have changed something."""
        if self._is_asking or self._changes is None:
            return
        if self._waiting:
            self._ask_in(_PAUSE_S - (self._loop.time() - self._asked_at_s))
        elif self.hurries and (self._has_news or self._needs_whole):
            self._ask_in(WINDOW_S)
        elif self.hurries:
            turn_us = None if self._state is None else self._state.next_turn_us
            turn_s = _LOOK_EVERY_S if turn_us is None else turn_us / US - time.time()
            self._ask_in(min(max(turn_s, WINDOW_S), _LOOK_EVERY_S))

    def _ask_in(self, delay_s: float) -> None:
        """Ask after a delay, or earlier if that is planned."""
        at_s = self._loop.time() + max(delay_s, 0.0)
        if self._timer is not None:
            if self._timer_at_s <= at_s:
                return
            self._timer.cancel()
        self._timer_at_s = at_s  # uvloop's handle of a delay that rounds to zero does not know its time
        self._timer = self._loop.call_at(at_s, self._ask)

    def _ask(self) -> None:
        self._timer = None
        site, state, now_us = self._site(), self._state, int(time.time() * US)
        self._is_asking, self._asked_at_s = True, self._loop.time()
        waiting, self._waiting = self._waiting, []
        labels, self._labels = self._labels, set()
        is_whole, self._needs_whole, self._has_news = self._needs_whole, False, False
        if state is not None:
            labels |= state.turned(now_us)
        is_whole |= self._asked_at_s >= self._whole_at_s or now_us >= self._day_ends_us
        is_whole |= state is None or state.site is not site
        is_whole |= len(labels) > (_MOST_LABELS_AFTER if self._was_whole else _MOST_LABELS)
        self._was_whole = is_whole
        asking, changes = Asking(site, self._spelling, now_us), self._changes

        def answered(outcome: Whole | Some | Exception) -> None:
            self._is_asking = False
            if isinstance(outcome, Exception):
                self._fail(outcome, waiting, labels, is_whole)
            elif changes is not self._changes:  # it has ended meanwhile, and perhaps begun again
                self._refuse(waiting)
            else:
                self._take(outcome, waiting)
            self._plan()

        if is_whole or state is None:
            self._reader.ask(_WHO, lambda access: asking.whole(access, state), answered)
        else:
            known = state.known
            self._reader.ask(_WHO, lambda access: asking.some(access, labels, known), answered)

    def _take(self, outcome: Whole | Some, waiting: list[Ready]) -> None:
        if isinstance(outcome, Whole):
            state, difference = outcome.state, outcome.difference
            self._state, self._day_ends_us = state, outcome.day_ends_us
            self._whole_at_s = self._asked_at_s + _WHOLE_EVERY_S
        elif outcome.is_partial or self._state is None:
            self._needs_whole = True
            self._waiting = waiting + self._waiting
            return
        else:
            state = self._state
            difference = state.update(outcome.machines, outcome.known)
        self._changed(state, difference)
        for ready in waiting:
            ready(state)

    @staticmethod
    def _refuse(waiting: list[Ready]) -> None:
        for ready in waiting:
            ready(QuestionRefusedError("the state is not followed any more"))

    def _fail(self, error: Exception, waiting: list[Ready], labels: set[str], is_whole: bool) -> None:
        """Report an error to those who wait, and ask again later for the same machines."""
        self._labels |= labels
        self._has_news = True
        self._needs_whole |= is_whole
        if self._changes is not None and self.hurries:
            self._ask_in(_RETRY_S)
        for ready in waiting:
            ready(error)
        if _is_fault(error):
            self._loop.call_exception_handler({"message": "the live state could not be read", "exception": error})


def _is_fault(error: Exception) -> bool:
    """Return True if an error is one of this server's, which the log has to show."""
    from winlogd.store.file.faults import LOCKS  # loads SQLite, which the reader has loaded by now

    return not isinstance(error, (QuestionRefusedError, QuestionTooLongError, *LOCKS))
