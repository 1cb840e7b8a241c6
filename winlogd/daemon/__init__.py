"""One process: its start, its life, its end."""
