"""Run the commands of docs/operate.md, from the status to the help, but for those of `who`."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.docs.pages import DATABASE, LOGON, Block, Runner, comparable, run
from tests.docs.shell import CONFIG, PROGRAM, typed
from tests.support.midnights import before_midnight
from tests.support.older import GOLDEN
from tests.support.running import Winlogd, an_event, running, wait_for
from tests.support.standing import go_on

BACKUP: Final = "/var/lib/winlogd/backups/winlog-20260113T083000Z.db"


def _changes(text: str, server: Winlogd) -> dict[str, object]:
    """Return what the paths of a block stand for in a test."""
    changes: dict[str, object] = {
        "/opt/winlogd/bin/winlogd": PROGRAM,
        CONFIG: server.folder / "config.toml",
        "/root/winlog.db": server.folder / "elsewhere" / "data" / "winlog.db",
    }
    return {word: meaning for word, meaning in changes.items() if word in text}


def _serves_what_was_backed_up(block: Block, folder: Path) -> str:
    """Run a block that makes a backup, and start a server with it. Return what the block prints."""
    target = folder / "elsewhere" / "data" / "winlog.db"
    target.parent.mkdir(parents=True)
    with running(folder) as server:
        server.post(LOGON)
        printed = typed(block.text.removeprefix("30 2 * * * root "), folder, _changes(block.text, server))
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
        typed("winlogd backup", folder)
        server.post(LOGON | {"username": "bob"})
        server.kill()  # leaves a WAL, which is no part of the backup
        [backup] = (folder / "data" / "backups").iterdir()
        typed(restore.text, folder, {BACKUP: backup})
        server.start()
        assert [row["username"] for row in server.rows()] == ["alice"]
        assert server.post(LOGON | {"username": "carol"}).status == 200


def _rotates(block: Block, folder: Path) -> None:
    """Rotate with and without a server. Without one, the command uses the configuration as the server does."""
    with running(folder, '[database]\npragma_journal_mode = "DELETE"\n') as server:
        server.wait_until_it_obeys()
        assert comparable(typed(block.text, folder)) == comparable(block.answer)
        server.stop()
    server.execute("PRAGMA journal_mode = WAL")
    assert comparable(typed(block.text, folder)) == comparable(block.answer)
    assert server.rows("PRAGMA journal_mode") == [{"journal_mode": "delete"}]


def _purges(purge: Block, folder: Path) -> None:
    with running(folder) as server:
        server.post(LOGON)
        assert comparable(typed(purge.text, folder)) == comparable(purge.answer)
        server.stop()
    assert comparable(typed(purge.text, folder)) == comparable(purge.answer)
    assert len(server.rows()) == 1


def _forgets(forget: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        assert comparable(typed(forget.text, folder)) == comparable(forget.answer)
        assert server.rows() == []


def _holds(hold: Block, folder: Path) -> None:
    """Compare the answer, but for who has added the hold and when."""
    with running(folder) as server:
        server.wait_until_it_obeys()
        answer = typed(hold.text, folder, environ={"SUDO_USER": "root", "COLUMNS": "120", "TZ": "UTC"})
    said, shown = (
        [re.sub(r"  \S+ +\d{4}-\d\d-\d\d \d\d:\d\d$", "", line) for line in text.splitlines() if "NUMBER" not in line]
        for text in (answer, hold.answer)
    )
    assert said == shown


def _compacts(compact: Block, folder: Path) -> None:
    with running(folder) as server:
        server.post(LOGON)
        server.stop()
    assert " is rewritten: " in typed(compact.text, folder)
    assert len(server.rows()) == 1


def _asks_for_help(block: Block, folder: Path) -> None:
    assert run(block.text, {"/opt/winlogd/bin/winlogd": PROGRAM}) == block.answer


def _checks_health(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_open()
        changes = {
            "/opt/winlogd/bin/winlogd": f"env WINLOGD_SERVER_PORT={server.port} {PROGRAM}",
            CONFIG: folder / "config.toml",
        }
        assert f":{server.port}/" in run(block.text, changes)


def _shows_the_status(status: Block, folder: Path) -> None:
    """Compare what the command prints, but for numbers, units and times."""
    with running(folder) as server:
        for user, host in (("alice", "A102-07"), ("bob", "A102-08"), ("carol", "A102-09"), ("dan", "A102-07")):
            assert server.post(an_event(username=user, hostname=host)).status == 200
        server.post(an_event(username="bob", hostname="A102-08", action="D", timestamp="2026-01-13T09:30:00Z"))
        server.post(an_event(action="M"))
        for _ in range(2):
            assert server.post(an_event(), {"User-Agent": "curl/8"}).status == 403
        typed("winlogd backup", folder)
        server.rotate()
        wait_for(lambda: "old events deleted" in server.log, "the end of the deletion", server.process)
        shown = typed(status.text, folder)
    assert _without_numbers(shown, server.database.parent) == _without_numbers(status.answer, Path(DATABASE).parent)


def _without_numbers(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "…").replace("1.0.0.dev0", "1.0.0")
    text = re.sub(r"\d[\d.:TZ-]*( \d\d:\d\d)?", "#", text)
    return re.sub(r"# (?:second|minute|hour|day)s? (ago|old)|# [kMGT]?B", r"# \1", text)


def _shows_the_configuration(config: Block, folder: Path) -> None:
    database = folder / "data" / "winlog.db"
    settings = f'[rotation]\nat = "02:00"\n[database]\npath = "{database}"\n'
    with running(folder, settings, {"WINLOGD_DATABASE_PRAGMA_SYNCHRONOUS": "NORMAL"}) as server:
        server.wait_until_it_obeys()
        shown = typed(config.text, folder).replace(str(database), DATABASE)
    assert [line.split() for line in shown.splitlines()] == [line.split() for line in config.answer.splitlines()]


def _sums_the_day_up(line: Block, folder: Path) -> None:
    """Compare the words and the names of the fields."""
    server, _ = before_midnight(folder)
    try:
        server.wait_until_open()
        go_on(server)
        logged = server.wait_for_log(r"INFO summary of the day.*")[0]
    finally:
        server.kill()
    assert re.sub(r"=\S+", "", line.text).split(" ", 1)[1].strip() == re.sub(r"=\S+", "", logged)


def _exports(block: Block, folder: Path) -> None:
    with running(folder, '[rooms]\nfrom_hostname = "{room}-*"\n') as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        file = folder / "a102.csv"
        day = {"2026-01-12": "2026-01-13", "--to 2026-01-13": "--to now"}
        typed(block.text, folder, day)
    assert file.read_text().splitlines()[1].startswith("alice,A102-07,A102,")
    manifest = json.loads(file.with_name("a102.csv.manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def _imports(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        file = f"{GOLDEN} --yes"  # a year later its rows are older than the archive is kept
        assert comparable(typed(block.text, folder, {"/srv/old/winlog.db": file})) == comparable(block.answer)
        assert server.rows("SELECT count(*) AS rows FROM events_history") == [{"rows": 50}]


RUN: Final[Mapping[str, Runner]] = {
    "winlogd rotate": _rotates,
    "winlogd purge": _purges,
    "winlogd hold add": _holds,
    "winlogd forget alice --yes": _forgets,
    "sudo systemctl stop winlogd.socket winlogd\nwinlogd compact": _compacts,
    "winlogd backup --keep": _backs_up,
    "winlogd backup /root": _backs_up_elsewhere,
    "30 2 * * *": _backs_up_silently,
    "sudo systemctl stop winlogd.socket winlogd\nwinlogd restore": _restores,
    "winlogd status": _shows_the_status,
    "winlogd config": _shows_the_configuration,
    "2026-01-14T00:00:00.003Z INFO summary": _sums_the_day_up,
    "winlogd export --room": _exports,
    "winlogd import": _imports,
    "sudo /opt/winlogd/bin/winlogd healthcheck": _checks_health,
    "/opt/winlogd/bin/winlogd --help": _asks_for_help,
}
