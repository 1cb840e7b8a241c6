"""The table of the doctor's checks in docs/operate.md has exactly the checks that run, in their order."""

import re

from tests.docs.pages import TEXTS
from winlogd.commands.checks.table import AS_OWNER, FIRST, IN_DATABASE


def test_the_table_lists_each_check() -> None:
    section = TEXTS["docs/operate.md"].partition("\n## The doctor\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z ]+)` \|", section, re.MULTILINE)
    assert listed == [check.name for check in (*FIRST, *AS_OWNER, *IN_DATABASE)]
