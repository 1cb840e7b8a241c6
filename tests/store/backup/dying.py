"""Run a command of winlogd that can be killed at any moment at which it changes files, or copies pages.

``python -m tests.store.backup.dying MOMENT WORD...``: runs ``winlogd WORD...`` in the working directory. The process
kills itself by SIGKILL right before its MOMENTth change of a file, or after a step of a backup; -1: never.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.support.paths import ROOT
from tests.support.running import A_SMALL_DISK_WILL_DO, PATIENCE_S

_CHANGES: Final = frozenset(("os.rename", "os.link", "os.remove", "os.mkdir", "os.chmod", "os.truncate"))


def killed_at(moment: int, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "tests.store.backup.dying", str(moment), *words],
        cwd=folder,
        env={**os.environ, **A_SMALL_DISK_WILL_DO, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class _Moments:
    def __init__(self, last: int, folder: str) -> None:
        self._left = last
        self._folder = folder

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of an audit event (PEP 578)."""
        makes = event == "open" and arguments[2] is not None and arguments[2] & os.O_CREAT
        if makes or (event in _CHANGES and str(arguments[0]).startswith(self._folder)):
            self.came()

    def came(self) -> None:
        """End the process if this is its moment."""
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def main(moment: str, *words: str) -> int:
    """Run the command, and return its status."""
    from winlogd.cli import main as winlogd
    from winlogd.store.jobs.backup import Backup

    moments, step = _Moments(int(moment), os.getcwd()), Backup.step

    def counted(*arguments: Any) -> Any:  # noqa: ANN401  # of the step
        done = step(*arguments)
        moments.came()
        return done

    Backup.step = counted  # type: ignore[method-assign, assignment]  # with a moment after it
    sys.addaudithook(moments.heard)
    return winlogd(list(words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
