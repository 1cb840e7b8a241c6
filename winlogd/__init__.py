"""winlogd: collects logon, logoff and hardware events from workstations and keeps them in SQLite."""

from typing import Final

VERSION: Final = "1.0.0.dev0"
"""The package's version; pyproject.toml says the same, and a test compares the two."""
