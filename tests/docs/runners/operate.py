"""Run the commands of docs/operate.md: rotation, backup, restore, help."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.docs.pages import DATABASE, LOGON, Block, Runner, block, comparable, run
from tests.support.paths import ROOT
from tests.support.running import A_SMALL_DISK_WILL_DO, running


def _backs_up(block: Block, folder: Path) -> None:
    backup = folder / "elsewhere" / "data" / "winlog.db"
    backup.parent.mkdir(parents=True)
    with running(folder) as server:
        server.post(LOGON)
        run(block.text, {DATABASE: server.database, "/var/backups/winlog.db": backup})
        assert backup.stat().st_mode & 0o777 == 0o600
        current = server.request("GET", "/api/v1/sessions/current").body
    with running(folder / "elsewhere") as other:
        assert other.request("GET", "/api/v1/sessions/current").body == current


def _restores(restore: Block, folder: Path) -> None:
    backup = folder / "backup.db"
    with running(folder) as server:
        server.post(LOGON)
        run(
            block("(umask 077 && sudo sqlite3 /var/lib").text,
            {DATABASE: server.database, "/var/backups/winlog.db": backup},
        )
        server.post(LOGON | {"username": "bob"})
        server.kill()  # leaves a WAL, which is no part of the backup
        run(restore.text, {DATABASE: server.database, "/var/backups/winlog.db": backup, "-o winlogd -g winlogd": ""})
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


def _asks_for_help(block: Block, folder: Path) -> None:
    program = f"{sys.executable} -m winlogd"
    assert run(block.text, {"/opt/winlogd/bin/winlogd": program}, {"PYTHONPATH": str(ROOT)}) == block.answer


RUN: Final[Mapping[str, Runner]] = {
    "sudo WINLOGD_DATABASE_PATH": _rotates,
    "(umask 077 && sudo sqlite3 /var/lib/winlogd/winlog.db": _backs_up,
    "sudo systemctl stop winlogd\nsudo rm": _restores,
    "/opt/winlogd/bin/winlogd --help": _asks_for_help,
}
