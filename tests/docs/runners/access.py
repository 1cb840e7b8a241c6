"""Run the commands of docs/access.md: add readers."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.docs.pages import DATABASE, Block, Runner, run
from tests.support.paths import ROOT
from tests.support.readers import bearer
from tests.support.running import Winlogd, an_event, running

ROOMS: Final = '[rooms]\nfrom_hostname = "{room}-*"\n'


def _token_of(block: Block, server: Winlogd) -> str:
    changes = {
        "sudo WINLOGD": "WINLOGD",
        "/opt/winlogd/bin/winlogd": f"env PYTHONPATH={ROOT} {sys.executable} -m winlogd",
        "/etc/winlogd/config.toml": server.folder / "config.toml",
        DATABASE: server.database,
    }
    printed = run(block.text, changes).strip()
    assert re.fullmatch(r"[0-9a-f]{32}", printed)
    return printed


def _adds_a_technician(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        token = _token_of(block, server)
        assert server.request("GET", "/api/v1/sessions", headers=bearer(token)).status == 200


def _adds_a_wall(block: Block, folder: Path) -> None:
    with running(folder, ROOMS) as server:
        server.wait_until_it_obeys()
        for host in ("A101-07", "B201-01"):
            server.post(an_event(hostname=host))
        rooms = server.request("GET", "/api/v1/rooms", headers=bearer(_token_of(block, server))).json["rooms"]
        assert [room["name"] for room in rooms] == ["A101"]


def _asks_for_rooms(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        assert '"rooms":[]' in run(
            block.text.replace('-H "Authorization: Bearer TOKEN"', ""),
            {"https://winlog.example.org": f"http://127.0.0.1:{server.port}"},
        )


RUN: Final[Mapping[str, Runner]] = {
    "# a technician": _adds_a_technician,
    "# a screen for the rooms": _adds_a_wall,
    'curl -H "Authorization: Bearer': _asks_for_rooms,
}
