"""A site of two days, some of whose names another program has written, for the commands that ask questions."""

from pathlib import Path
from typing import Final

from tests.support.commands import Ended, command
from tests.support.questions import at, receive, sent, stay
from tests.support.school_rows import ClockedServer

NOW_US: Final = at(1, 10.25)
"""Tuesday 13 January 2026, 10:15."""
SETTINGS: Final = """\
[server]
timezone = "Europe/Paris"
[rooms]
from_hostname = "{room}-*"
[periods]
M2 = "09:00-10:00"
"""

ESC: Final = "\x1b[2Jevil"
REVERSED: Final = "\u202eecila"
FORMULA: Final = "=cmd|' /C calc'!A0"
QUOTED: Final = 'a "quoted", name;'
LINES: Final = "two\r\nlines"
WIDE: Final = "山田太郎"
HOSTILE: Final = (ESC, REVERSED, FORMULA, QUOTED, LINES, WIDE)


def make_site(folder: Path) -> Path:
    """Make a configuration and a database of two days. Another program has written some of the names."""
    (folder / "config.toml").write_text(SETTINGS)
    (folder / "data").mkdir()
    with ClockedServer(folder / "data" / "winlog.db", at(0, 7)) as server:
        receive(server, *stay(at(0, 8), at(0, 9.5), "alice"), sent(at(0, 8), "bob", "C", "A102-08"))
        receive(server, sent(at(0, 8.1), "bob", "M", "A102-08", hardware={"cpu": {"brand": "i5"}, "disks": [1, 2]}))
        server.rotate(at(1, 1))
        receive(server, sent(at(1, 8), "alice", "C"), sent(at(1, 9), "zoe", "D", "A102-09"))
        receive(server, sent(at(1, 8.5), "bob", "M", "A102-08", hardware={"cpu": {"brand": "i7"}, "disks": [1, 2]}))
        for number, name in enumerate(HOSTILE):
            receive(server, sent(at(1, 9), f"x{number}", "C", f"B1-{number}"))
            server.database.connection.execute(
                "UPDATE events_today SET username = ?1, hostname = 'B1-' || ?1 WHERE username = ?2",
                (name, f"x{number}"),
            )
    return folder


def run(folder: Path, *words: str, **environ: str) -> Ended:
    """Run a command in a folder at that time."""
    return command(folder, NOW_US, *words, environ=environ)


READING: Final = [
    ("who",),
    ("sessions",),
    ("machines",),
    ("rooms",),
    ("user", "alice"),
    ("machine", "A102-08"),
    ("search", "a"),
]
"""The commands that ask questions, each with words that find something."""
