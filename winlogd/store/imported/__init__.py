"""Rows of an older server's file, on their way into the archive."""
