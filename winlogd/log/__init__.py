"""The log: `log` takes what happened and writes it, `lines` says what a line looks like."""
