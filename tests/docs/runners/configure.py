"""Run the commands of docs/configure.md."""

import shutil
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from tests.docs.pages import LOGON, Block, Runner, run
from tests.support.configured import verdict_of
from tests.support.paths import ROOT
from tests.support.running import running
from winlogd.config.load import load
from winlogd.daemon.site import site_of
from winlogd.sessions.rooms import Rooms
from winlogd.sessions.rooms_file import parsed


def _checks_the_configuration(block: Block, folder: Path) -> None:
    file = folder / "config.toml"
    shutil.copy(ROOT / "config.toml", file)
    program = f"{sys.executable} -m winlogd"
    answer = run(
        block.text,
        {"sudo -u winlogd /opt/winlogd/bin/winlogd": program, "/etc/winlogd/config.toml": file},
        {"PYTHONPATH": str(ROOT)},
    )
    assert verdict_of(answer).replace(str(file), "/etc/winlogd/config.toml") == block.answer


def _is_a_configuration(block: Block, folder: Path) -> None:
    (folder / "config.toml").write_text(block.text, "utf-8")
    site_of(load(str(folder / "config.toml"), {}))


def _is_a_list_of_machines(block: Block, folder: Path) -> None:
    rooms = Rooms({}, places=parsed(block.text))
    assert rooms.room_of("pc-07", date(2025, 5, 5)) == "A102"
    assert rooms.room_of("pc-07", date(2026, 1, 13)) == "Workshop"
    assert [place.hostname for place in rooms.expected(date(2026, 1, 13)).values()] == ["PC-07", "PC-08"]


def _admits_the_networks(block: Block, folder: Path) -> None:
    """With these networks, this machine may read, but may not send."""
    with running(folder, block.text) as server:
        assert server.request("GET", "/api/v1/sessions/current").status == 200
        assert server.post(LOGON).status == 403
        assert server.request("GET", "/health").status == 200


RUN: Final[Mapping[str, Runner]] = {
    "[security]\ningest_networks": _admits_the_networks,
    '[rooms]\n"A102"': _is_a_configuration,
    "hostname,room": _is_a_list_of_machines,
    "[sessions]\nmulti_user": _is_a_configuration,
    "sudo -u winlogd /opt/winlogd/bin/winlogd check-config": _checks_the_configuration,
}
