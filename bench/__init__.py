"""Compare winlogd with servers that could replace it, on this machine, in one interleaved run: `python -m bench`."""
