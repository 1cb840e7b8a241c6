"""Reads what GET /metrics answers, and asks Debian's prometheus about queries, rules and a running server."""

import re
import shutil
from collections.abc import Mapping
from typing import Final, NamedTuple

import pytest

from tests.support.running import Winlogd, wait_for

_SAMPLE: Final = re.compile(r'(\w+?)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)')
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_NOT_INSTALLED: Final = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]

OF_THE_DISK: Final = "winlogd_database_bytes"
OF_THE_READER: Final = "winlogd_doubtful_sessions"
"""Families that other threads find: what looks at the disk, and the reader."""

needs_prometheus: Final = pytest.mark.skipif(
    bool(_NOT_INSTALLED), reason=f"not installed: {', '.join(_NOT_INSTALLED)} (Debian's package prometheus)"
)


class Scraped(NamedTuple):
    """An answer of /metrics.

    Attributes:
        kinds: the kind of each family, by name.
        samples: each figure, by its name and labels as they are written.
        labels: the labels of each figure, by the same key.
    """

    kinds: Mapping[str, str]
    samples: Mapping[str, float]
    labels: Mapping[str, Mapping[str, str]]

    def family_of(self, name: str) -> str:
        """Return the family of the figure with a name, which may end as those of a histogram do."""
        return name if name in self.kinds else re.sub(r"_(?:bucket|sum|count)$", "", name)


def scrape(server: Winlogd, headers: Mapping[str, str] | None = None) -> Scraped:
    """Ask for the figures, and read them strictly."""
    answer = server.request("GET", "/metrics", headers=headers)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.body.decode())


def scrape_all(server: Winlogd) -> Scraped:
    """Ask for the figures until all are there: an answer leaves out what takes longer than a second to find."""
    return scrape_with(server, OF_THE_DISK, OF_THE_READER)


def scrape_with(server: Winlogd, *families: str) -> Scraped:
    """Ask for the figures until some families are there."""
    found: Scraped = wait_for(
        lambda: scraped if (scraped := scrape(server)).kinds.keys() >= set(families) else None,
        f"the figures {families}",
        server.process,
    )
    return found


def read(text: str) -> Scraped:
    """Read the text format. Anything that is not of it fails."""
    kinds: dict[str, str] = {}
    samples: dict[str, float] = {}
    labels: dict[str, Mapping[str, str]] = {}
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds, f"{name} comes twice"
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            key = line.rpartition(" ")[0]
            assert key not in samples, f"{key} comes twice"
            samples[key] = float(match[3])
            labels[key] = {"": match[1], **dict(_LABEL.findall(match[2] or ""))}
    return Scraped(kinds, samples, labels)
