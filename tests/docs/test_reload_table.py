"""The table of docs/operate.md has each option in the row that is true of it."""

import re
from typing import Final

from tests.docs.pages import TEXTS
from winlogd.config.sections import KEYS, SECTIONS
from winlogd.daemon.differences import _CERTIFICATE, _RESTART

SECTION: Final = TEXTS["docs/operate.md"].partition("## Reload\n")[2].partition("\n## ")[0]
ROWS: Final = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \| ([^|]+) \|$", SECTION, re.MULTILINE)
"""The options of each row, and what a reload does with them."""


def rows_with(words: str) -> set[str]:
    """Return the options and sections of the rows whose text has `words`."""
    return {name for options, text in ROWS if words in text for name in re.findall(r"`([^`]+)`", options)}


def test_the_options_that_need_a_restart_are_those_that_a_running_server_keeps() -> None:
    kept = {f"server.{key}" for key in _RESTART["server"]}
    assert rows_with("restart") == kept | {"[database]"}
    assert _RESTART["database"] == set(KEYS["database"])
    assert rows_with("new connections") == {f"server.{key}" for key in _CERTIFICATE}


def test_every_option_is_in_one_row() -> None:
    named = [name for options, _ in ROWS for name in re.findall(r"`([^`]+)`", options)]
    sections = {f"[{section}]" for section in SECTIONS if section != "server"}
    assert sorted(named) == sorted(sections | {f"server.{key}" for key in KEYS["server"]})
