"""The store's own errors.

Whoever uses the store catches these. apsw's own errors leave the store only where a docstring says so. Which of them
may pass is in `store.file.faults`. This file loads no SQLite.
"""

from typing import Final


class UnusableError(Exception):
    """The database cannot be opened, now or ever; the text says why, for the log."""


class SchemaError(Exception):
    """The file's tables are not ones that winlogd can use; the text goes on after the file's path."""


class ReplacedError(Exception):
    """The path no longer leads to the file that is open. Whatever is committed now would be lost."""


class OwnedError(Exception):
    """Another process owns the database."""


class LowSpaceError(Exception):
    """The database's disk has less free space than `limits.min_free_disk`. Nothing was written."""


class RowsLostError(Exception):
    """SQLite reported success and stored fewer rows: triggers with RAISE(IGNORE) do that (lang_createtrigger.html)."""


NOT_STORED: Final = "a trigger on events_today keeps rows from being stored"
"""The text of a `RowsLostError` after an INSERT into ``events_today``."""


class JobCutShortError(Exception):
    """A job did not come to its end, because winlogd stops; the text says so."""


class StoppedError(Exception):
    """A stop was asked for while the database could not be opened, and no event waits for it."""
