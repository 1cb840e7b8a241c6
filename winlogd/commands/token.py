"""``winlogd token``: add, list and revoke readers, pair a screen, and show the readers' log.

The secrets are made here. The server, or the file, gets only their SHA-256. This file must not know the file's tables.
"""

import os
import time
from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from typing import Any, Final

from winlogd.access.readers import RESERVED, digest_of
from winlogd.access.scopes import SCOPES, WALL
from winlogd.commands.flags import Parser
from winlogd.commands.readers_file import asked
from winlogd.commands.terminal import MisusedError, say, warn, write
from winlogd.commands.token_texts import log_lines, looks_as_json, reader_lines
from winlogd.config.load import load
from winlogd.config.messages import escaped
from winlogd.config.sections import Config
from winlogd.events.patterns import Pattern
from winlogd.scheduled.clock import zone_of
from winlogd.sessions.moments import instant_of

_USAGE: Final = """\
winlogd token add NAME --scope SCOPE [--rooms PATTERN] [--expires DATE]
       winlogd token list
       winlogd token revoke NAME
       winlogd token pair NAME
       winlogd token log [--reader NAME] [--since DATE] [--json]"""

_DOES: Final = """\
Say who may read. Each reader has a name, a token and a scope:
{scopes}
A reader sends its token as "Authorization: Bearer TOKEN". "add" prints the token
once; only its hash is kept. "revoke" ends it at once, and the name is never used
again. "pair" prints a code of eight characters with which a screen or a telephone
logs in once, within ten minutes. "log" shows who has looked at what. A running
server does all this; without one, this command does. Root does it as the owner of
the database's folder.
From zero to a screen on the wall that shows free machines, and no names:
  1. winlogd token add wall-a102 --scope wall --rooms "A1*"
  2. Keep the token in the screen's program, which asks every minute:
     curl -H "Authorization: Bearer TOKEN" https://SERVER/api/v1/rooms
  3. For a browser: winlogd token pair wall-a102; open
     https://SERVER/login on the screen, and type the code there: it shows /wall.
  4. The screen is on another machine: it needs HTTPS (docs/access.md)."""

_EXAMPLE: Final = """\
  sudo winlogd token add "Frau Meier" --scope now --expires 2027-07-31
  prints a token with which Frau Meier sees who is on now, until that day ends.
"""

_ACTIONS: Final[dict[str, tuple[bool, frozenset[str]]]] = {
    "add": (True, frozenset(("scope", "rooms", "expires"))),
    "list": (False, frozenset()),
    "revoke": (True, frozenset()),
    "pair": (True, frozenset()),
    "log": (False, frozenset(("reader", "since", "json"))),
}
"""For each action: has it a NAME, and which flags does it take?"""

_TOKEN_BYTES: Final = 16
_CODE_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs that nobody mistakes for another: neither 0 and O nor 1 and I."""
_CODE_CHARACTERS: Final = 8
_NAME_CHARACTERS: Final = 64
_FIRST: Final = """\
This is the first reader. From now on this machine itself needs a token, too.
Monitoring that asks 127.0.0.1 without one has to send one; or it asks by an address
of this machine in the network that is listed in security.read_networks, and sees
only the sessions that are open.
"""


def run(words: Sequence[str]) -> int:
    """Do what `words` say. Return the exit status.

    Args:
        words: the command line after ``token``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: it was not done.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = _parser()
    flags = parser.parse_args(list(words))
    _check(flags, parser)
    config = load(flags.config, os.environ)
    action: str = flags.action
    if action == "add":
        return _add(config, flags, parser)
    if action == "list":
        return write(reader_lines(asked(config, {"do": "list"})["readers"], zone_of(config.server.timezone)))
    if action == "revoke":
        name = asked(config, {"do": "revoke", "name": flags.name})["name"]
        return say(f"{escaped(str(name))} is revoked; its token is not valid any more")
    if action == "pair":
        return _pair(config, flags)
    return _log(config, flags, parser)


def _parser() -> Parser:
    scopes = "\n".join(f"  {scope:8}  {reads}" for scope, reads in SCOPES.items())
    parser = Parser("token", _DOES.format(scopes=scopes), _EXAMPLE, _USAGE)
    parser.add_argument("action", choices=_ACTIONS, help=SUPPRESS)  # the usage shows both
    parser.add_argument("name", nargs="?", metavar="NAME", help=SUPPRESS)
    parser.add_argument("--scope", choices=SCOPES, help="what the reader may read")
    parser.add_argument("--rooms", metavar="PATTERN", help='the rooms that a wall shows, such as "A1*"')
    parser.add_argument("--expires", metavar="DATE", help="the last day, or the moment, of the token")
    parser.add_argument("--reader", metavar="NAME", help="only the looks of this reader")
    parser.add_argument("--since", metavar="DATE", help="only the looks from then on")
    parser.add_argument("--json", action="store_true", default=None, help="one JSON object a line")
    return parser


def _check(flags: Namespace, parser: Parser) -> None:
    """Raise `MisusedError` if the action does not go with the name and the flags."""
    for text, what in ((flags.name, "NAME"), (flags.reader, "--reader"), (flags.rooms, "--rooms")):
        if text is not None and not (text.isprintable() and 1 <= len(text) <= _NAME_CHARACTERS):
            raise _wrong(parser, f"{what} must have 1 to {_NAME_CHARACTERS} visible characters")
    wants_name, takes = _ACTIONS[flags.action]
    if wants_name != (flags.name is not None):
        raise _wrong(parser, f"{flags.action} needs a NAME" if wants_name else f"{flags.action} takes no NAME")
    for flag in ("scope", "rooms", "expires", "reader", "since", "json"):
        if getattr(flags, flag) is not None and flag not in takes:
            raise _wrong(parser, f"{flags.action} does not take --{flag}")
    if flags.action == "add":
        _check_reader(flags, parser)


def _check_reader(flags: Namespace, parser: Parser) -> None:
    name: str = flags.name
    if flags.scope is None:
        raise _wrong(parser, f"add needs --scope: one of {', '.join(SCOPES)}")
    if name != name.strip() or ":" in name:
        raise _wrong(parser, "NAME must have no colon, and no space at its ends")
    if name.casefold() in RESERVED:
        raise _wrong(parser, f"the name {name} stands in the readers' log for those without a token")
    if flags.rooms is not None:
        if flags.scope != WALL:
            raise _wrong(parser, "--rooms goes with --scope wall alone: the other scopes see all rooms")
        try:
            Pattern(flags.rooms)
        except ValueError as fault:
            raise _wrong(parser, f"--rooms: {fault}") from None


def _add(config: Config, flags: Namespace, parser: Parser) -> int:
    expires_us = _time(flags.expires, "--expires", config, parser, is_end=True)
    if expires_us is not None and expires_us <= _now_us():
        raise _wrong(parser, "--expires must be in the future")
    token = os.urandom(_TOKEN_BYTES).hex()
    answer = asked(
        config,
        {
            "do": "add",
            "name": flags.name,
            "scope": flags.scope,
            "rooms": flags.rooms,
            "expires_us": expires_us,
            "token": digest_of(token).hex(),
        },
    )
    if answer["is_first"]:
        warn(" ".join(_FIRST.split()))
    return say(token)


def _pair(config: Config, flags: Namespace) -> int:
    code = "".join(_CODE_LETTERS[octet % len(_CODE_LETTERS)] for octet in os.urandom(_CODE_CHARACTERS))
    asked(config, {"do": "pair", "name": flags.name, "code": digest_of(code).hex()})
    return say(f"{code}  (valid once, for 10 minutes)")


def _log(config: Config, flags: Namespace, parser: Parser) -> int:
    since_us = _time(flags.since, "--since", config, parser, is_end=False) or 0
    zone, before, status = zone_of(config.server.timezone), None, 0
    text_of = looks_as_json if flags.json else log_lines
    while status == 0:
        answer = asked(config, {"do": "log", "reader": flags.reader, "since_us": since_us, "before": before})
        looks: list[dict[str, Any]] = answer["looks"]
        status = write(text_of(looks, zone)) if looks else status
        before = answer["before"]
        if before is None:
            break
    return status


def _time(text: str | None, flag: str, config: Config, parser: Parser, is_end: bool) -> int | None:
    """Return the time that a flag names, in microseconds since 1970; None if it is not given."""
    if text is None:
        return None
    try:
        moment = instant_of(text, _now_us(), zone_of(config.server.timezone))
    except ValueError as fault:
        raise _wrong(parser, f"{flag}: {fault}") from None
    return moment.last_us if is_end else moment.first_us


def _wrong(parser: Parser, sentence: str) -> MisusedError:
    """Return the error for a wrong command line."""
    return MisusedError(escaped(sentence), parser.format_usage())


def _now_us() -> int:
    return time.time_ns() // 1000
