"""The file `winlog.access`: who may read, and who has read what. One thread writes it."""
