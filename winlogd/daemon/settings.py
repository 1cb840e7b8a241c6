"""What the server and a command that owns the database both need: its settings, and a sentence for its folder.

This file must not know how either of them goes on.
"""

from typing import Final

from winlogd.config.sections import Config
from winlogd.store.file.settings import Settings

_MB_BYTES: Final = 1_000_000


def settings_of(config: Config, path: str) -> Settings:
    """Return the store's settings for the database at `path`, a real path, from the configuration's sections."""
    database = config.database
    return Settings(
        path,
        database.pragma_journal_mode,
        database.pragma_synchronous,
        database.pragma_busy_timeout,
        database.pragma_cache_size,
        config.limits.min_free_disk * _MB_BYTES,
    )


def folder_fault(error: OSError) -> str:
    """Return a sentence that says why nobody can own a database in its folder; `error` is of `Ownership`."""
    return f"the database's folder cannot be used: {error.strerror}: {error.filename}"
