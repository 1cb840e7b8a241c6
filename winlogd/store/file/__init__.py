"""The database file: its tables, its settings, its owner and its disk."""
