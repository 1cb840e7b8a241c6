"""Ask winlogd itself for its commands and their helps, so that what the package says of them is what they say.

The folder of winlogd, and of the packages that it needs, must be on PYTHONPATH.
"""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout

from winlogd.cli import COMMANDS, main


def help_texts() -> Mapping[str, str]:
    """Return the help of winlogd itself as ``""``, and of each command by its name, for 80 columns without colours."""
    os.environ |= {"COLUMNS": "80", "NO_COLOR": "1"}
    return {"": _help(), **{name: _help(name) for name in COMMANDS}}


def _help(*words: str) -> str:
    """Return what ``winlogd WORDS --help`` prints."""
    printed = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with redirect_stdout(printed):
        status = main([*words, "--help"])
    if status:
        sys.exit(f"winlogd {' '.join(words)} --help ends with status {status}")
    printed.seek(0)
    return printed.read()
