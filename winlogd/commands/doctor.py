"""``winlogd doctor``: look at everything that goes wrong in a year, and say what to do.

It changes nothing. This file must not know what a check looks for.
"""

import os
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from winlogd import VERSION
from winlogd.commands.answers import print_json, print_text
from winlogd.commands.checks import configuration
from winlogd.commands.checks.context import Context, server_of
from winlogd.commands.checks.finding import Finding, worst
from winlogd.commands.checks.looked import looked
from winlogd.commands.checks.report import Result, text_of
from winlogd.commands.checks.table import AS_OWNER, CONFIGURATION, DATABASE, FIRST, IN_DATABASE
from winlogd.commands.database import DatabaseMissingError, database_of
from winlogd.commands.flags import Parser
from winlogd.commands.giving_way import give_way
from winlogd.commands.reader import answer_to
from winlogd.commands.table import width_of_output
from winlogd.commands.terminal import FAILED, MISUSED, OK, FailedError
from winlogd.config.load import ConfigError, load
from winlogd.daemon.site import site_of
from winlogd.scheduled.clock import zone_of
from winlogd.sessions.session import US

_DOES: Final = """\
Look at everything that goes wrong in a year, and say what to do: configuration,
owners of files, certificate, versions, the server and what it refused today, who may
read, the disk, backups, rotation and retention, and what the database says of the
workstations: their clocks, machines that report nothing, rooms without logoffs.
It changes nothing, and shows no user's name. Run it as root, or as the user that
winlogd runs as, with the server running or not. The exit status is 1 if something
needs a person."""

_EXAMPLE: Final = """\
  sudo winlogd doctor --config /etc/winlogd/config.toml
  prints the faults first, each with what it means and what to do.
"""

_STATUSES: Final[Mapping[int, str]] = {
    OK: "nothing needs a person",
    FAILED: "something needs a person: there is a fault, also one of the configuration",
    MISUSED: "the command line is wrong; nothing was looked at",
}
_MISSING: Final = (
    "if there was a database, mount its disk, or correct database.path; otherwise start winlogd, which makes it"
)
_DAMAGED: Final = (
    "do what the line says; if the file is damaged, restore the last backup: docs/operate.md, Restore; Troubleshooting"
    " there has more"
)


def run(words: Sequence[str]) -> int:
    """Run all checks and print what they have found. Return `FAILED` if something needs a person.

    Args:
        words: the command line after ``doctor``.

    Raises:
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = Parser("doctor", _DOES, _EXAMPLE, statuses=_STATUSES)
    parser.add_argument("-v", "--all", action="store_true", help="also show the checks that have found nothing")
    parser.add_argument("--json", action="store_true", help="print all findings as JSON")
    flags = parser.parse_args(list(words))
    results = list(_results(flags.config, shlex.join(["doctor", *words])))
    text = text_of(results, width_of_output(), flags.all)
    status = print_json(_fields(results)) if flags.json else print_text(text)
    return status or (FAILED if worst(each.finding for each in results) == "fault" else OK)


def _results(file: str | None, words: str) -> Iterator[Result]:
    try:
        config = load(file, os.environ)
        zone = zone_of(config.server.timezone)
    except ConfigError as error:
        yield from _of(CONFIGURATION, configuration.mistakes(error))
        return
    context = Context(config, os.path.realpath(config.database.path), zone, int(time.time() * US))
    for check in FIRST:
        yield from _of(check.name, check.run(context))
    try:
        path = database_of(config, "winlogd has no database there", words)
    except DatabaseMissingError as error:
        yield Result(DATABASE, Finding("fault", str(error), "nothing else can be looked at", _MISSING))
        return
    except FailedError as error:
        yield Result(DATABASE, Finding("fault", str(error), "nothing else can be looked at", _DAMAGED))
        return
    context = context._replace(path=path, server=server_of(path))
    for check in AS_OWNER:
        yield from _of(check.name, check.run(context))
    yield from _in_database(context, words)


def _in_database(context: Context, words: str) -> Iterator[Result]:
    try:
        site = site_of(context.config)
    except ConfigError as error:
        meaning = "without the rooms, the machines cannot be looked at"
        yield Result(DATABASE, Finding("note", error.faults[0], meaning, "correct the configuration first"))
        return
    give_way(context.config)
    try:
        found = answer_to(
            context.config, context.path, words, lambda access: looked(access, site, context.now_us), True
        )
    except FailedError as error:
        meaning = "nobody can see who was where, and what is in it cannot be looked at"
        yield Result(DATABASE, Finding("fault", str(error), meaning, _DAMAGED))
        return
    for check in IN_DATABASE:
        yield from _of(check.name, check.run(context, found))


def _of(name: str, findings: Iterable[Finding]) -> Iterator[Result]:
    """Yield what a check finds. A fault of winlogd itself costs this check, and no other."""
    try:
        for finding in findings:
            yield Result(name, finding)
    except Exception as error:
        what = f"the check has failed: {type(error).__name__}: {error}"
        advice = "report it, with what winlogd --version prints"
        yield Result(name, Finding("fault", what, "it is a fault in winlogd itself; the other checks go on", advice))


def _fields(results: Sequence[Result]) -> dict[str, object]:
    """Return the findings as the members of a JSON object. All members of a finding are there, perhaps empty."""
    levels = [each.finding.level for each in results]
    return {
        "version": VERSION,
        "faults": levels.count("fault"),
        "notes": levels.count("note"),
        "findings": [{"check": each.check, **each.finding._asdict()} for each in results],
    }
