"""Ask the database of the configuration a question, with or without a running server.

This file must not know what is asked, or how an answer is shown.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import apsw

from winlogd.api.cursor import OldCursorError
from winlogd.commands.database import owner_of, reason_of, to_become
from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config
from winlogd.daemon.settings import settings_of
from winlogd.store.errors import (
    PastChangedError,
    QuestionRefusedError,
    QuestionTooLongError,
    ReplacedError,
    UnusableError,
)
from winlogd.store.file.faults import LOCKS
from winlogd.store.pauses import Pauses
from winlogd.store.read.access import Access
from winlogd.store.read.once import answer_once, read_once

T = TypeVar("T")


def answer_to(
    config: Config,
    path: str,
    words: str,
    question: Callable[[Access], T],
    is_repeatable: bool,
    pauses: Pauses | None = None,
) -> T:
    """Return the answer to a question.

    Args:
        config: says how SQLite treats the database.
        path: the real path of the database.
        words: the command line, for the advice to run it as another user.
        question: the question. The server need not run.
        is_repeatable: False if the question has effects, so that it must not be asked again.
        pauses: makes pauses for the sake of the server; None if it makes none.

    Raises:
        FailedError: the database cannot be read. The text says what to do.
    """
    with _explained(path, words):
        return answer_once(settings_of(config, path), question, is_repeatable, pauses)


def read_from(config: Config, path: str, words: str, read: Callable[[apsw.Connection], T]) -> T:
    """Return what `read` finds in the tables. The other arguments are those of `answer_to`.

    Raises:
        FailedError: the database cannot be read. The text says what to do.
    """
    with _explained(path, words):
        return read_once(settings_of(config, path), read)


@contextmanager
def _explained(path: str, words: str) -> Iterator[None]:
    """Turn what keeps a database from being read into a `FailedError` that says what to do."""
    try:
        yield
    except UnusableError as error:
        raise FailedError(str(error)) from None
    except (ReplacedError, QuestionRefusedError, PastChangedError, OldCursorError) as error:
        raise FailedError(f"{error}; run the command again") from None
    except QuestionTooLongError:
        raise FailedError("the question takes too long: ask for a shorter span, or for a name") from None
    except LOCKS:
        raise FailedError(f"{path} is locked by another program; run the command again") from None
    except (apsw.CantOpenError, apsw.PermissionsError, apsw.ReadOnlyError) as error:
        raise FailedError(_unreadable(path, words, error)) from None
    except apsw.Error as error:
        raise FailedError(f"{path} cannot be read: {error}") from None
    except OSError as error:
        raise FailedError(f"{path} cannot be read: {reason_of(error, path, words)}") from None


def _unreadable(path: str, words: str, error: Exception) -> str:
    """Return what to do if SQLite cannot open the database, although the file itself can be read."""
    if os.geteuid() in (0, owner_of(path)):
        left = "a server was perhaps killed and has left work behind: start it, and it ends that"
        return f"{path} cannot be read: {error}; {left}"
    return f"{path} cannot be read: {error}; {to_become(path, words)}"
