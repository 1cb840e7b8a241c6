"""The server process: its start, its signals, its stop."""
