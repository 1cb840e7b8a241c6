"""Joins the configuration to the store's own settings, for whatever opens a database."""

from typing import Final

from winlogd.config.sections import Config
from winlogd.store.file.settings import Settings

_MB_BYTES: Final = 1_000_000


def settings_of(config: Config, path: str) -> Settings:
    """As the sections ``[database]`` and ``[limits]`` say, for `path`, the real path of the database's file."""
    database = config.database
    return Settings(
        path,
        database.pragma_journal_mode,
        database.pragma_synchronous,
        database.pragma_busy_timeout,
        database.pragma_cache_size,
        config.limits.min_free_disk * _MB_BYTES,
    )
