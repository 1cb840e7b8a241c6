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
