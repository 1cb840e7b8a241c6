"""The code blocks of all pages are true: tests run their commands and compare their answers.

`runners` has a function for each block. This file lists each block that no test can run, with the reason.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import Block, Runner, block, blocks
from tests.docs.runners import access, api, clients, configure, doctor, install, monitoring, operate, privacy, who, year
from tests.support.paths import ROOT

PROGRAMS: Final = [name for name in ("curl", "sqlite3") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(PROGRAMS), reason=f"not installed: {', '.join(PROGRAMS)}"),
    pytest.mark.long,
]  # each block is run as an administrator runs it

RUN: Final[Mapping[str, Runner]] = {
    **install.RUN,
    **operate.RUN,
    **who.RUN,
    **doctor.RUN,
    **access.RUN,
    **configure.RUN,
    **api.RUN,
    **clients.RUN,
    **privacy.RUN,
    **monitoring.RUN,
    **year.RUN,
}
"""The function that runs a block, by the beginning of the block."""

RUN_ELSEWHERE: Final = {
    "python3 -m venv .venv && .venv/bin/pip install . ": "test_packaging.py",
    "# the token that was printed": "runners/access.py",
    "[security]\nnames": "runners/access.py",
    "# a teacher, a head of department": "runners/access.py",
    "curl -H @meier.header": "runners/access.py",
    "curl -H @wall-a1.header": "runners/access.py",
    "scrape_configs:": "test_prometheus.py",
    "rule_files:": "test_prometheus.py",
    "upstream winlogd": "proxies.py",
    "http://winlog.example.org {": "proxies.py",
    "#!/bin/sh": "test_clients.py",
    "sudo chmod": "test_clients.py",
    "session optional": "test_clients.py",
    "$json =": "test_clients.py",
    "[Socket]\nListenStream=\n": "test_systemd.py",
    "[Unit]\nDescription=Port of winlogd for TLS": "test_systemd.py",
    "[Unit]\nRequiresMountsFor=": "test_systemd.py",
    "[Service]\nWatchdogSec=": "test_systemd.py",
    "[Service]\nExecStart=\n": "test_systemd.py",
    "[Service]\nLogNamespace=": "test_systemd.py",
    "[Timer]\nOnCalendar=\n": "test_systemd.py",
    "age -d": "runners/privacy.py",
    "# on the new server": "runners/year.py",
    "# after a change of rooms": "runners/year.py",
    "# after the exam": "runners/year.py",
    "# on the second day of school": "runners/year.py",
    "# old events, for ever": "runners/year.py",
    "[Unit]\nDescription=Report logon": "runners/clients.py",
    "[Unit]\nDescription=Report the hardware": "runners/clients.py",
    "python3 -m venv .venv && .venv/bin/pip install 'setuptools": "../packages/conftest.py",
    "sudo apt install ./dist": "../packages/test_deb.py",
    "sudo apt install --allow-downgrades": "../packages/test_deb.py",
    "sudo apt remove": "../packages/test_deb.py",
    "sudo apt purge": "../packages/test_deb.py",
    "echo 'winlogd winlogd/remove-data": "../packages/test_deb.py",
    "PYTHON=.venv/bin/python packaging/build-wheel": "../packages/test_wheel.py",
}
"""The blocks that another file of this folder runs, by their beginning, with the name of that file."""

NOT_RUN: Final = {
    "python3 -m venv .venv && .venv/bin/pip install -e": "is what runs this test; test_packaging.py looks for it in CI",
    "python3 -m venv .venv && . .venv/bin/activate": "sets up the environment that runs this test",
    "for run in $(seq 10)": "runs all tests ten times",
    "pytest -n 0 ": "runs the tests, and this one among them",
    "sudo useradd": "makes a user and files of the system; test_systemd.py compares its paths with the unit's",
    "sudo systemctl daemon-reload\nsudo systemctl enable": "needs systemd as the first process",
    "sudo ufw": "changes the firewall of the machine",
    "sudo firewall-cmd": "changes the firewall of the machine",
    "sudo systemctl restart": "needs systemd as the first process",
    "sudo systemctl stop winlogd\nsudo systemctl enable": "needs systemd as the first process",
    "systemctl list-timers": "needs systemd as the first process",
    "[Journal]\nMaxRetentionSec": "is read by systemd's journal alone",
    "sudo systemctl reload": "needs systemd as the first process",
    "setx": "is for Windows",
    "sudo chown": "needs the user winlogd",
    "journalctl": "needs systemd's journal",
    "sudo /opt/winlogd/bin/pip install --upgrade": "changes files of the system",
    "sudo systemctl disable": "needs systemd as the first process",
    "pip install -e . --group bench": "takes hours; test_names.py asks the programs for the flags",
    "python -m bench --scenario queries": "takes half an hour, and 4 GB of the disk",
    "45.20%  Python": "is what perf measured",
    "11.8 Daemon.run": "is what py-spy measured",
    "pipx install": "needs pipx; packages/test_wheel.py installs the wheel by pip",
    "docker build": "needs Docker; packages/test_container.py builds the image with buildah",
    "docker compose -f packaging/compose.yaml exec": "needs Docker; packages/test_container.py runs a command",
}
"""The blocks that no test can run, by their beginning, with the reason."""


@pytest.mark.parametrize("beginning", RUN)
def test_a_block_does_what_the_text_says(beginning: str, tmp_path: Path) -> None:
    RUN[beginning](block(beginning), tmp_path)


@pytest.mark.parametrize("each", blocks(), ids=lambda each: f"{each.page}: {each.text.splitlines()[0][:60]}")
def test_every_block_is_run_or_listed_with_the_reason_why_not(each: Block) -> None:
    assert len([known for known in (*RUN, *RUN_ELSEWHERE, *NOT_RUN) if each.text.startswith(known)]) == 1


@pytest.mark.parametrize("beginning", [*RUN_ELSEWHERE, *NOT_RUN])
def test_the_lists_name_only_blocks_that_are_there(beginning: str) -> None:
    assert block(beginning)
    if file := RUN_ELSEWHERE.get(beginning):
        assert f"block({json.dumps(beginning)[:-1]}" in (ROOT / "tests" / "docs" / file).read_text()
