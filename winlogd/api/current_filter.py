"""The filters of the list of open sessions: user, host and room. Loaded with the first request that has one.

The older servers ignored all parameters, so that any other one is ignored here, too.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from winlogd.events.names import folded, folded_host, short_user
from winlogd.events.patterns import Pattern
from winlogd.http.wire.parameters import ParameterError, percent_decoded, read_parameters
from winlogd.sessions.pair import UNKNOWN_HOST, OpenSession

if TYPE_CHECKING:  # types only
    from winlogd.store.read.filters import Site


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
    ours = "&".join(pair for pair in query.split("&") if _name_of(pair) in Wanted._fields)
    values, faults = read_parameters(ours, Wanted._fields)
    for name in ("user", "host"):
        try:
            Pattern(values.get(name, ""))
        except ValueError as fault:
            faults[name] = str(fault)
    if faults:
        raise ParameterError(faults)
    return Wanted(*(values.get(name) or None for name in Wanted._fields))


def _name_of(pair: str) -> str:
    """Return the name in a pair of a query; empty if it cannot be read."""
    try:
        return percent_decoded(pair.partition("=")[0].replace("+", " "))
    except ValueError:
        return ""


def keeps(wanted: Wanted, site: "Site", sessions: list[OpenSession]) -> Callable[[OpenSession], bool]:
    """Return a function that returns True for a session that passes.

    Args:
        wanted: what is asked for.
        site: what is known of the site.
        sessions: all open sessions: their machines may tell rooms that the configuration does not list.
    """
    user = None if wanted.user is None else Pattern(wanted.user)
    host = None if wanted.host is None else Pattern(wanted.host.removesuffix("."))
    room = None
    if wanted.room is not None:
        hostnames = {session.hostname for session in sessions if session.hostname}
        room = site.rooms.canonical(wanted.room, hostnames)
    today = datetime.now(site.zone).date()

    def keep(session: OpenSession) -> bool:
        username, hostname = session.username, folded_host(session.hostname or UNKNOWN_HOST)
        return (
            (user is None or user.matches(folded(username)) or user.matches(short_user(username)))
            and (host is None or host.matches_host(hostname))
            and (wanted.room is None or (room is not None and site.rooms.room_of(session.hostname, today) == room))
        )

    return keep
