"""The state of all machines as it changes: a snapshot, and feeds of changes for those who follow it."""
