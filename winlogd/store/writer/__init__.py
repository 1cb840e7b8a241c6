"""The thread that alone writes the database."""
