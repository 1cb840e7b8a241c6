"""``winlogd forget``: list the names that a person is known by, ask, and have all that has them deleted or renamed.

The names are read here. The running server forgets them; without one, this command does it. This file must not know
how rows are found, or where bytes of a name may be left.
"""

import os
import secrets
import shlex
import time
from argparse import Namespace
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

import orjson

from winlogd.commands.database import database_of
from winlogd.commands.flags import Parser
from winlogd.commands.letters import distinct
from winlogd.commands.readers_file import note_look
from winlogd.commands.remote import Fields, answer_to
from winlogd.commands.terminal import FailedError, MisusedError, ask_first, note, say
from winlogd.config.load import load
from winlogd.config.sections import Config
from winlogd.events.event import MAX_USERNAME_CHARACTERS
from winlogd.events.names import folded
from winlogd.scheduled.clock import zone_of
from winlogd.sessions.moments import instant_of, local_time
from winlogd.sessions.session import US

if TYPE_CHECKING:  # types only
    from winlogd.commands.forget_person import Person

_USAGE: Final = "winlogd forget USER [--exact] [--from TIME] [--to TIME] [--pseudonym] [--yes] [--config FILE]"

_DOES: Final = """\
Erase a person: all events with the names of USER, and all that follows from them.
The command lists the names with their first and last use, and asks first. alice also
means DOM\\alice and alice@dom, unless --exact is given. With --pseudonym the events
stay under a random name. What "winlogd hold" exempts stays. Events that come later
stay, too: they may be another person's. A backup or an import that brings the events
back is cleaned before it is shown. Files that a restore has replaced, or winlogd has
rescued, are cleaned as well. At the end the files are searched for the name. Root
does it as the owner of the database's folder."""

_EXAMPLE: Final = """\
  sudo winlogd forget alice --to 2025-08-31 --config /etc/winlogd/config.toml
  lists ADMIN\\alice and alice, asks "Forget 2 names with 214 events ...? [y/N]",
  and after "y" prints how many events were forgotten, and what it cannot reach.
"""

_ORDER_BYTES: Final = 1000
"""An order has 1,024 bytes."""
_PSEUDONYM_BYTES: Final = 4
_SHOWN_SPELLINGS: Final = 4
_COMMAND: Final = "forget"


def run(words: Sequence[str]) -> int:
    """Forget a person. Return the exit status.

    Args:
        words: the command line after ``forget``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: nobody was forgotten, or not everything.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = _parser()
    flags = parser.parse_args(list(words))
    config = load(flags.config, os.environ)
    zone = zone_of(config.server.timezone)
    first_us, last_us = (_time(flags, flag, zone, parser) for flag in ("from", "to"))
    if first_us is not None and last_us is not None and first_us > last_us:
        raise MisusedError("--from is after --to: no event was received then", parser.format_usage())
    name = _name(flags, parser)
    note_look(config, _COMMAND, f"user={flags.user}", shlex.join([_COMMAND, *words]))
    path = database_of(config, "nobody to forget")
    from winlogd.commands.forget_files import look_for  # loads SQLite, for a database that is there
    from winlogd.store.read.identities import Wanted

    person = look_for(config, path, words, Wanted(name, flags.exact, first_us, last_us))
    if person.names:
        _show(person, zone)
        ask_first(_question(person, flags), flags.yes)
    return _forget(config, path, words, person, _pseudonym() if flags.pseudonym else "")


def _parser() -> Parser:
    parser = Parser(_COMMAND, _DOES, _EXAMPLE, _USAGE)
    parser.add_argument("user", metavar="USER", help="the name, with or without its domain")
    parser.add_argument("--exact", action="store_true", help="only this name, not the same one in another domain")
    parser.add_argument("--from", dest="begin", metavar="TIME", help="only sessions since this day or time")
    parser.add_argument("--to", dest="end", metavar="TIME", help="only sessions until this day or time")
    parser.add_argument("--pseudonym", action="store_true", help="keep the events, under a random name")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _name(flags: Namespace, parser: Parser) -> str:
    """Return the name: any that an event may have, also one that begins with a space."""
    name = str(flags.user)
    if not 0 < len(name) <= MAX_USERNAME_CHARACTERS:
        raise MisusedError(f"USER must have 1 to {MAX_USERNAME_CHARACTERS} characters", parser.format_usage())
    return folded(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _time(flags: Namespace, flag: str, zone: tzinfo | None, parser: Parser) -> int | None:
    text = flags.begin if flag == "from" else flags.end
    if text is None:
        return None
    try:
        moment = instant_of(text, time.time_ns() // 1000, zone)
    except ValueError as error:
        raise MisusedError(f"--{flag}: {error}", parser.format_usage()) from None
    return moment.first_us if flag == "from" else max(moment.last_us, moment.first_us + (US - 1) * moment.is_instant)


def _pseudonym() -> str:
    return f"forgotten-{secrets.token_hex(_PSEUDONYM_BYTES)}"


def _show(person: "Person", zone: tzinfo | None) -> None:
    for use in (*person.uses, *person.uses_only_in_files):
        spellings = ", ".join(map(distinct, sorted(use.spellings)[:_SHOWN_SPELLINGS]))
        first, last = (f"{local_time(us, zone):%Y-%m-%d %H:%M}" for us in (use.first_us, use.last_us))
        note(f"{spellings}: first used {first}, last used {last}, events: {use.events}")


def _question(person: "Person", flags: Namespace) -> str:
    span = "".join(f" {word} {text}" for word, text in (("from", flags.begin), ("to", flags.end)) if text)
    how = "put a random name in their place" if flags.pseudonym else "for ever"
    names, events, files = len(person.names), sum(use.events for use in person.uses), len(person.files)
    also = f", also in {files} replaced file{'s' * (files > 1)}" if files else ""
    return f"Forget {names} name{'s' * (names > 1)} with {events} events{span}{also}, {how}?"


def _forget(config: Config, path: str, words: Sequence[str], person: "Person", pseudonym: str) -> int:
    """Have it done, also what an earlier command has left undone. Say what was done, and what is left."""
    wanted = person.wanted
    wish: dict[str, Any] = {
        "names": person.names,
        "first_us": wanted.first_us,
        "last_us": wanted.last_us,
        "pseudonym": pseudonym,
        "asked": "" if wanted.name in person.names else wanted.name,
        "is_exact": wanted.is_exact,
    }
    order = {"order": _COMMAND, **wish}
    if len(orjson.dumps(order)) > _ORDER_BYTES:
        raise FailedError("nothing was done: these are too many names for one command; forget each with --exact")

    def alone(config: Config, path: str) -> Fields:
        from winlogd.commands.forget_alone import forgotten

        return forgotten(config, path, wish)

    done = answer_to(config, order, alone, "to forget")
    from winlogd.commands.forget_files import clean, say_what_is_left

    given = list(done.get("pseudonyms", ()))  # after a kill, that of the command that was killed
    if pseudonym and person.uses_in_files and not given:
        given = [pseudonym]
    cleaned = clean(config, path, words, person, given[0] if given else pseudonym)
    is_used = say_what_is_left(config, path, words, person, bool(done.get("is_wal_empty")))
    if not person.names and is_used:
        raise FailedError(f"{distinct(wanted.name)} has events, but none that was received in this time")
    if not person.names:
        raise FailedError(f"no event has the name {distinct(wanted.name)}; perhaps it is written in another way")
    where = f", which are those of {', '.join(given)} now" if given else ""
    return say(
        f"{done['history']} rows of events_history and {done['today']} of events_today forgotten{where}; reports of"
        f" others without the name: {done['reports']}, replaced files without it: {cleaned}"
    )
