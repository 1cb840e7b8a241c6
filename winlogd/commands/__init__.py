"""One file a sub-command. `winlogd.cli` imports only the one that runs."""
