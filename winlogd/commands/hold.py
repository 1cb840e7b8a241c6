"""``winlogd hold``: exempt a person, a machine or a span of time from deletion, list what is exempt, and end that.

A change is the running server's work; without one, this command does it. This file must not know how rows are deleted.
"""

import os
import shlex
import time
from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from winlogd.commands.database import database_of
from winlogd.commands.flags import Parser
from winlogd.commands.readers_file import login_user
from winlogd.commands.remote import Fields, answer_to
from winlogd.commands.table import table, width_of_output
from winlogd.commands.terminal import FailedError, MisusedError, note, say, write
from winlogd.config.load import ConfigError, load
from winlogd.config.sections import Config
from winlogd.events.names import folded, folded_host
from winlogd.scheduled.clock import zone_of
from winlogd.sessions.moments import instant_of, local_time
from winlogd.sessions.session import US

if TYPE_CHECKING:  # types only
    from winlogd.store.past.holds import Hold

_USAGE: Final = """\
winlogd hold add [--user USER] [--host HOST] [--from TIME] [--to TIME] --reason TEXT
       winlogd hold list
       winlogd hold end NUMBER"""

_DOES: Final = """\
Exempt events from deletion: by the daily retention, by "winlogd purge", and by
"winlogd forget". A hold means the events that fit all its conditions: of a person
(alice also means DOM\\alice), of a machine, and of a span of time, with all sessions
that were on in it. It says why and who has added it, and lasts until "winlogd hold
end". Root does this as the owner of the database's folder."""

_EXAMPLE: Final = """\
  sudo winlogd hold add --host A102-07 --from 2026-01-12 --to 2026-01-16 \\
      --reason "police, case 4711"
  prints the number of the hold, with which "winlogd hold end" ends it.
"""

_REASON_BYTES: Final = 200
_NAME_BYTES: Final = 200
"""An order has 1,024 bytes."""
_NAME_CHARACTERS: Final = 60
"""Of the user who adds a hold."""
_LAST_NUMBER: Final = (1 << 63) - 1
"""SQLite has no greater number."""
_WORD: Final = "hold"
_TITLES: Final = ("NUMBER", "USER", "HOST", "FROM", "TO", "REASON", "BY", "WHEN")


def run(words: Sequence[str]) -> int:
    """Do what `words` say. Return the exit status.

    Args:
        words: the command line after ``hold``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: it was not done.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = _parser()
    flags = parser.parse_args(list(words))
    config = load(flags.config, os.environ)
    if flags.action == "list":
        return _list(config, flags, words, parser)
    if flags.action == "end":
        return _end(config, flags, parser)
    return _add(config, flags, words, parser)


def _parser() -> Parser:
    parser = Parser(_WORD, _DOES, _EXAMPLE, _USAGE)
    parser.add_argument("action", choices=("add", "list", "end"), help=SUPPRESS)  # the usage shows both
    parser.add_argument("number", nargs="?", type=int, metavar="NUMBER", help=SUPPRESS)
    parser.add_argument("--user", metavar="USER", help="the events of this person")
    parser.add_argument("--host", metavar="HOST", help="the events of this machine")
    parser.add_argument("--from", dest="begin", metavar="TIME", help="from this day or time on")
    parser.add_argument("--to", dest="end", metavar="TIME", help="until this day, or this time")
    parser.add_argument("--reason", metavar="TEXT", help="why; everybody who lists the holds sees it")
    return parser


def _add(config: Config, flags: Namespace, words: Sequence[str], parser: Parser) -> int:
    if flags.number is not None:
        raise _wrong(parser, "add takes no NUMBER")
    if all(each is None for each in (flags.user, flags.host, flags.begin, flags.end)):
        raise _wrong(parser, "add needs a condition: --user, --host, --from or --to")
    if not flags.reason or not flags.reason.strip():
        raise _wrong(parser, "add needs --reason")
    for flag in ("user", "host"):
        if "*" in (getattr(flags, flag) or ""):
            raise _wrong(parser, f"--{flag} takes one whole name: no * stands for others, so add a hold for each")
    for flag, most in (("user", _NAME_BYTES), ("host", _NAME_BYTES), ("reason", _REASON_BYTES)):
        text = getattr(flags, flag)
        if text is not None and not (text.strip() and text.isprintable() and len(text.encode()) <= most):
            raise _wrong(parser, f"--{flag} must have 1 to {most} bytes of visible characters")
    from_us, to_us = (_time(config, flags, each, parser) for each in ("from", "to"))
    if from_us is not None and to_us is not None and from_us > to_us:
        raise _wrong(parser, "--from must not be after --to")
    hold = {
        "user": None if flags.user is None else folded(flags.user),
        "host": None if flags.host is None else folded_host(flags.host),
        "from_us": from_us,
        "to_us": to_us,
        "reason": flags.reason.strip(),
        "held_by": login_user()[:_NAME_CHARACTERS],
        "held_us": time.time_ns() // 1000,
    }
    number = _changed(config, {"add": hold})["number"]
    _tell_meaning(config, number, hold, shlex.join([_WORD, *words]))
    return say(f"hold {number} is in force; winlogd hold end {number} ends it")


def _tell_meaning(config: Config, number: int, hold: Fields, line: str) -> None:
    """Say on standard error how many sessions a hold means, if that can be counted. The hold is in force anyway."""
    from winlogd.commands.hold_meaning import sessions_meant  # loads SQLite

    path = os.path.realpath(config.database.path)
    with suppress(ConfigError, FailedError):
        meant = sessions_meant(config, path, line, hold, time.time_ns() // 1000)
        hint = "; are names and times right?" if meant == "0 sessions" else ""
        note(f"hold {number} means {meant} so far{hint}")


def _end(config: Config, flags: Namespace, parser: Parser) -> int:
    _require_no_flags(flags, parser)
    if flags.number is None or not 1 <= flags.number <= _LAST_NUMBER:
        raise _wrong(parser, "end needs the NUMBER of a hold, which winlogd hold list shows")
    done = _changed(config, {"end": flags.number})
    if not done["number"]:
        raise FailedError(f"there is no hold {flags.number}; winlogd hold list shows those there are")
    return say(f"hold {flags.number} has ended; the next retention deletes what is too old{done.get('also', '')}")


def _list(config: Config, flags: Namespace, words: Sequence[str], parser: Parser) -> int:
    _require_no_flags(flags, parser)
    if flags.number is not None:
        raise _wrong(parser, "list takes no NUMBER")
    line = shlex.join([_WORD, *words])
    path = database_of(config, words=line)
    from winlogd.commands.reader import read_from  # loads SQLite, for a database that is there
    from winlogd.store.past.holds import read_holds

    zone = zone_of(config.server.timezone)
    holds = read_from(config, path, line, read_holds)
    if not holds:
        return say("there is no hold: nothing is exempt from deletion")
    rows = [_row(hold, lambda us: "" if us is None else f"{local_time(us, zone):%Y-%m-%d %H:%M}") for hold in holds]
    return write(table(_TITLES, rows, width_of_output()))


def _require_no_flags(flags: Namespace, parser: Parser) -> None:
    """Refuse the flags of ``add``: somebody could believe that they count."""
    values = {"user": flags.user, "host": flags.host, "from": flags.begin, "to": flags.end, "reason": flags.reason}
    for flag, value in values.items():
        if value is not None:
            raise _wrong(parser, f"{flags.action} takes no --{flag}")


def _row(hold: "Hold", shown: Any) -> tuple[str, ...]:  # noqa: ANN401  # shows a time that may be None
    names, times = (hold.user or "", hold.host or ""), (shown(hold.from_us), shown(hold.to_us))
    return (str(hold.number), *names, *times, hold.reason, hold.held_by, shown(hold.held_us))


def _changed(config: Config, change: Fields) -> Fields:
    """Have a hold added or ended.

    Return its ``number``, or 0 if there is none, and what was done ``also``, as the end of a sentence.
    """

    def alone(config: Config, path: str) -> Fields:
        from winlogd.commands.hold_alone import changed  # loads SQLite

        return changed(config, path, change)

    return answer_to(config, {"order": _WORD, **change}, alone, "to hold")


def _time(config: Config, flags: Namespace, flag: str, parser: Parser) -> int | None:
    text = flags.begin if flag == "from" else flags.end
    if text is None:
        return None
    try:
        moment = instant_of(text, time.time_ns() // 1000, zone_of(config.server.timezone))
    except ValueError as error:
        raise _wrong(parser, f"--{flag}: {error}") from None
    return moment.first_us if flag == "from" else max(moment.last_us, moment.first_us + (US - 1) * moment.is_instant)


def _wrong(parser: Parser, sentence: str) -> MisusedError:
    return MisusedError(sentence, parser.format_usage())
