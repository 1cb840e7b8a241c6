"""The one thread that writes the database."""
