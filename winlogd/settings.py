"""Joins the configuration to the store's own settings, for whatever opens a database."""

from winlogd import config
from winlogd.store.database import Settings


def settings_of(database: config.Database, path: str, min_free_bytes: int = 0) -> Settings:
    """As the section ``[database]`` says, for `path`, the real path of its file; see `Settings` for the rest."""
    return Settings(
        path,
        database.pragma_journal_mode,
        database.pragma_synchronous,
        database.pragma_busy_timeout,
        database.pragma_cache_size,
        min_free_bytes,
    )
