"""What a command says and how it ends: exit statuses, sentences, errors.

Knows standard output and standard error; not what any command does.
"""

import sys
from typing import Final

OK: Final = 0
"""The command did what it was asked to do."""

FAILED: Final = 1
"""The command could not do it."""

MISUSED: Final = 2
"""The command line or the configuration is wrong; nothing was done."""


def say(sentence: str) -> int:
    """Print a sentence on standard output; return `OK`."""
    sys.stdout.write(f"{sentence}\n")
    return OK


def fail(sentence: str) -> int:
    """Print a sentence on standard error; return `FAILED`."""
    sys.stderr.write(f"winlogd: {sentence}\n")
    return FAILED
