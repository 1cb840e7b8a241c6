import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from winlogd.store.errors import OwnedError
from winlogd.store.file.ownership import Ownership

OWN = """
import sys
from winlogd.store.file.ownership import Ownership
Ownership(sys.argv[1])
print('mine', flush=True)
"""


def another_process(path: Path, then: str) -> subprocess.Popen[str]:
    """Start a process that takes ownership and then runs `then`."""
    command = [sys.executable, "-c", f"{OWN}{then}", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_a_database_has_one_owner(tmp_path: Path) -> None:
    first = Ownership(str(tmp_path / "winlog.db"))

    with pytest.raises(OwnedError, match=r"winlog\.db"):
        Ownership(str(tmp_path / "winlog.db"))
    first.release()

    Ownership(str(tmp_path / "winlog.db")).release()


def test_another_process_is_kept_out_until_the_owner_is_dead(tmp_path: Path) -> None:
    with another_process(tmp_path / "winlog.db", "sys.stdin.read()") as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "mine\n"
        with pytest.raises(OwnedError):
            Ownership(str(tmp_path / "winlog.db"))
        owner.kill()

    Ownership(str(tmp_path / "winlog.db")).release()


def test_one_file_has_one_lock_whatever_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "winlog.db")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    owner = Ownership(str(tmp_path / "link.db"))

    assert owner.path == str(tmp_path / "real" / "winlog.db")
    for path in ("real/winlog.db", "linked/winlog.db", "real/../real/winlog.db"):
        with pytest.raises(OwnedError):
            Ownership(str(tmp_path / path))
    Ownership(str(tmp_path / "real" / "other.db")).release()
    owner.release()


def test_the_lock_is_never_deleted_and_the_database_never_opened(tmp_path: Path) -> None:
    owner = Ownership(str(tmp_path / "winlog.db"))
    owner.release()

    assert os.listdir(tmp_path) == ["winlog.db.lock"]
    assert stat.S_IMODE((tmp_path / "winlog.db.lock").stat().st_mode) == 0o600


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    Ownership(str(tmp_path / "var" / "lib" / "winlog.db")).release()

    assert (tmp_path / "var" / "lib" / "winlog.db.lock").exists()


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        Ownership(str(tmp_path / "file" / "winlog.db"))


def test_a_child_process_does_not_inherit_the_lock(tmp_path: Path) -> None:
    owner = Ownership(str(tmp_path / "winlog.db"))
    command = [sys.executable, "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, close_fds=False
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        owner.release()

        Ownership(str(tmp_path / "winlog.db")).release()
        child.kill()
