"""Run the commands of docs/year.md, each on a site to which what the section tells has happened."""

import hashlib
import re
import shutil
import signal
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.docs.pages import LOGON, Block, Runner, block, replaced
from tests.docs.runners.install import OLDER_INSERT
from tests.docs.shell import PROGRAM, typed
from tests.support.paths import DATA
from tests.support.readers import CERTIFICATE, KEY, add_reader, ask, looks, with_tls
from tests.support.running import MORE_THAN_THERE_IS, Winlogd, a_steady_port, an_event, running

_ROOMS: Final = '[rooms]\nfrom_hostname = "{room}-*"\n'
_DOCTOR: Final = {"winlogd doctor": "winlogd doctor || true"}
"""The doctor finds faults on each site of a test: there is no backup."""
_OWNER: Final = "-o winlogd -g winlogd "
"""There may be no such user."""


def _posted_now(server: Winlogd, **fields: object) -> None:
    assert server.post(an_event(timestamp=datetime.now(UTC).isoformat(), **fields)).status == 200


def _looks_each_month(month: Block, folder: Path) -> None:
    with running(folder, _ROOMS) as server:
        server.wait_until_it_obeys()
        _posted_now(server)
        typed("winlogd hold add --user alice --reason 'case 1'\nwinlogd token add teacher --scope now", folder)
        shown = typed(month.text, folder, _DOCTOR)
    assert "FAULT  backup" in shown
    assert re.search(r"^teacher +now ", shown, re.MULTILINE)
    assert "case 1" in shown


def _backs_up_before_an_upgrade(before: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        shown = typed(before.text, folder, {**_DOCTOR, "/root/": f"{folder}/"})
    assert "20 checks: " in shown
    assert "before-upgrade.db is checked, and complete" in shown


def _checks_with_the_new_version(check: Block, folder: Path) -> None:
    (folder / "config.toml").write_text(_ROOMS)
    changes = {"sudo -u winlogd /opt/winlogd/bin/winlogd": PROGRAM, "/etc/winlogd/": f"{folder}/"}
    assert "config.toml: ok" in typed(check.text, folder, changes)


def _leaves_the_old_server(old: Block, folder: Path) -> None:
    """Move a site with a reader, a list of machines and an open session to another folder, and go on there."""
    here, there, root, remote_root = (folder / name for name in ("old", "new", "root", "new-root"))
    for each in (here, there, root, remote_root):
        each.mkdir()
    (here / "machines.csv").write_text("hostname,room\nA102-07,A102\n")
    with running(here, '[rooms]\nrooms_file = "machines.csv"\n') as server:
        server.wait_until_it_obeys()
        _posted_now(server)
        token = add_reader(here, "teacher", "--scope", "now")
        server.stop()
    changes = {
        "sudo scp": "cp",
        "root@new.example.org:/root/": f"{remote_root}/",
        "root@new.example.org:/etc/winlogd/": f"{there}/",
        "/root/winlog": f"{root}/winlog",
        "/etc/winlogd/": f"{here}/",
    }
    typed(old.text, here, changes)
    _arrives_at_the_new_server(there, remote_root, token)


def _arrives_at_the_new_server(there: Path, root: Path, token: str) -> None:
    (there / "data").mkdir()
    changes = {
        "sudo chown root:winlogd": "ls",  # the files are there
        _OWNER: "",
        "/root/": f"{root}/",
        "/etc/winlogd/": f"{there}/",
        "/var/lib/winlogd/": f"{there}/data/",
        **_DOCTOR,
    }
    shown = typed(block("# on the new server").text, there, changes)
    assert re.findall(r"^FAULT  (\w+)", shown, re.MULTILINE) == ["server", "backup"]
    assert list(root.iterdir()) == []
    with running(there, (there / "config.toml").read_text()) as server:
        server.wait_until_it_obeys()
        [machine] = ask(server, "/api/v1/machines?room=A102", token).json["machines"]
        assert (machine["hostname"], machine["state"]) == ("A102-07", "in_use")
        logoff = server.post(an_event(action="D"))
        assert logoff.json["session_uuid"] == server.rows()[0]["session_uuid"]


def _retires_a_machine(rows: Block, folder: Path) -> None:
    """PC-07 was replaced today. Its last session was yesterday."""
    today = datetime.now(UTC).date()
    yesterday = today - timedelta(days=1)
    text = replaced(rows.text, {"2026-08-31": yesterday, "2026-09-01": today})
    (folder / "machines.csv").write_text(text)
    settings = '[server]\ntimezone = "UTC"\n[rooms]\nrooms_file = "machines.csv"\n"A102" = ["PC-*"]\n'
    with running(folder, settings) as server:
        server.wait_until_it_obeys()
        _posted_now(server, hostname="PC-07")
        server.stop()
    server.execute("UPDATE events_today SET server_timestamp = ?1, timestamp = ?1", f"{yesterday}T10:00:00+00:00")
    machines = typed("winlogd machines --room A102", folder)
    assert "PC-31" in machines
    assert "PC-07" not in machines
    assert "PC-07    A102" in typed("winlogd sessions --host PC-07", folder)
    assert "PC-07    A102" in typed(f"winlogd who --room A102 --at {yesterday}T10:15", folder)


def _keeps_the_past_of_a_renamed_room(alias: Block, folder: Path) -> None:
    with running(folder, _ROOMS) as server:
        server.wait_until_it_obeys()
        _posted_now(server, hostname="S12-07")
        _posted_now(server, hostname="A102-01", username="bob")
        after = block("# after a change of rooms")
        (folder / "config.toml").write_text(_ROOMS + alias.text)
        shown = typed(after.text, folder, {"sudo systemctl reload winlogd": _reload(server)})
        assert re.search(r"^A102 +2 +2 ", shown, re.MULTILINE)
        assert not re.search(r"^S12 ", shown, re.MULTILINE)
        for name in ("S12", "A102"):
            assert "S12-07" in typed(f"winlogd who --room {name}", folder)


def _reload(server: Winlogd) -> str:
    """Return a command that does what `systemctl reload` does, and waits for the end."""
    waits = f"until grep -q 'configuration reloaded' {server.log_file}; do sleep 0.05; done"
    return f"kill -{signal.SIGHUP:d} {server.process.pid}; {waits}"


def _prepares_an_exam(before: Block, folder: Path) -> None:
    """The exam is today, from an hour ago to in an hour."""
    now = datetime.now(UTC)
    hours = {
        "2026-06-15T08:00": f"{now - timedelta(hours=1):%FT%TZ}",
        "2026-06-15T12:00": f"{now + timedelta(hours=1):%FT%TZ}",
    }
    with running(folder, _ROOMS) as server:
        server.wait_until_it_obeys()
        _posted_now(server)
        shown = typed(before.text, folder, {**_DOCTOR, **hours})
        assert "A102-07" in shown
        assert "hold 1 is in force" in shown
        after = block("# after the exam")
        assert "alice" in typed(after.text, folder, {"2026-06-15T10:00": "now", **hours})
        typed("winlogd purge --all --yes", folder)
        assert [row["username"] for row in server.rows()] == ["alice"]
    [_, session] = (folder / "exam.csv").read_text().splitlines()
    assert session.startswith("alice,A102-07,A102,")
    assert (folder / "exam.csv.manifest.json").exists()


def _has_a_summer(summer: Block, folder: Path) -> None:
    with running(folder, summer.text) as server:
        server.wait_until_it_obeys()
        _posted_now(server)
        shown = typed(block("# on the second day of school").text, folder, _DOCTOR)
        assert "20 checks: " in shown
        typed("winlogd token add 'Frau Meier' --scope now --expires 2099-07-31", folder)
        assert "silent_days = 60" in typed("winlogd config", folder)


def _makes_room(full: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_settled()
        assert server.post(LOGON).status == 200
        server.stop()
    (folder / "data" / "backups").mkdir()
    changes = {
        "winlogd status": "winlogd status || true",
        "/var/lib/winlogd": folder / "data",
        "sudo journalctl": "echo journalctl",
        "/var/log": folder,
    }
    with running(folder, "[server]\nevent_timeout = 0.2\n", MORE_THAN_THERE_IS) as server:
        server.wait_until_it_obeys()
        assert server.post(LOGON | {"username": "bob"}).status == 503
        assert server.request("GET", "/ready").body == b"unwritable\n"
        shown = typed(full.text, folder, changes, MORE_THAN_THERE_IS)
        assert "is running, but no event can be stored since " in shown
        found = typed("winlogd doctor || true", folder, {}, MORE_THAN_THERE_IS)
        assert {"server", "free space"} <= set(re.findall(r"^FAULT  (\w+(?: \w+)?)", found, re.MULTILINE))
        purge = block("# old events, for ever").text
        assert " 1 of events_today deleted" in typed(purge, folder, {"2025-09-01": "now"}, MORE_THAN_THERE_IS)
        assert server.rows() == []


def _renews_a_lost_certificate(new: Block, folder: Path) -> None:
    port = a_steady_port()
    for source, name in ((CERTIFICATE, "winlogd.pem"), (KEY, "winlogd.key")):
        shutil.copy(source, folder / name)
    for source, name in ((DATA / "tls-renewed.crt", "new.pem"), (DATA / "tls-renewed.key", "new.key")):
        shutil.copy(source, folder / name)
    settings = with_tls(port).replace(str(CERTIFICATE), "winlogd.pem").replace(str(KEY), "winlogd.key")
    with running(folder, settings) as server:
        server.wait_until_it_obeys()
        reload = {
            "sudo systemctl reload winlogd": _reload(server),
            "winlogd doctor --all": "winlogd doctor --all || true",
        }
        shown = typed(new.text, folder, {"-g winlogd ": "", "/etc/winlogd/": f"{folder}/", **reload})
    assert re.search(r"^ok +certificate shown ", shown, re.MULTILINE)


def _answers_the_police(request: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        _posted_now(server)
        _posted_now(server, username="bob", hostname="A102-08")
        today = {"2026-01-12": "today", "2026-01-16": "now"}
        shown = typed(request.text, folder, today)
        typed("winlogd purge --all --yes", folder)
        assert [row["username"] for row in server.rows()] == ["alice"]
    file = folder / "case-4711.csv"
    assert hashlib.sha256(file.read_bytes()).hexdigest() in shown
    assert hashlib.sha256(file.read_bytes()).hexdigest() in (folder / "case-4711.csv.manifest.json").read_text()
    assert "bob" not in file.read_text()


def _says_farewell(leaves: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        token = add_reader(folder, "Herr Weber", "--scope", "all")
        assert ask(server, "/api/v1/sessions?user=alice", token).status == 200
        shown = typed(leaves.text, folder)
        assert "user=alice" in shown
        assert re.search(r"^Herr Weber .* revoked", shown, re.MULTILINE)
        assert ask(server, "/api/v1/sessions?user=alice", token).status == 403
    assert len(looks(folder, "--reader", "Herr Weber")) == 1


def _goes_back_to_the_backup(back: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        typed(f"winlogd backup {folder}/before-upgrade.db", folder)
        server.post(LOGON | {"username": "bob"})
        server.stop()
    changes = {
        "/root/": f"{folder}/",
        "/var/lib/winlogd/winlog.db.replaced-20260113T083000Z": f"{folder}/data/winlog.db.replaced-*Z",
    }
    assert "1 rows imported" in typed(back.text, folder, changes)
    with running(folder) as server:
        server.wait_until_it_obeys()
        assert [row["username"] for row in server.rows("SELECT * FROM events_all ORDER BY id")] == ["alice", "bob"]


def _goes_back_to_the_older_server(back: Block, folder: Path) -> None:
    older = folder / "srv"
    (older / "data").mkdir(parents=True)
    with running(folder) as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        server.stop()
    typed(back.text, folder, {"/srv/winlog": older})
    with closing(sqlite3.connect(older / "data" / "winlog.db")) as connection:
        connection.executescript(block("CREATE INDEX").text)
        connection.execute(OLDER_INSERT)
        assert [name for (name,) in connection.execute("SELECT username FROM events_today ORDER BY id")] == [
            "alice",
            "older",
        ]


RUN: Final[Mapping[str, Runner]] = {
    "# each month": _looks_each_month,
    "# before an upgrade": _backs_up_before_an_upgrade,
    "# with the new version": _checks_with_the_new_version,
    "# on the old server": _leaves_the_old_server,
    "hostname;room": _retires_a_machine,
    "[rooms.aliases]": _keeps_the_past_of_a_renamed_room,
    "# some days before an exam": _prepares_an_exam,
    "[rooms]\nsilent_days": _has_a_summer,
    "# what fills the disk": _makes_room,
    "# a new certificate": _renews_a_lost_certificate,
    "# a request of the police": _answers_the_police,
    "# a colleague leaves": _says_farewell,
    "# to the winlogd of before": _goes_back_to_the_backup,
    "# to the older server": _goes_back_to_the_older_server,
}
