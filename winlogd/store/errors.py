"""The store's own errors.

Callers of the store catch these errors. SQLite's own (`apsw.Error`) leave the store only where a docstring says so.
Which of those may pass is in `store.file.faults`. This file must not load SQLite.
"""

from typing import Final


class UnusableError(Exception):
    """The database cannot be opened, and waiting does not help. The text says why, for the log."""


class SchemaError(Exception):
    """winlogd cannot use the file's tables. The text continues a sentence that begins with the file's path."""


class ReplacedError(Exception):
    """The path leads to another file than the open one, or to none. An event that is committed now would be lost."""


class OwnedError(Exception):
    """Another process owns the database."""


class LowSpaceError(Exception):
    """The database's disk has less free space than `limits.min_free_disk`. Nothing was written."""


class RowsLostError(Exception):
    """SQLite reported success and stored fewer rows: triggers with RAISE(IGNORE) do that (lang_createtrigger.html)."""


NOT_STORED: Final = "a trigger on events_today keeps rows from being stored"
"""The text of a `RowsLostError` after an INSERT into ``events_today``."""


class JobCutShortError(Exception):
    """winlogd stopped before a job had ended. The text says so."""


class StoppedError(Exception):
    """A stop was requested while the database could not be opened, and no event waits for it."""


class QuestionRefusedError(Exception):
    """A question was not asked: too many wait, or the reader is not ready. It may be asked again a little later."""


class QuestionTooLongError(Exception):
    """A question took too long. It has to be narrowed."""

    def __init__(self) -> None:
        super().__init__("it takes too long")


class QuestionFailedError(Exception):
    """A question has raised what ends a program, or the reader's thread has ended. The text says which."""


class PastChangedError(Exception):
    """A build ended or a rebuild began during a question: what it has found so far and what follows do not fit.

    A question that was asked without a cursor may be asked again at once. A cursor of the earlier state has ended.
    """
