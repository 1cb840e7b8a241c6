"""The Debian package is installed, started, upgraded, removed and purged, in a Debian of its own without systemd."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import block
from tests.packages.building import built, copied, disturbed
from tests.packages.debian import Debian, missing
from tests.support.paths import ROOT
from tests.support.running import an_event
from winlogd import VERSION

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(missing()), reason=missing())]

CONFIG = "/etc/winlogd/config.toml"
FOLDER = "/var/lib/winlogd"
INSTALL = block("sudo apt install ./dist").text
PURGE = block("sudo apt purge").text


@pytest.fixture(scope="module")
def installed(minimal: Debian, package: Path, systems: Path) -> Debian:
    """A Debian in which the package was installed."""
    system = minimal.copied(systems / "installed")
    system.carry_out(INSTALL, package)
    return system


@pytest.fixture
def system(installed: Debian, systems: Path) -> Iterator[Debian]:
    """A copy of that Debian for one test."""
    copy = installed.copied(systems / "copy")
    yield copy
    shutil.rmtree(copy.root)


def test_another_folder_umask_and_other_times_give_the_same_octets(package: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        [again] = built(disturbed(copied(tmp_path / "elsewhere")), "build-deb", tmp_path / "dist")
    finally:
        os.umask(before)
    assert again.name == package.name
    assert again.read_bytes() == package.read_bytes()


def test_the_files_have_the_owners_and_modes_that_keep_names_private(installed: Debian) -> None:
    assert installed.owner(CONFIG) == "root winlogd 640"
    assert installed.owner(FOLDER) == "winlogd winlogd 750"
    assert installed.run("cat", "/var/lib/dpkg/info/winlogd.conffiles") == f"{CONFIG}\n"
    wrong = ("!", "-user", "root", "-o", "-perm", "/22")
    assert installed.run("find", "/usr/lib/winlogd", "/usr/bin/winlogd", "(", *wrong, ")") == ""


def test_the_configuration_is_that_of_the_repository_but_for_two_lines(installed: Debian) -> None:
    ours, theirs = (ROOT / "config.toml").read_text().splitlines(), installed.path(CONFIG).read_text().splitlines()
    changed = [theirs_line for ours_line, theirs_line in zip(ours, theirs, strict=True) if ours_line != theirs_line]
    assert changed == [f'path = "{FOLDER}/winlog.db"', "names = false"]


def test_the_manual_the_completion_and_the_pages_are_there(installed: Debian) -> None:
    texts = ("man/man1/winlogd.1.gz", "bash-completion/completions/winlogd", "doc/winlogd/docs/operate.md")
    assert [text for text in texts if not installed.path(f"/usr/share/{text}").stat().st_size] == []


def test_the_units_are_those_of_the_repository_but_for_the_path_of_the_program(installed: Debian) -> None:
    for unit in (ROOT / "systemd").iterdir():
        packaged = installed.path(f"/usr/lib/systemd/system/{unit.name}").read_text()
        ours, theirs = (set(text.splitlines()) for text in (unit.read_text(), packaged))
        assert "/opt" not in packaged
        assert [line for line in theirs - ours if not line.startswith(("#", "ExecStart=/usr/bin/winlogd"))] == []
        dropped = [line for line in ours - theirs if not line.startswith(("#", "ExecStart=/opt/winlogd/bin/winlogd"))]
        assert dropped == []


def test_the_service_and_its_backup_start_with_the_system_and_the_socket_does_not(installed: Debian) -> None:
    wanted = installed.run("find", "/etc/systemd/system", "-type", "l", "-name", "winlogd*").split()
    assert {each.removeprefix("/etc/systemd/system/") for each in wanted} == {
        "multi-user.target.wants/winlogd.service",
        "timers.target.wants/winlogd-backup.timer",
    }


def test_it_serves_as_the_units_user_and_its_log_has_no_names(installed: Debian, tmp_path: Path) -> None:
    with installed.serving(tmp_path) as server:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        assert re.search(r"^Uid:\t[1-9]", status, re.MULTILINE)
        assert server.post(an_event(username="alice")).status == 200
        server.wait_for_log("stored")
        assert "alice" not in server.log
        assert "alice" in installed.run("winlogd", "who", "--config", CONFIG)
        assert server.stop() == 0
    assert installed.owner(f"{FOLDER}/winlog.db") == "winlogd winlogd 640"


def test_the_backups_unit_makes_a_backup(installed: Debian, tmp_path: Path) -> None:
    with installed.serving(tmp_path) as server:
        assert server.post(an_event()).status == 200
        installed.run_unit("winlogd-backup.service")
    assert len(list(installed.path(f"{FOLDER}/backups").glob("*.db"))) == 1


def test_the_command_says_its_version_whatever_python_finds_elsewhere(installed: Debian) -> None:
    (installed.root / "opt" / "winlogd.py").write_text("raise SystemExit('not this one')")
    assert installed.run("env", "PYTHONPATH=/opt", "winlogd", "--version") == f"winlogd {VERSION}\n"


def test_an_upgrade_and_the_way_back_keep_events_and_configuration(
    system: Debian, package: Path, tmp_path: Path
) -> None:
    _send(system, tmp_path, "before")
    system.path(CONFIG).write_text(system.path(CONFIG).read_text() + "# mine\n")
    system.carry_out(INSTALL, _newer(package, tmp_path))
    assert system.run("winlogd", "--version") == "winlogd 999\n"
    assert not system.path("/usr/lib/winlogd/winlogd/py.typed").exists()
    assert system.path(CONFIG).read_text().endswith("# mine\n")
    assert system.owner(CONFIG) == "root winlogd 640"
    _send(system, tmp_path, "after")

    system.carry_out(block("sudo apt install --allow-downgrades").text, package)
    assert system.run("winlogd", "--version") == f"winlogd {VERSION}\n"
    assert _send(system, tmp_path, "back")[-3:] == ["before", "after", "back"]


def test_a_removal_keeps_events_configuration_and_user_and_a_purge_that_is_answered_with_yes_leaves_nothing(
    system: Debian, tmp_path: Path
) -> None:
    _send(system, tmp_path, "removed")
    system.carry_out(block("sudo apt remove").text)
    assert not system.path("/usr/lib/winlogd").exists()
    assert not system.path("/usr/bin/winlogd").exists()
    assert system.owner(f"{FOLDER}/winlog.db") == "winlogd winlogd 640"
    assert system.owner(CONFIG) == "root winlogd 640"

    shown = system.carry_out_on_a_terminal(PURGE, {"[Y/n]": "y", "[yes/no]": "yes"})
    assert "Delete all events and backups in /var/lib/winlogd?" in shown
    assert not system.path(FOLDER).exists()
    assert _leftovers(system) == []


def test_a_script_answers_the_question_of_the_purge_before(system: Debian, tmp_path: Path) -> None:
    _send(system, tmp_path, "unwanted")
    system.carry_out(block("echo 'winlogd winlogd/remove-data").text)
    system.carry_out(PURGE)
    assert not system.path(FOLDER).exists()


def test_a_purge_that_nobody_answers_keeps_the_events_for_root_and_a_new_installation_goes_on_with_them(
    system: Debian, package: Path, tmp_path: Path
) -> None:
    _send(system, tmp_path, "kept")
    assert "the events stay in /var/lib/winlogd" in system.carry_out(PURGE)
    assert system.owner(FOLDER) == "root root 700"
    assert system.owner(f"{FOLDER}/winlog.db") == "root root 640"
    assert _leftovers(system) == []

    system.carry_out(INSTALL, package)
    assert _send(system, tmp_path, "new")[-2:] == ["kept", "new"]


def _send(system: Debian, folder: Path, user: str) -> list[str]:
    """Start the service, send it a logon of `user`, and stop it. Return the users of all events."""
    with system.serving(folder) as server:
        assert server.post(an_event(username=user)).status == 200
        assert server.stop() == 0
        return [str(row["username"]) for row in server.rows()]


def _leftovers(system: Debian) -> list[str]:
    """Return what a purge has left of the user, the package, its units, and its configuration."""
    accounts = system.run("cat", "/etc/passwd", "/etc/shadow", "/etc/group").splitlines()
    files = system.run("find", "/", "-name", "*winlogd*", "!", "-path", "/dist/*", "!", "-path", "/opt/*").splitlines()
    return [line for line in accounts if "winlogd" in line] + [file for file in files if file != FOLDER]


def _newer(package: Path, folder: Path) -> Path:
    """Repack the package as version 999, without one of its files. Return the file."""
    root, newer = folder / "newer", folder / "winlogd_999.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, root], check=True)
    control, version = root / "DEBIAN" / "control", root / "usr" / "lib" / "winlogd" / "winlogd" / "__init__.py"
    control.write_text(re.sub("(?m)^Version: .*$", "Version: 999", control.read_text()))
    version.write_text(version.read_text().replace(f'"{VERSION}"', '"999"'))
    (root / "usr" / "lib" / "winlogd" / "winlogd" / "py.typed").unlink()
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", root, newer], check=True)
    return newer
