"""``winlogd export``: write the sessions or events that pass some filters to a file, whole, for another program.

This file must not know how rows are found, or how a form is written.
"""

from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from winlogd.api.parameters import FILTERS
from winlogd.api.stored_events import PARAMETERS as EVENT_FILTERS
from winlogd.commands.asking import TIMES, Asking
from winlogd.commands.export_forms import FORMS
from winlogd.commands.export_output import NewFile, OutputFailedError, StandardOutput
from winlogd.commands.flags import Parser
from winlogd.commands.readers_file import login_user, note_look
from winlogd.commands.terminal import FAILED, OK, MisusedError, note

if TYPE_CHECKING:  # types only
    from winlogd.api.reading import Listing
    from winlogd.commands.export_rows import Exported

_DOES: Final = """\
Write all sessions that pass the filters, newest first; with --events the events as
they came. Names that a spreadsheet would run are made harmless in CSV. A file is
new, and only its owner can read it. The readers' log gets a row. With --reason, a
second file says what the first one is: filter, time zone, counts and SHA-256."""

_EXAMPLE: Final = """\
  sudo winlogd export --room A102 --from yesterday --format csv --output a102.csv \\
      --reason 'request 2026/17'
  writes a102.csv and a102.csv.manifest.json.
"""

_FLAGS: Final[Mapping[str, tuple[str, str]]] = {
    "user": ("NAME", "of this user; * stands for any characters"),
    "host": ("NAME", "on this machine; * stands for any characters"),
    "room": ("ROOM", "on the machines of this room"),
    "ip": ("ADDRESS", "from this address, or this network such as 192.0.2.0/24"),
    "from": ("TIME", f"sessions that were on, events that came, at this time or later: {TIMES}"),
    "to": ("TIME", "at this time or earlier"),
    "at": ("TIME", "sessions that were on at this time"),
    "state": ("STATE", "sessions: open, ended, doubtful (open ones), or orphan"),
    "ended_by": ("HOW", "sessions ended by: client, auto (the next logon), or expired"),
    "action": ("ACTION", "events: C (logon), D (logoff), or M (hardware)"),
}
"""The placeholder and the help of the flag of each filter."""
_MANIFEST: Final = ".manifest.json"
_USAGE: Final = "usage: winlogd export [--events] [filters] [--format csv|jsonl|sqlite] [--output FILE]\n"


def run(words: Sequence[str]) -> int:
    """Export. Return the exit status.

    Args:
        words: the command line after ``export``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the database cannot be read, or the file cannot be written.
        HelpAskedError, MisusedError: see `Parser`.
        WrongValuesError: a filter is wrong.
    """
    options = _parser().parse_args(words)
    _check(options)
    asking = Asking("export", words, options)
    texts = {name: text for name in _FLAGS if (text := getattr(options, name)) is not None}
    from winlogd.commands.export_rows import listing_of

    listing = listing_of(asking, options.events, texts)
    manifest = None
    output: NewFile | StandardOutput = StandardOutput() if options.output is None else NewFile(options.output)
    try:
        if options.reason is not None:
            manifest = NewFile(f"{options.output}{_MANIFEST}")
        with suppress(OutputFailedError):
            _export(asking, listing, options, texts, output, manifest)
            return OK
        return FAILED
    except BaseException:
        for each in (output, manifest):
            if each is not None:
                each.give_up()
        raise


def _parser() -> Parser:
    parser = Parser("export", _DOES, _EXAMPLE)
    parser.set_defaults(json=False, csv=False)
    parser.add_argument("--events", action="store_true", help="the events as they came, instead of sessions")
    for name, (placeholder, purpose) in _FLAGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, metavar=placeholder, help=purpose)
    parser.add_argument("--format", choices=sorted(FORMS), default="csv", help="the form; csv without the flag")
    parser.add_argument("--lang", metavar="LANG", help="en or fr: the CSV of fr separates by ; and has a BOM")
    parser.add_argument("--raw", action="store_true", help="CSV for a program: names stay as they are")
    parser.add_argument("--output", metavar="FILE", help="a new file; without the flag, standard output")
    parser.add_argument("--reason", metavar="TEXT", help="why; write FILE.manifest.json, too")
    return parser


def _check(options: Namespace) -> None:
    """Check that the flags fit together.

    Raises:
        MisusedError: they do not.
    """
    allowed = EVENT_FILTERS if options.events else FILTERS
    for name in _FLAGS:
        if getattr(options, name) is not None and name not in allowed:
            kind = "events" if options.events else "sessions; ask for --events"
            raise MisusedError(f"--{name.replace('_', '-')} is no filter of {kind}", _USAGE)
    if options.output is None and options.format == "sqlite":
        raise MisusedError("--format sqlite needs --output FILE", _USAGE)
    if options.output is None and options.reason is not None:
        raise MisusedError("--reason needs --output FILE: the manifest stands beside it", _USAGE)
    if options.format != "csv" and (options.raw or options.lang is not None):
        raise MisusedError(f"--raw and --lang are for --format csv; {options.format} has every name as it is", _USAGE)


def _export(
    asking: Asking,
    listing: "Listing",
    options: Namespace,
    texts: Mapping[str, str],
    output: NewFile | StandardOutput,
    manifest: NewFile | None,
) -> None:
    from winlogd.commands.export_rows import export_rows

    made_by = login_user()  # before the process becomes the database's owner
    filters = [f"{name}={text}" for name, text in texts.items()]
    reason = [] if options.reason is None else [f"reason={options.reason}"]
    note_look(asking.config, "export", " ".join([listing.name, f"format={options.format}", *reason, *filters]))
    exported = export_rows(asking, listing, options, output)
    output.end()
    if manifest is not None and isinstance(output, NewFile):
        from winlogd.commands.export_manifest import manifest_of

        manifest.write(manifest_of(asking, options, texts, made_by, output, exported))
        manifest.end()
    note(_sentence(listing.name, exported, output.path))


def _sentence(name: str, exported: "Exported", path: str) -> str:
    counts: Counter[str] = exported.counts
    shown = ", ".join(f"{each}: {count}" for each, count in sorted(counts.items()))
    return f"{exported.rows} {name} written to {path}" + (f"; {shown}" if shown else "")
