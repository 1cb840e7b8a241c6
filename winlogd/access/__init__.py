"""Decide which clients may send events, which may read, and how fast each address may send."""
