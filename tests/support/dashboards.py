"""Reads the alert rules and the Grafana dashboard of docs/monitoring: their queries, and the figures in them."""

import json
import re
from collections.abc import Iterator
from typing import Final

from tests.support.paths import ROOT

FOLDER: Final = ROOT / "docs" / "monitoring"
ALERTS: Final = (FOLDER / "alerts.yml").read_text("utf-8")
DASHBOARD: Final = json.loads((FOLDER / "grafana.json").read_text("utf-8"))

_FIELD: Final = r"^ {8}%s: (?:>-\n((?: {10}.*\n)+)|(.*)\n)"
_VARIABLES: Final = {"$__rate_interval": "5m", "$instance": ".+"}
_NO_NAMES: Final = r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"|\b(?:by|without|on) \([^)]*\)"
"""Parts of a query that name no figure: matchers, ranges, texts, and lists of labels."""
_WORDS: Final = {"and", "or", "unless", "by", "without", "on"}


def alerts() -> dict[str, str]:
    """Return the queries of the alert rules, by the name of the alert."""
    found: dict[str, str] = {}
    for part in ALERTS.split("      - alert: ")[1:]:
        match = re.search(_FIELD % "expr", part, re.MULTILINE)
        assert match is not None, part
        found[part.partition("\n")[0]] = " ".join((match[1] or match[2]).split())
    return found


def panels() -> Iterator[tuple[str, str]]:
    """Yield the queries of the dashboard, each with the title of its panel, as Grafana sends them."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            query = target["expr"]
            for variable, value in _VARIABLES.items():
                query = query.replace(variable, value)
            yield panel["title"], query


def figures_of(query: str) -> set[str]:
    """Return the names of the figures in a query."""
    rest = re.sub(_NO_NAMES, " ", query)
    return {name for name, call in re.findall(r"\b([a-z_]\w*)\b(\s*\()?", rest) if not call and name not in _WORDS}
