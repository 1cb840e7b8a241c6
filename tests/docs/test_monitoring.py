"""docs/monitoring.md has every figure of /metrics with its labels, and no other."""

import re
from typing import Final

from tests.docs.pages import TEXTS
from winlogd.api.metrics_table import FAMILIES

PAGE: Final = TEXTS["docs/monitoring.md"]
ROWS: Final = dict(re.findall(r"^\| `((?:winlogd|process)_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))


def test_the_table_has_every_figure_and_no_other() -> None:
    assert list(ROWS) == [family.name for family in FAMILIES]


def test_the_table_has_the_labels_of_each_figure() -> None:
    assert {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in ROWS.items()} == {
        family.name: family.labels for family in FAMILIES
    }
