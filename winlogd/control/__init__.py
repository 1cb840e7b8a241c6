"""The control socket: a Unix socket beside the database, by which commands reach the running server."""
