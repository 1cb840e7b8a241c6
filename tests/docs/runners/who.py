"""Run the commands of docs/operate.md, "Who was where", on a small site at 10:15 on the 13th of January 2026."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from tests.docs.pages import Block, Runner, run
from tests.docs.shell import function
from tests.support.commands import AT
from tests.support.paths import ROOT
from tests.support.questions import at, receive, sent, stay
from tests.support.school_rows import ClockedServer

_NOW_S: Final = at(1, 10.25) // 1_000_000
_FUNCTION: Final = "winlogd() {"
_CONFIG: Final = """\
[database]
path = "winlog.db"
[server]
timezone = "UTC"
[rooms]
rooms_file = "machines.csv"
"""
_MACHINES: Final = "hostname,room\nA102-07,A102\nA102-08,A102\nA102-09,A102\nA102-10,A102\nA102-11,A102\nB201-01,B201\n"


def _site(folder: Path) -> None:
    """Make two weeks in which bob comes each weekday, and the machine A102-09 reports only on the first day."""
    (folder / "config.toml").write_text(_CONFIG)
    (folder / "machines.csv").write_text(_MACHINES)
    with ClockedServer(folder / "winlog.db", at(-14, 7)) as server:
        receive(server, *stay(at(-14, 8), at(-14, 9), "carol", "A102-09"))
        for day in range(-14, 1):
            if (day + 14) % 7 < 5:
                receive(server, *stay(at(day, 13), at(day, 14), "bob", "A102-08"))
            if day == 0:
                receive(server, *stay(at(0, 8), at(0, 9.5), "alice"), *stay(at(0, 10), at(0, 11), "alice"))
                receive(server, sent(at(0, 15), "dan", "C", "B201-01"), *stay(at(0, 16), at(0, 17), "dan", "B201-01"))
            server.rotate(at(day + 1, 1))
        receive(server, sent(at(1, 7.9), "alice", "M", hardware={"cpu_brand": "i5", "memory_total": 17179869184}))
        receive(server, sent(at(1, 8), "alice", "C"), sent(at(1, 8), "erin", "C", "A102-11"))
        receive(server, sent(at(1, 9), "dan", "C", "A102-11"))


def _output(block_run: Block, folder: Path) -> str:
    """Return what the block's commands print, on both outputs as on a terminal."""
    _site(folder)
    program = folder / "winlogd"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "$CODE" {_NOW_S} "$@"\n')
    program.chmod(0o755)
    text = "" if block_run.text.startswith(_FUNCTION) else block_run.text
    environ = {"CODE": AT, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "WINLOGD_LIMITS_MIN_FREE_DISK": "0"}
    script = f"{function(folder / 'config.toml', str(program))}\ncd {folder}\n{{\n{text or 'winlogd who'}\n}} 2>&1"
    return run(script, {}, environ)


def _shows(block_run: Block, folder: Path) -> None:
    assert _output(block_run, folder) == block_run.answer


def _defines(block_run: Block, folder: Path) -> None:
    assert "alice" in _output(block_run, folder)


def _writes(block_run: Block, folder: Path, name: str) -> None:
    _output(block_run, folder)
    text = (folder / name).read_bytes().decode()
    assert text.startswith("\ufeffusername;hostname;room;connected_at;")
    assert text.count("\r\n") == 16


RUN: Final[Mapping[str, Runner]] = {
    _FUNCTION: _defines,
    "winlogd who --room A102\n": _shows,
    "winlogd who --room A102 --at": _shows,
    "winlogd user": _shows,
    "winlogd machine A102-07": _shows,
    "winlogd machines --room": _shows,
    "winlogd rooms": _shows,
    "winlogd sessions --user": _shows,
    "winlogd machines --unseen": _shows,
    "winlogd sessions --ended-by": _shows,
    "winlogd search": _shows,
    "winlogd sessions --from 2026-01-01 --csv": partial(_writes, name="january.csv"),
}
