"""The manifest of an export: what the file is, in a file of its own, for whoever gets it later.

This file must not know how the rows were found.
"""

import os
from argparse import Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import orjson

from winlogd import VERSION
from winlogd.api.session_fields import local_text
from winlogd.commands.asking import Asking
from winlogd.commands.export_output import NewFile
from winlogd.commands.export_rows import Exported
from winlogd.sessions.session import US

_STATEMENT: Final = "Reported by workstations. This is no proof of identity: it shows which account was used where."


def manifest_of(
    asking: Asking, options: Namespace, texts: Mapping[str, str], made_by: str, file: NewFile, exported: Exported
) -> bytes:
    """Return the manifest as JSON.

    Args:
        asking: the command line.
        options: its flags.
        texts: the filters, as they were typed.
        made_by: the user who has logged in and exports.
        file: the file, which is written.
        exported: what is in it.
    """
    times = {name: asking.in_words(texts[name]) for name in ("from", "to", "at") if name in texts}
    now_us, zone = asking.asked.now_us, asking.asked.site.zone
    local = datetime.fromtimestamp(now_us // US, UTC).astimezone(zone)
    rows_are, counted = ("events", "actions") if options.events else ("sessions", "certainty")
    if options.person:
        rows_are, counted = "all of one person", "kinds"
    fields = {
        "statement": _STATEMENT,
        "reason": options.reason,
        "made_at": local_text(now_us, zone),
        "made_by": made_by,
        "made_with": f"winlogd {VERSION}",
        "file": os.path.basename(file.path),
        "format": options.format,
        "names_changed_for_spreadsheets": options.format == "csv" and not options.raw,
        "bytes": file.octets,
        "sha256": file.sha256,
        "rows_are": rows_are,
        "rows": exported.rows,
        counted: dict(sorted(exported.counts.items())),
        "filter": dict(texts),
        "times_understood_as": times,
        "time_zone": asking.config.server.timezone or local.tzname(),
        "oldest_session_kept": exported.oldest,
        "archive_kept_days": exported.kept_days,
        "history": exported.history,
    }
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
