"""The filters of the list of open sessions: user, host and room. Loaded with the first request that has one.

The older servers ignored all parameters, so that any other one is ignored here, too.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from winlogd.api.parameters import room_asked
from winlogd.api.questions import ask
from winlogd.events.names import folded, folded_host, short_user
from winlogd.events.patterns import Pattern
from winlogd.http.wire.parameters import ParameterError, pairs_named, read_parameters
from winlogd.sessions.pair import UNKNOWN_HOST, OpenSession

if TYPE_CHECKING:  # types only
    from winlogd.http.exchange import Exchange
    from winlogd.store.read.access import Access
    from winlogd.store.read.filters import Site
    from winlogd.store.read.reader import Reader

_ASKER: Final = "sessions/current"
"""The questions about rooms are counted together, whoever asks."""
_NOBODY: Final = b"[]"


class UnknownRoomError(Exception):
    """Neither the configuration nor an open session tells of a room. The machines of the past may."""


class Wanted(NamedTuple):
    """Which open sessions a request asks for. None lets all pass.

    Attributes:
        user: a pattern of users' names.
        host: a pattern of machines' names.
        room: the name of a room, or an alias.
    """

    user: str | None
    host: str | None
    room: str | None


def wanted_in(query: str) -> Wanted:
    """Return what a query asks for.

    Raises:
        ParameterError: one of the three parameters is wrong.
    """
    ours = "&".join(pair for _, pair in pairs_named(query, Wanted._fields))
    values, faults = read_parameters(ours, Wanted._fields)
    for name in ("user", "host"):
        try:
            Pattern(values.get(name, ""))
        except ValueError as fault:
            faults[name] = str(fault)
    if faults:
        raise ParameterError(faults)
    return Wanted(*(values.get(name) or None for name in Wanted._fields))


def ask_for_room(reader: "Reader", site: "Site", room: str, exchange: "Exchange") -> None:
    """Answer a request for a room of which no open session tells: 400 if no machine of the past does, either."""

    def question(access: "Access") -> bytes:
        room_asked(access, room, site)
        return _NOBODY

    ask(reader, _ASKER, exchange, question)


def keeps(wanted: Wanted, site: "Site", sessions: list[OpenSession]) -> Callable[[OpenSession], bool]:
    """Return a function that returns True for a session that passes.

    Args:
        wanted: what is asked for.
        site: what is known of the site.
        sessions: all open sessions: their machines may tell rooms that the configuration does not list.

    Raises:
        UnknownRoomError: none of them tells of the room.
    """
    user = None if wanted.user is None else Pattern(wanted.user)
    host = None if wanted.host is None else Pattern(wanted.host.removesuffix("."))
    room = None
    if wanted.room is not None:
        hostnames = {session.hostname for session in sessions if session.hostname}
        room = site.rooms.canonical(wanted.room, hostnames)
        if room is None:
            raise UnknownRoomError(wanted.room)
    today = datetime.now(site.zone).date()

    def keep(session: OpenSession) -> bool:
        username, hostname = session.username, folded_host(session.hostname or UNKNOWN_HOST)
        return (
            (user is None or user.matches(folded(username)) or user.matches(short_user(username)))
            and (host is None or host.matches_host(hostname))
            and (room is None or site.rooms.room_of(session.hostname, today) == room)
        )

    return keep
