"""Run the commands of docs/operate.md, "The doctor", on a room of ten machines in its first week."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.docs.pages import Block, Runner, run
from tests.docs.shell import CONFIG, PROGRAM, typed
from tests.support.running import A_SMALL_DISK_WILL_DO, CLIENT_HEADERS, Winlogd, an_event, running

_SETTINGS: Final = '[rooms]\nrooms_file = "machines.csv"\n'
_FOLDER: Final = "/var/lib/winlogd"
_REFUSED: Final = 25


def _a_first_day(server: Winlogd) -> None:
    """Eight machines report. The clock of one is slow, one is refused, and one has no client yet."""
    server.wait_until_settled()
    now = datetime.now(UTC)
    for number in range(1, 9):
        by_its_clock = now - timedelta(hours=2 if number == 8 else 0)
        event = an_event(username=f"user{number}", hostname=f"A102-{number:02}", timestamp=by_its_clock.isoformat())
        assert server.post(event).status == 200
    for _ in range(_REFUSED):
        headers = CLIENT_HEADERS | {"User-Agent": "logon/2.0", "X-Forwarded-For": "10.1.0.9"}
        assert server.post(an_event(hostname="A102-09"), headers).status == 403


def _words(text: str, folder: str) -> str:
    """Return a text on one line, because the length of a path moves the ends of the lines."""
    return re.sub(r"\s+", " ", text.replace(folder, _FOLDER))


def _site(folder: Path) -> None:
    rows = "".join(f"A102-{number:02},A102\n" for number in range(1, 11))
    (folder / "machines.csv").write_text(f"hostname,room\n{rows}")


def _shows(block: Block, folder: Path) -> None:
    _site(folder)
    with running(folder, _SETTINGS) as server:
        _a_first_day(server)
        shown = typed(block.text, folder, {"winlogd doctor": "winlogd doctor || true"}, {"COLUMNS": "100"})
    assert _words(shown, str(folder / "data")) == _words(block.answer, str(folder / "data"))


def _looks_at_both(block: Block, folder: Path) -> None:
    _site(folder)
    with running(folder, _SETTINGS) as server:
        _a_first_day(server)
        shown = typed(block.text, folder, {"doctor --all": "doctor --all || true"}, {"COLUMNS": "100"})
    machines, doctor = shown.split("FAULT", 1)
    assert machines.count("never_seen") == 2
    assert machines.count("in_use") + machines.count("doubtful") == 8
    for check in ("events", "clocks", "logoffs", "owners"):
        assert re.search(rf"^(FAULT|note |ok   )  {check} ", f"FAULT{doctor}", re.MULTILINE)


def _sends_a_mail(block: Block, folder: Path) -> None:
    """cron sends what the line prints: nothing as long as there is no fault."""
    changes: dict[str, object] = {
        "0 18 * * * root ": "",
        "/opt/winlogd/bin/winlogd": PROGRAM,
        CONFIG: folder / "config.toml",
    }
    with running(folder) as server:
        server.wait_until_settled()
        assert server.post(an_event(timestamp=datetime.now(UTC).isoformat())).status == 200
        assert "FAULT  backup" in run(block.text, changes, A_SMALL_DISK_WILL_DO)
        typed("winlogd backup", folder)
        assert run(block.text, changes, A_SMALL_DISK_WILL_DO) == ""


RUN: Final[Mapping[str, Runner]] = {
    "winlogd doctor\n": _shows,
    "winlogd machines\n": _looks_at_both,
    "0 18 * * *": _sends_a_mail,
}
