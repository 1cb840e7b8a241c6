"""The error of backups. This file must not load SQLite."""


class BackupFailedError(Exception):
    """There is no backup, or it was not restored. The text says why. Nothing was replaced."""
