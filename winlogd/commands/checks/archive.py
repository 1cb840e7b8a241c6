"""Check that the archive was read: where winlogd still reads it, all other figures of the past are too small."""

from collections.abc import Iterator
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine
from winlogd.commands.checks.looked import Looked

_COMPLETE: Final = "complete"


def check(context: Context, looked: Looked) -> Iterator[Finding]:
    """Find an archive of which a part is not read yet."""
    if looked.history == _COMPLETE:
        yield fine("all sessions of the archive are there")
        return
    yield Finding(
        "note",
        f"the archive is still being read ({looked.history})",
        "older sessions are missing in all answers, and in what follows here",
        "let the server run on: it reads between the events, and its log says when the past is built",
    )
