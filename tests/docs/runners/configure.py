"""Run the commands of docs/configure.md."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.docs.pages import LOGON, Block, Runner, run
from tests.support.paths import ROOT
from tests.support.running import running


def _checks_the_configuration(block: Block, folder: Path) -> None:
    file = folder / "config.toml"
    shutil.copy(ROOT / "config.toml", file)
    program = f"{sys.executable} -m winlogd"
    answer = run(
        block.text,
        {"sudo -u winlogd /opt/winlogd/bin/winlogd": program, "/etc/winlogd/config.toml": file},
        {"PYTHONPATH": str(ROOT)},
    )
    assert answer.replace(str(file), "/etc/winlogd/config.toml") == block.answer


def _admits_the_networks(block: Block, folder: Path) -> None:
    """With these networks, this machine may read, but may not send."""
    with running(folder, block.text) as server:
        assert server.request("GET", "/api/v1/sessions/current").status == 200
        assert server.post(LOGON).status == 403
        assert server.request("GET", "/health").status == 200


RUN: Final[Mapping[str, Runner]] = {
    "[security]\ningest_networks": _admits_the_networks,
    "sudo -u winlogd /opt/winlogd/bin/winlogd check-config": _checks_the_configuration,
}
