"""Run the commands of docs/privacy.md: a request, a breach, encrypted backups. `block` gives their texts."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import LOGON, Block, Runner, block, replaced, run
from tests.docs.shell import typed
from tests.support.running import running

_OPENED: Final = "winlog-20260113T083000Z.db"


def _answers_a_request(request: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        server.post(LOGON | {"username": "bob", "hostname": "A102-08"})
        typed(request.text, folder)
    page, table = (folder / f"alice.{form}" for form in ("html", "csv"))
    assert f'<html lang="{"fr" if "--lang fr" in request.text else "en"}">' in page.read_text()
    assert "A102-07" in table.read_text()
    assert "bob" not in page.read_text() + table.read_text()
    manifest = json.loads((folder / "alice.html.manifest.json").read_text())
    assert re.fullmatch("(request|demande) 2026/17", manifest["reason"])


def _forgets(forget: Block, folder: Path) -> None:
    """A person answers the question; here a flag does."""
    with running(folder) as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        server.post(LOGON | {"username": "bob", "hostname": "A102-08"})
        typed(f"{forget.text.rstrip()} --yes", folder)
        assert [row["username"] for row in server.rows()] == ["bob"]


def _looks_into_a_breach(looks: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        typed("winlogd user nobody || true\nwinlogd token add teacher --scope now", folder)
        shown = typed(looks.text, folder)
    assert "user  username=nobody  command" in shown
    assert re.search(r"^teacher +now ", shown, re.MULTILINE)
    assert "this machine, without a token" in shown


def _makes_a_key(keygen: Block, folder: Path) -> None:
    if shutil.which("age") is None:
        pytest.skip("age is not installed")
    run(f"cd {folder}\n{keygen.text}", {})
    assert (folder / "winlogd.key").stat().st_mode & 0o077 == 0
    assert (folder / "winlogd.pub").read_text().startswith("age1")


def _encrypts_what_can_be_opened(encrypt: Block, folder: Path) -> None:
    _makes_a_key(block("age-keygen"), folder)
    with running(folder) as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        typed("winlogd user alice\nwinlogd backup", folder)  # the look makes a readers' file
    backups, elsewhere = server.database.parent / "backups", folder / "elsewhere"
    elsewhere.mkdir()
    changes = {
        "/var/lib/winlogd/backups": backups,
        "/etc/winlogd/winlogd.pub": folder / "winlogd.pub",
        "/mnt/elsewhere": elsewhere,
    }
    run(encrypt.text, changes)
    [database], [access] = (sorted(backups.glob(f"*.{kind}")) for kind in ("db", "access"))
    assert sorted(each.name for each in elsewhere.iterdir()) == [f"{access.name}.age", f"{database.name}.age"]
    assert not [each for each in elsewhere.iterdir() if b"alice" in each.read_bytes()]
    opens = replaced(block("age -d").text, {f"{_OPENED}.age": elsewhere / f"{database.name}.age"})
    run(f"cd {folder}\n{opens}", {})
    assert (folder / "winlog.db").read_bytes() == database.read_bytes()


RUN: Final[Mapping[str, Runner]] = {
    "# a request of erasure": _forgets,
    "# une demande d'effacement": _forgets,
    "# a request of access": _answers_a_request,
    "# une demande d'accès": _answers_a_request,
    "# who has looked since Monday": _looks_into_a_breach,
    "# qui a consulté depuis lundi": _looks_into_a_breach,
    "age-keygen": _makes_a_key,
    "newest=": _encrypts_what_can_be_opened,
}
