"""Type a block's commands as its reader does: with the shell function `winlogd` that docs/operate.md defines.

This file knows the function and its two paths. It must not know what the commands do.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.docs.pages import block, replaced, run
from tests.support.paths import ROOT
from tests.support.running import A_SMALL_DISK_WILL_DO

PROGRAM: Final = f"env PYTHONPATH={ROOT} {sys.executable} -m winlogd"
"""What stands for `/opt/winlogd/bin/winlogd` in a test."""
CONFIG: Final = "/etc/winlogd/config.toml"


def function(file: Path, program: str = PROGRAM) -> str:
    """Return the shell function of the page, with the configuration in `file`."""
    return replaced(block("winlogd() {").text, {"/opt/winlogd/bin/winlogd": program, CONFIG: file})


def typed(
    commands: str, folder: Path, changes: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> str:
    """Run commands of a page in `folder`, which has the configuration `config.toml`. Return their output.

    Raises:
        AssertionError: a command failed.
    """
    text = replaced(commands, changes or {})
    script = f"{function(folder / 'config.toml')}\ncd {folder}\n{text}"
    return run(script, {}, {**A_SMALL_DISK_WILL_DO, **(environ or {})})
