"""The past in SQLite: one row a session in ``winlogd_past``, and what belongs to it."""
