"""Work that the server starts by itself at a scheduled time: the daily rotation."""
