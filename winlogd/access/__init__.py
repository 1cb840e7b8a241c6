"""Who may send and who may read."""
