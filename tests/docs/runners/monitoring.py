"""Run the blocks of docs/monitoring.md: what a person asks, and the token of Prometheus."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.docs.pages import ADDRESS, Block, Runner, run
from tests.docs.shell import typed
from tests.support.readers import bearer
from tests.support.running import running
from tests.support.scraping import scrape


def _asks_if_it_is_ready(block: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_settled()
        assert run(block.text, {ADDRESS: f"127.0.0.1:{server.port}"}) == block.answer


def _gives_prometheus_a_token(block: Block, folder: Path) -> None:
    token = folder / "winlogd.token"
    with running(folder) as server:
        server.wait_until_it_obeys()
        changes = {
            "/etc/prometheus/winlogd.token": token,
            "-o prometheus": "",  # there may be no such user
        }
        typed(block.text, folder, changes)
        assert stat.S_IMODE(token.stat().st_mode) == 0o400
        assert scrape(server, bearer(token.read_text().strip())).samples["winlogd_writable"] == 1


RUN: Final[Mapping[str, Runner]] = {
    "curl http://127.0.0.1:3000/ready": _asks_if_it_is_ready,
    "winlogd token add prometheus": _gives_prometheus_a_token,
}
