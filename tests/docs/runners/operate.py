"""Run the commands of docs/operate.md: rotation, purge, hold, compact, backup, restore, export, import, help."""

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.docs.pages import DATABASE, LOGON, Block, Runner, block, comparable, replaced, run
from tests.support.older import GOLDEN
from tests.support.paths import ROOT
from tests.support.running import A_SMALL_DISK_WILL_DO, Winlogd, running

BACKUP: Final = "/var/lib/winlogd/backups/winlog-20260113T083000Z.db"

_PROGRAM: Final = f"sudo WINLOGD_DATABASE_PATH={DATABASE} \\\n    /opt/winlogd/bin/winlogd"


def _changes(text: str, server: Winlogd) -> dict[str, object]:
    """Return what a block's words stand for in a test. A command takes the database from the configuration there."""
    program = f"env PYTHONPATH={ROOT} {sys.executable} -m winlogd"
    file = server.folder / "config.toml"
    changes: dict[str, object] = {
        "/opt/winlogd/bin/winlogd backup": f"{program} backup",
        "winlogd backup --keep 14\n": f"{program} backup --keep 14 --config {file}\n",
        "winlogd backup /root": f"{program} backup --config {file} /root",
        "winlogd restore": f"{program} restore --config {file}",
        "/etc/winlogd/config.toml": file,
        "/root/winlog.db": server.folder / "elsewhere" / "data" / "winlog.db",
        DATABASE: server.database,
    }
    return {word: meaning for word, meaning in changes.items() if word in text}


def _serves_what_was_backed_up(block: Block, folder: Path) -> str:
    """Run a block that makes a backup, and start a server with it. Return what the block prints."""
    target = folder / "elsewhere" / "data" / "winlog.db"
    target.parent.mkdir(parents=True)
    with running(folder) as server:
        server.post(LOGON)
        printed = run(block.text.removeprefix("30 2 * * * root "), _changes(block.text, server), A_SMALL_DISK_WILL_DO)
        if not target.exists():
            [backup] = (folder / "data" / "backups").iterdir()
            backup.rename(target)
        assert target.stat().st_mode & 0o777 == 0o600
        current = server.request("GET", "/api/v1/sessions/current").body
    with running(folder / "elsewhere") as other:
        assert other.request("GET", "/api/v1/sessions/current").body == current
    return printed


def _backs_up(block: Block, folder: Path) -> None:
    printed, file = _serves_what_was_backed_up(block, folder), re.escape(str(folder / "data" / "backups"))
    shown = re.sub(rf"^{file}/winlog-\d{{8}}T\d{{6}}Z", BACKUP.removesuffix(".db"), printed)
    assert comparable(shown) == comparable(block.answer)


def _backs_up_silently(block: Block, folder: Path) -> None:
    assert _serves_what_was_backed_up(block, folder) == ""


def _backs_up_elsewhere(block: Block, folder: Path) -> None:
    assert "elsewhere/data/winlog.db is checked" in _serves_what_was_backed_up(block, folder)
    assert list((folder / "data" / "backups").iterdir()) == []


def _restores(restore: Block, folder: Path) -> None:
    with running(folder) as server:
        server.post(LOGON)
        text = block("winlogd backup --keep").text
        run(text, _changes(text, server))
        server.post(LOGON | {"username": "bob"})
        server.kill()  # leaves a WAL, which is no part of the backup
        [backup] = (folder / "data" / "backups").iterdir()
        run(restore.text, {BACKUP: backup, **_changes(restore.text, server)}, A_SMALL_DISK_WILL_DO)
        server.start()
        assert [row["username"] for row in server.rows()] == ["alice"]
        assert server.post(LOGON | {"username": "carol"}).status == 200


def _rotates(block: Block, folder: Path) -> None:
    """Rotate with and without a server. Without one, the command uses the configuration as the server does."""
    file = folder / "etc.toml"
    file.write_text('[database]\npragma_journal_mode = "DELETE"\n')
    with running(folder) as server:
        changes = {
            "sudo WINLOGD": "WINLOGD",
            "/opt/winlogd/bin/winlogd": f"env PYTHONPATH={ROOT} {sys.executable} -m winlogd",
            "/etc/winlogd/config.toml": file,
            DATABASE: server.database,
        }
        assert comparable(run(block.text, changes)) == comparable(block.answer)
        server.stop()
    assert comparable(run(block.text, changes, A_SMALL_DISK_WILL_DO)) == comparable(block.answer)
    assert server.rows("PRAGMA journal_mode") == [{"journal_mode": "delete"}]


def _elsewhere(folder: Path, database: Path) -> dict[str, object]:
    """Return what is replaced in a block that runs winlogd, and write its configuration."""
    (folder / "etc.toml").write_text("")
    return {
        "sudo WINLOGD": "WINLOGD",
        "/opt/winlogd/bin/winlogd": f"env PYTHONPATH={ROOT} {sys.executable} -m winlogd",
        "/etc/winlogd/config.toml": folder / "etc.toml",
        DATABASE: database,
    }


def _purges(purge: Block, folder: Path) -> None:
    with running(folder) as server:
        server.post(LOGON)
        assert comparable(run(purge.text, _elsewhere(folder, server.database))) == comparable(purge.answer)
        server.stop()
    assert comparable(run(purge.text, _elsewhere(folder, server.database))) == comparable(purge.answer)
    assert len(server.rows()) == 1


def _holds(hold: Block, folder: Path) -> None:
    """Compare the answer, but for who has added the hold and when."""
    with running(folder) as server:
        server.wait_until_it_obeys()
        function = replaced(block("winlogd() {").text, _elsewhere(folder, server.database))
        answer = run(f"{function}\n{hold.text}", {}, {"SUDO_USER": "root", "COLUMNS": "120", "TZ": "UTC"})
    said, shown = (
        [re.sub(r"  \S+ +\d{4}-\d\d-\d\d \d\d:\d\d$", "", line) for line in text.splitlines() if "NUMBER" not in line]
        for text in (answer, hold.answer)
    )
    assert said == shown


def _compacts(compact: Block, folder: Path) -> None:
    with running(folder) as server:
        server.post(LOGON)
        server.stop()
    assert " is rewritten: " in run(compact.text, _elsewhere(folder, server.database))
    assert len(server.rows()) == 1


def _asks_for_help(block: Block, folder: Path) -> None:
    program = f"{sys.executable} -m winlogd"
    assert run(block.text, {"/opt/winlogd/bin/winlogd": program}, {"PYTHONPATH": str(ROOT)}) == block.answer


def _typed(server: Winlogd, block: Block, changes: Mapping[str, object]) -> str:
    """Run a block of the shell function `winlogd`."""
    program = f"env PYTHONPATH={ROOT} WINLOGD_DATABASE_PATH={server.database} {sys.executable} -m winlogd"
    return run(block.text, {"winlogd ": f"{program} ", **changes}, A_SMALL_DISK_WILL_DO)


def _exports(block: Block, folder: Path) -> None:
    with running(folder, '[rooms]\nfrom_hostname = "{room}-*"\n') as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        file = folder / "a102.csv"
        config = f"'request 2026/17' --config {folder / 'config.toml'}"
        day = {"2026-01-12": "2026-01-13", "--to 2026-01-13": "--to now", "a102.csv": file, "'request 2026/17'": config}
        _typed(server, block, day)
    assert file.read_text().splitlines()[1].startswith("alice,A102-07,A102,")
    manifest = json.loads(file.with_name("a102.csv.manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def _imports(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        file = f"{GOLDEN} --yes"  # a year later its rows are older than the archive is kept
        assert comparable(_typed(server, block, {"/srv/old/winlog.db": file})) == comparable(block.answer)
        assert server.rows("SELECT count(*) AS rows FROM events_history") == [{"rows": 50}]


RUN: Final[Mapping[str, Runner]] = {
    f"{_PROGRAM} rotate": _rotates,
    f"{_PROGRAM} purge": _purges,
    "winlogd hold add": _holds,
    f"sudo systemctl stop winlogd\n{_PROGRAM} compact": _compacts,
    "winlogd backup --keep": _backs_up,
    "winlogd backup /root": _backs_up_elsewhere,
    "30 2 * * *": _backs_up_silently,
    "sudo systemctl stop winlogd\nwinlogd restore": _restores,
    "winlogd export --room": _exports,
    "winlogd import": _imports,
    "/opt/winlogd/bin/winlogd --help": _asks_for_help,
}
