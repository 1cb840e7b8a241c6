"""Writes the writer's reports to the log. Called on the writer's thread: the log takes lines from any thread."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.log.log import Log
from winlogd.sessions.pair import Closed, Decision
from winlogd.store.submission import Result, Submission

if TYPE_CHECKING:
    import apsw

    from winlogd.sessions.book import Book

_FIELDS: Final = ("id", "action", "user", "host", "session", "address")
_FIELDS_WITHOUT_NAMES: Final = ("id", "action", "host", "address")
_CLOSED_FIELDS: Final = ("id", "user", "host", "session", "logon")
_CLOSED_FIELDS_WITHOUT_NAMES: Final = ("id", "host", "logon")
"""A session's identifier begins with the user's name. `logon` is the id of the event that opened the session."""


class Writability(NamedTuple):
    """If events can be stored.

    Attributes:
        is_writable: True if the last attempt has succeeded, or if there was none.
        since_s: since when, in seconds since 1970: since the first success after the last fault, or the start; or
            since the first event that could not be stored.
        why: why not, in plain words; None while events can be stored.
    """

    is_writable: bool
    since_s: float
    why: str | None

    def after_fault(self, cause: str, now_s: float) -> "Writability":
        """Return what is so after a fault. It lasts since the first one."""
        return Writability(False, now_s if self.is_writable else self.since_s, cause)


class StoreState(NamedTuple):
    """How a store is at one moment.

    Attributes:
        book: the open sessions; None until they are in memory. Events that come before wait.
        is_stopping: True if it ends, or has ended.
        queued: how many places of the queue are taken. Events that exceed the queue count, too.
        most_queued: how many places there are.
    """

    book: "Book | None"
    is_stopping: bool
    queued: int
    most_queued: int


def plain_cause(error: Exception) -> str:
    """Return why the database cannot be written, for a person: an error's text without the name of its kind."""
    name, colon, text = str(error).partition(": ")
    return text if colon and name.endswith("Error") else str(error)


class Reporting:
    """Reports on one database.

    Args:
        log: the log that gets the lines.
        path: the database file, for the lines.
        names: log users' names, too.

    Attributes:
        logs_names: as `names`. Any thread may set it.
    """

    __slots__ = ("_log", "_path", "_was_loaded", "logs_names")

    def __init__(self, log: Log, path: str, *, names: bool) -> None:
        self._log = log
        self._path = path
        self.logs_names = names
        self._was_loaded = False

    def upgraded(self) -> None:
        """Log that an older server's database was upgraded."""
        self._log.info("store", "database of an older server upgraded in place", path=self._path)

    def loaded(self, open_sessions: int) -> None:
        """Log that open sessions are in memory, once: while a disk fails, they are loaded many times a second."""
        if not self._was_loaded:
            self._was_loaded = True
            self._log.info("store", "database opened", path=self._path, open_sessions=open_sessions)

    def waiting(self, error: Exception) -> None:
        """Log that the database cannot be written for now, and why."""
        self._log.warn(
            "store", "the database cannot be written for now; events wait", path=self._path, cause=str(error)
        )

    def recovered(self) -> None:
        """Log that the database can be written again."""
        self._log.info("store", "the database can be written again", path=self._path)

    def wal_grown(self, size_bytes: int, fault: "apsw.Error | None") -> None:
        """Log that the WAL has become large.

        Args:
            size_bytes: its size.
            fault: the error of the last checkpoint; None if a reader keeps the pages in the WAL.
        """
        cause = "a program reads or writes the database without a pause" if fault is None else str(fault)
        self._log.warn(
            "store", "the WAL grows, because it cannot be moved into the database; events are stored in it meanwhile",
            path=self._path, mib=size_bytes >> 20, cause=cause,
        )  # fmt: skip

    def failed(self, error: Exception, submission: Submission) -> None:
        """Log that one event could not be stored, with the traceback and the client's address."""
        self._log.exception("store", "an event could not be stored", error, address=submission.source_ip)

    def finished(self, results: Sequence[Result]) -> None:
        """Log a line for each event that is stored, and one for each session that such an event has closed."""
        if not self._log.enabled("info"):
            return
        stored = [
            (submission.event, submission.source_ip, decision)
            for submission, decision in results
            if type(decision) is Decision and not decision.is_retry
        ]
        rows: list[tuple[object, ...]]
        if self.logs_names:
            names: tuple[str, ...] = _FIELDS
            rows = [
                (decision.event_id, event.action, event.username, event.hostname, decision.session_uuid, address)
                for event, address, decision in stored
            ]
        else:
            names = _FIELDS_WITHOUT_NAMES
            rows = [(decision.event_id, event.action, event.hostname, address) for event, address, decision in stored]
        self._log.each("info", "store", "event stored", names, rows)
        closed = [each for _, _, decision in stored if decision.closed for each in decision.closed]
        if closed:
            self._log_closed(closed)

    def _log_closed(self, closed: list[Closed]) -> None:
        rows: list[tuple[object, ...]]
        if self.logs_names:
            names: tuple[str, ...] = _CLOSED_FIELDS
            rows = [
                (
                    each.event_id,
                    each.session.username,
                    each.session.hostname,
                    each.session.session_uuid,
                    each.session.event_id,
                )
                for each in closed
            ]
        else:
            names = _CLOSED_FIELDS_WITHOUT_NAMES
            rows = [(each.event_id, each.session.hostname, each.session.event_id) for each in closed]
        self._log.each("info", "store", "session closed by the next logon", names, rows)
