"""Answers one question in a process of its own, with or without a running server. It writes nothing.

The process owns nothing and may end at any time. This file must not know threads, or what is asked.
"""

import os
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import apsw

from winlogd.store.errors import ReplacedError, SchemaError, UnusableError
from winlogd.store.file.schema import check_readable
from winlogd.store.file.settings import Settings
from winlogd.store.pauses import Pauses
from winlogd.store.read.access import Access
from winlogd.store.read.limits import Limits
from winlogd.store.read.uri import is_at_rest, uri_of

T = TypeVar("T")

_LIMITS: Final = Limits(question_s=600.0, snapshot_s=5.0)
"""A person who has started a command can end it. One snapshot of five seconds costs the server some WAL."""
_FEW_ROWS: Final = 50
"""With pauses, so many rows of today are read at a time: 1 ms of work."""
_MOST_ATTEMPTS: Final = 3
_LOCK_MS: Final = 5_000
"""The longest wait for a lock of another program. Nobody waits half a minute for a table."""
_FLAGS: Final = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


class _Stamp(NamedTuple):
    """What changes when somebody writes a file that was at rest."""

    is_at_rest: bool
    inode: int
    octets: int
    changed_ns: int


def answer_once(
    settings: Settings, question: Callable[[Access], T], is_repeatable: bool = True, pauses: Pauses | None = None
) -> T:
    """Return the answer to a question.

    A server that starts meanwhile may write a file that was at rest at the beginning. Then the question is asked again.

    Args:
        settings: the database.
        question: the question.
        is_repeatable: False if the question has effects, so that it must not be asked again.
        pauses: makes pauses while today is read, and in all statements; None if it makes none.

    Raises:
        UnusableError: the file is no database of winlogd's, or has to be upgraded first.
        ReplacedError: the file was replaced, or a server has started while a question was asked that is not repeatable.
        QuestionTooLongError: the question took too long.
        OSError: the file cannot be read.
        apsw.Error: SQLite's own.
    """
    settings = settings._replace(busy_timeout_ms=min(settings.busy_timeout_ms, _LOCK_MS))
    for attempt in range(1, _MOST_ATTEMPTS + 1):
        before = _stamp(settings.path)
        try:
            answer = _answer(settings, question, pauses)
        except (apsw.Error, UnusableError):
            if _stamp(settings.path) == before or not before.is_at_rest or attempt == _MOST_ATTEMPTS:
                raise
        else:
            if not before.is_at_rest or _stamp(settings.path) == before:
                return answer
        if not is_repeatable:
            break
    raise ReplacedError(f"{settings.path} was changed by a server that has just started")


def read_once(settings: Settings, read: Callable[[apsw.Connection], T]) -> T:
    """Return what `read` finds in one snapshot of the tables, however long it takes.

    Raises:
        UnusableError: the file is no database of winlogd's, or has to be upgraded first.
        OSError: the file cannot be read.
        apsw.Error: SQLite's own.
    """
    try:
        connection = _opened(uri_of(settings.path), min(settings.busy_timeout_ms, _LOCK_MS))
    except SchemaError as error:
        raise UnusableError(f"{settings.path} {error}") from None
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise UnusableError(f"{settings.path} is not a database, or a damaged one ({error})") from None
    try:
        connection.execute("BEGIN")
        return read(connection)
    finally:
        connection.close()


def _answer(settings: Settings, question: Callable[[Access], T], pauses: Pauses | None) -> T:
    uri = uri_of(settings.path)
    try:
        _opened(uri, settings.busy_timeout_ms).close()
    except SchemaError as error:
        raise UnusableError(f"{settings.path} {error}") from None
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise UnusableError(f"{settings.path} is not a database, or a damaged one ({error})") from None
    access = Access(settings, _LIMITS, lambda: False, uri, pauses)
    try:
        if pauses is not None:
            _read_today(access, pauses)
        while access.catch_up():
            pass
        access.begin_question()
        return question(access)
    finally:
        access.close()


def _read_today(access: Access, pauses: Pauses) -> None:
    """Read the rows of today that are there now, with pauses. More may come meanwhile than a round reads."""
    for _ in range(access.behind() // _FEW_ROWS):
        access.read_today(_FEW_ROWS)
        pauses.take()


def _opened(uri: str, busy_timeout_ms: int) -> apsw.Connection:
    """Return a connection that only reads, to a database that winlogd can read."""
    connection = apsw.Connection(uri, _FLAGS)
    try:
        connection.set_busy_timeout(busy_timeout_ms)
        check_readable(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _stamp(path: str) -> _Stamp:
    status = os.stat(path)
    return _Stamp(is_at_rest(path), status.st_ino, status.st_size, status.st_mtime_ns)
