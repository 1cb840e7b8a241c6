"""``winlogd export``: write the sessions or events that pass some filters to a file, whole, for another program.

This file must not know how rows are found, or how a form is written.
"""

from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.api.parameters import FILTERS
from winlogd.api.stored_events import PARAMETERS as EVENT_FILTERS
from winlogd.commands.asking import TIMES, Asking
from winlogd.commands.export_forms import FORMS, PERSON_FORMS
from winlogd.commands.export_output import NewFile, Output, OutputFailedError, StandardOutput
from winlogd.commands.flags import Parser
from winlogd.commands.readers_file import login_user, note_look
from winlogd.commands.terminal import FAILED, OK, MisusedError, note
from winlogd.events.patterns import STAR

if TYPE_CHECKING:  # types only
    from winlogd.commands.export_rows import Exported

_DOES: Final = """\
Write all sessions that pass the filters, newest first; with --events the events as
they came. Names that a spreadsheet would run are made harmless in CSV. A file is
new, and only its owner can read it. The readers' log gets a row. With --reason, a
second file says what the first one is: filter, time zone, counts and SHA-256.
With --person, the file is for the person of --user: a page or a CSV with all that
winlogd keeps of this person, who has looked at it and when, and nobody else. Names
of others in reports of hardware are removed. Status 1 if no event has the name."""

_EXAMPLE: Final = """\
  sudo winlogd export --room A102 --from yesterday --format csv --output a102.csv \\
      --reason 'request 2026/17'
  writes a102.csv and a102.csv.manifest.json.
  sudo winlogd export --person --user alice --lang fr --output alice.html
  writes a page in French for alice.
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
_PERSON_FILTERS: Final = ("user", "from", "to")
"""The filters of the file about one person."""
_MANIFEST: Final = ".manifest.json"
_USAGE: Final = """\
usage: winlogd export [--events] [filters] [--format csv|jsonl|sqlite] [--output FILE]
       winlogd export --person --user NAME [--exact] [--format html|csv] [--output FILE]
"""


class Work(NamedTuple):
    """What is to be written.

    Attributes:
        name: what it is, for the readers' log.
        rows_are: what its rows are, for the sentence at the end.
        write: writes it, and returns what was written.
        is_known: called at the end; returns False if the person is unknown.
    """

    name: str
    rows_are: str
    write: "Callable[[Output], Exported]"
    is_known: Callable[[], bool] = lambda: True


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
    work = _work(asking, options, texts)
    manifest = None
    output: Output = StandardOutput() if options.output is None else NewFile(options.output)
    try:
        if options.reason is not None:
            manifest = NewFile(f"{options.output}{_MANIFEST}")
        with suppress(OutputFailedError):
            _export(asking, work, options, texts, output, manifest)
            return OK if work.is_known() else FAILED
        return FAILED
    except BaseException:
        for each in (output, manifest):
            if each is not None:
                each.give_up()
        raise


def _parser() -> Parser:
    parser = Parser("export", _DOES, _EXAMPLE)
    parser.set_defaults(json=False, csv=False)
    parser.add_argument("--person", action="store_true", help="all about the person of --user, for that person")
    parser.add_argument("--exact", action="store_true", help="with --person: no account of another domain")
    parser.add_argument("--events", action="store_true", help="the events as they came, instead of sessions")
    for name, (placeholder, purpose) in _FLAGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, metavar=placeholder, help=purpose)
    forms = sorted({*FORMS, *PERSON_FORMS})
    parser.add_argument(
        "--format", choices=forms, help="the form; html is the one of --person, and csv that of the others"
    )
    parser.add_argument("--lang", metavar="LANG", help="en or fr: of the page; the CSV of fr has ; and a BOM")
    parser.add_argument("--raw", action="store_true", help="CSV for a program: names stay as they are")
    parser.add_argument("--output", metavar="FILE", help="a new file; without the flag, standard output")
    parser.add_argument("--reason", metavar="TEXT", help="why; write FILE.manifest.json, too")
    return parser


def _check(options: Namespace) -> None:
    """Check that the flags fit together.

    Raises:
        MisusedError: they do not.
    """
    options.person = options.person or options.format == "html"
    options.format = options.format or ("html" if options.person else "csv")
    if options.person:
        _check_person(options)
    elif options.exact or options.format not in FORMS:
        raise MisusedError("--exact is for the file about one person: add --person", _USAGE)
    allowed = EVENT_FILTERS if options.events else FILTERS
    for name in _FLAGS:
        if getattr(options, name) is not None and name not in allowed:
            kind = "events" if options.events else "sessions; ask for --events"
            raise MisusedError(f"--{name.replace('_', '-')} is no filter of {kind}", _USAGE)
    if options.output is None and options.format == "sqlite":
        raise MisusedError("--format sqlite needs --output FILE", _USAGE)
    if options.output is None and options.reason is not None:
        raise MisusedError("--reason needs --output FILE: the manifest stands beside it", _USAGE)
    if options.format not in ("csv", "html") and (options.raw or options.lang is not None):
        raise MisusedError(f"--raw and --lang are for --format csv; {options.format} has every name as it is", _USAGE)
    if options.format == "html" and options.raw:
        raise MisusedError("--raw is for --format csv; a page shows every name as it is", _USAGE)


def _check_person(options: Namespace) -> None:
    """Check the flags of the file about one person.

    Raises:
        MisusedError: they do not fit together.
    """
    if options.user is None or STAR in options.user:
        raise MisusedError("--person needs --user with the whole name of one person, without *", _USAGE)
    if options.events or any(getattr(options, name) is not None for name in _FLAGS if name not in _PERSON_FILTERS):
        raise MisusedError("--person has all of one person: only --user, --from and --to go with it", _USAGE)
    if options.format not in PERSON_FORMS:
        raise MisusedError(f"--person writes html or csv, not {options.format}", _USAGE)


def _work(asking: Asking, options: Namespace, texts: Mapping[str, str]) -> "Work":
    """Return what is to be written.

    Raises:
        WrongValuesError: a filter is wrong.
    """
    if options.person:
        from winlogd.commands.export_person import PersonExport

        export = PersonExport(asking, options, texts)
        return Work("person", "rows", export.write, export.is_known)
    from winlogd.commands.export_rows import export_rows, listing_of

    listing = listing_of(asking, options.events, texts)
    return Work(listing.name, listing.name, lambda output: export_rows(asking, listing, options, output))


def _export(
    asking: Asking,
    work: "Work",
    options: Namespace,
    texts: Mapping[str, str],
    output: Output,
    manifest: NewFile | None,
) -> None:
    made_by = login_user()  # before the process becomes the database's owner
    filters = [f"{name}={text}" for name, text in texts.items()]
    reason = [] if options.reason is None else [f"reason={options.reason}"]
    note_look(asking.config, "export", " ".join([work.name, f"format={options.format}", *reason, *filters]))
    exported = work.write(output)
    output.end()
    if manifest is not None and isinstance(output, NewFile):
        from winlogd.commands.export_manifest import manifest_of

        manifest.write(manifest_of(asking, options, texts, made_by, output, exported))
        manifest.end()
    note(_sentence(work.rows_are, exported, output.path))


def _sentence(name: str, exported: "Exported", path: str) -> str:
    counts: Counter[str] = exported.counts
    shown = ", ".join(f"{each}: {count}" for each, count in sorted(counts.items()))
    return f"{exported.rows} {name} written to {path}" + (f"; {shown}" if shown else "")
