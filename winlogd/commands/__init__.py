"""The sub-commands, one file each. `winlogd.cli` imports only the file of the command that runs."""
