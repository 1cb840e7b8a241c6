"""Debian systems in folders of their own, made by debootstrap, in which packages are installed and winlogd runs.

Nothing of them touches the machine's own system: each command runs by chroot(1), and no systemd runs there. What a unit
says is carried out by hand. This file must not know what the package of winlogd holds.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.running import A_SMALL_DISK_WILL_DO, Winlogd

SUITES: Final[Mapping[tuple[int, int], str]] = {(3, 11): "bookworm", (3, 13): "trixie"}
"""The Debian release by its Python. A package is for the Python that builds it, which is that of the tests."""

SUITE: Final = SUITES.get(sys.version_info[:2], "")

_PROGRAMS: Final = ("debootstrap", "dpkg-deb", "chroot", "unshare", "script")
_INCLUDED: Final = "adduser,python3"
_NEEDLESS: Final = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")
"""Folders that no test needs: more than half of a minimal Debian, which the tests copy."""
_PATIENCE_S: Final = 300.0
_ENVIRON: Final[Mapping[str, str]] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}


def missing() -> str:
    """Return what is missing for a Debian system in a folder, as a sentence; empty if nothing is."""
    if os.geteuid():
        return "needs root, for chroot"
    if lacking := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return f"not installed: {', '.join(lacking)}"
    return "" if SUITE else f"no Debian release has Python {sys.version_info[0]}.{sys.version_info[1]}"


class Debian:
    """A Debian system in the folder `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def bootstrapped(cls, root: Path) -> "Debian":
        """Make a minimal system with Python in the new folder `root`. What is mounted meanwhile is seen only there."""
        command = ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={_INCLUDED}", SUITE, str(root)]
        made = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)
        assert made.returncode == 0, made.stdout + made.stderr
        for needless in _NEEDLESS:
            shutil.rmtree(root / needless)
        (root / "etc" / "dpkg" / "dpkg.cfg.d" / "unsafe").write_text("force-unsafe-io\n")  # it need not last
        return cls(root)

    def copied(self, root: Path) -> "Debian":
        """Copy the system to the new folder `root`."""
        subprocess.run(["cp", "-a", "--reflink=auto", self.root, root], check=True, timeout=_PATIENCE_S)
        return Debian(root)

    def run(self, *command: str, given: str = "") -> str:
        """Run a command as root in the system, with `given` as its standard input. Return what it prints.

        Raises:
            AssertionError: the command failed.
        """
        done = subprocess.run(
            ["chroot", str(self.root), *command],
            env=_ENVIRON,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE_S,
        )
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def carry_out(self, commands: str, package: Path | None = None) -> str:
        """Run the commands of a page in the folder /, and answer each question of apt with yes.

        Args:
            commands: lines of a shell. sudo is not needed there.
            package: a file that is to be the only one in each folder that the page names, such as ./dist.
        """
        if package is not None:
            for folder in re.findall(r" \./(\w+)/", commands):
                shutil.rmtree(self.root / folder, ignore_errors=True)
                (self.root / folder).mkdir()
                shutil.copy(package, self.root / folder)
        return self.run("bash", "-ec", f'sudo() {{ "$@"; }}; cd /; {commands}', given="y\n")

    def carry_out_on_a_terminal(self, commands: str, answers: Mapping[str, str]) -> str:
        """Run the commands of a page in the folder / for a person. Return what the terminal shows.

        Args:
            commands: lines of a shell.
            answers: what the person types, by the end of the question that the terminal shows before.
        """
        inside = ("env", "DEBIAN_FRONTEND=teletype", "bash", "-ec", f'sudo() {{ "$@"; }}; cd /; {commands}')
        on_a_terminal = ("script", "-qec", shlex.join(("chroot", str(self.root), *inside)), "/dev/null")
        command = ("timeout", str(_PATIENCE_S), *on_a_terminal)
        shown = b""
        with subprocess.Popen(command, env=_ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
            assert running.stdin
            assert running.stdout
            for question, answer in answers.items():
                while question.encode() not in shown:
                    piece = os.read(running.stdout.fileno(), 4096)
                    assert piece, shown
                    shown += piece
                running.stdin.write(f"{answer}\n".encode())
                running.stdin.flush()
            shown += running.stdout.read()
        assert running.returncode == 0, shown
        return shown.decode()

    def path(self, absolute: str) -> Path:
        """Return the path, seen from outside, of what has the path `absolute` in the system."""
        return self.root / absolute.lstrip("/")

    def owner(self, absolute: str) -> str:
        """Return user, group and mode of a file, such as ``root winlogd 640``."""
        return self.run("stat", "-c", "%U %G %a", absolute).strip()

    def setting(self, unit: str, name: str) -> str:
        """Return the only value of a setting of a unit of the system; empty if the unit does not have it."""
        text = self.path(f"/usr/lib/systemd/system/{unit}").read_text()
        values = re.findall(rf"(?m)^{name}=(.*)$", text)
        assert len(values) < 2, values
        return values[0] if values else ""

    def run_unit(self, unit: str) -> str:
        """Run the command of a unit to its end, as its user. Return what it prints."""
        return self.run(*self.started_by(unit)[2:])

    def started_by(self, unit: str) -> tuple[str, ...]:
        """Return the command line that does for a unit what systemd would: user, environment, folder, umask."""
        user, group = self.setting(unit, "User"), self.setting(unit, "Group")
        variables = [f"{name}={value}" for name, value in (A_SMALL_DISK_WILL_DO | {"WINLOGD_SERVER_PORT": "0"}).items()]
        if own := self.setting(unit, "Environment"):
            variables.append(own)
        inside = f'umask {self.setting(unit, "UMask")}; cd {self.setting(unit, "WorkingDirectory")}; exec "$@"'
        return (
            *("chroot", str(self.root)),
            *("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "env", "-i", *variables),
            *("sh", "-c", inside, "sh", *self.setting(unit, "ExecStart").split()),
        )

    @contextmanager
    def serving(self, folder: Path) -> Iterator[Winlogd]:
        """Run the server as winlogd.service does. Its log goes to the folder `folder`, outside of the system."""
        server = Winlogd(folder)
        server.command = self.started_by("winlogd.service")
        server.database = self.path("/var/lib/winlogd/winlog.db")
        server.start()
        try:
            yield server
        finally:
            server.kill()
