"""Print winlogd's page of the manual, winlogd(1): the helps of winlogd and of all its commands.

Each help stands there as the command prints it. The page's date is SOURCE_DATE_EPOCH, in UTC.
"""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from helps import help_texts

import winlogd

_FILES: Final[Mapping[str, str]] = {
    "/etc/winlogd/config.toml": "The configuration of the service. It explains each option.",
    "/var/lib/winlogd/winlog.db": "The database.",
    "/var/lib/winlogd/backups": "The backups of the last seven nights.",
    "/usr/share/doc/winlogd": "What else there is to read; operate.md says how to run winlogd for years.",
}

_ESCAPES: Final = str.maketrans(
    {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
)
"""What roff would take for something else, with what prints it as it is."""


def page(texts: Mapping[str, str], when: datetime) -> str:
    """Return the page in roff, from the helps by command."""
    purpose = winlogd.__doc__.removeprefix("winlogd: ").strip().removesuffix(".") if winlogd.__doc__ else ""
    return "".join(
        (
            f'.TH WINLOGD 1 "{when:%Y-%m-%d}" "winlogd {winlogd.VERSION}" "winlogd"\n',
            f".SH NAME\nwinlogd \\- {_escaped(purpose)}\n",
            f".SH DESCRIPTION\n{_as_it_is(texts[''])}",
            ".SH FILES\n",
            *(f".TP\n.I {_escaped(path)}\n{_escaped(what)}\n" for path, what in _FILES.items()),
            *(f".SH WINLOGD {_escaped(name.upper())}\n{_as_it_is(text)}" for name, text in texts.items() if name),
        )
    )


def _as_it_is(text: str) -> str:
    """Return lines of roff that print `text` as it is, from the first column on."""
    lines = "".join(f"{_escaped(line)}\n" for line in text.strip().splitlines())
    return f".nf\n.in 0\n{lines}.fi\n"


def _escaped(line: str) -> str:
    """Return a line of roff that prints `line`."""
    line = line.translate(_ESCAPES)
    return f"\\&{line}" if line.startswith(".") else line


if __name__ == "__main__":
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        sys.exit("SOURCE_DATE_EPOCH, the date of the page, is not set")
    sys.stdout.write(page(help_texts(), datetime.fromtimestamp(int(epoch), UTC)))
