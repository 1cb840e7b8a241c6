"""What the server and a command without a server both need to open a database: its settings, and a message.

This file must not know what either of them does with the database.
"""

from typing import Final

from winlogd.config.sections import Config
from winlogd.store.file.settings import Settings

_MB_BYTES: Final = 1_000_000


def settings_of(config: Config, path: str) -> Settings:
    """Return the settings of `config` for the database at `path`, a real path."""
    database = config.database
    return Settings(
        path,
        database.pragma_journal_mode,
        database.pragma_synchronous,
        database.pragma_busy_timeout,
        database.pragma_cache_size,
        least_free_bytes(config),
    )


def least_free_bytes(config: Config) -> int:
    """Return the free space that the database's disk must have."""
    return config.limits.min_free_disk * _MB_BYTES


def folder_fault(error: OSError) -> str:
    """Return a sentence about `error`, with which `Ownership` could not make or lock a file in the folder."""
    return f"the database's folder cannot be used: {error.strerror}: {error.filename}"
