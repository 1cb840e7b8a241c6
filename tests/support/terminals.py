"""Run a command of winlogd as a person does: standard error is a terminal."""

import os
import subprocess
import sys
import termios
from contextlib import closing
from pathlib import Path

from tests.support.running import A_SMALL_DISK_WILL_DO, PATIENCE_S


def run_on_a_terminal(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run the command with a terminal of 80 columns as standard error. Return the status and both outputs."""
    ours, theirs = os.openpty()
    command, env = (sys.executable, "-m", "winlogd", *words), {**os.environ, **A_SMALL_DISK_WILL_DO}
    with closing(open(ours, "rb", buffering=0)) as terminal:
        termios.tcsetwinsize(theirs, (24, 80))
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        shown = b""
        try:
            while piece := terminal.read(4096):
                shown += piece
        except OSError:  # EIO: the other side has no open descriptor
            printed, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, printed.decode(), shown.decode()
