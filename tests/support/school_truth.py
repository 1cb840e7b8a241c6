"""The truth about a simulated school: who was really on which machine, by a clock that is right.

A server sees events only. Tests compare its answers with this. This file must not know how the school was simulated.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from winlogd.events.names import folded, folded_host, short_user

HOUR_US: Final = 3_600_000_000
"""Microseconds of an hour."""

Ending = Literal["logoff", "power", "lid", "crash"]
"""How a presence ended: by a logoff, by the power switch, by a closed lid, or by a crash of the machine."""


class Presence(NamedTuple):
    """One user on one machine, from one instant to another. All times are microseconds since 1970.

    Attributes:
        username: as the client sent it with the logon.
        hostname: as the client sent it with the logon.
        began_us: the true instant of the logon.
        ended_us: the true instant at which the user was gone.
        ending: how it ended. Only after ``logoff`` the client sends a logoff.
        connected_at: the timestamp of the logon, by the machine's clock.
        disconnected_at: the timestamp of the logoff, by the machine's clock; None if the client sent none.
        logon_received_us: when the server received the logon; None if it was lost.
        logoff_received_us: when the server received the logoff; None if it was lost, or if the client sent none.
    """

    username: str
    hostname: str
    began_us: int
    ended_us: int
    ending: Ending
    connected_at: str
    disconnected_at: str | None
    logon_received_us: int | None
    logoff_received_us: int | None

    @property
    def user(self) -> str:
        """Return the user's name in the form in which it is compared."""
        return folded(self.username)

    @property
    def host(self) -> str:
        """Return the machine's name in the form in which it is compared."""
        return folded_host(self.hostname)


class Truth:
    """The real presences of a school, and questions about them.

    Args:
        presences: all of them, in any order.
        heard: machine and instant of each event that the server received.
        hostnames: all machines of the school, also those that never send anything.

    Attributes:
        presences: in the order of their begin.
        by_logon: the presences by user, machine (both folded) and timestamp of the logon.
    """

    def __init__(
        self, presences: Iterable[Presence], heard: Iterable[tuple[str, int]], hostnames: Iterable[str]
    ) -> None:
        self.presences: Final = sorted(presences, key=lambda presence: presence.began_us)
        self.by_logon: Final = {(each.user, each.host, each.connected_at): each for each in self.presences}
        self._hosts: Final = [folded_host(hostname) for hostname in hostnames]
        self._heard: Final[dict[str, list[int]]] = defaultdict(list)
        for hostname, received_us in sorted(heard, key=lambda each: each[1]):
            self._heard[folded_host(hostname)].append(received_us)
        self._by_hour: Final[dict[int, list[Presence]]] = defaultdict(list)
        self._by_user: Final[dict[str, list[Presence]]] = defaultdict(list)
        for presence in self.presences:
            for hour in range(presence.began_us // HOUR_US, presence.ended_us // HOUR_US + 1):
                self._by_hour[hour].append(presence)
            for name in {presence.user, short_user(presence.user)}:
                self._by_user[name].append(presence)

    def presences_at(self, moment_us: int) -> list[Presence]:
        """Return the presences that hold an instant. The begin belongs to a presence, the end does not."""
        near = self._by_hour.get(moment_us // HOUR_US, [])
        return [presence for presence in near if presence.began_us <= moment_us < presence.ended_us]

    def on_at(self, moment_us: int) -> set[tuple[str, str]]:
        """Return who is on at an instant: users and machines, both folded."""
        return {(presence.user, presence.host) for presence in self.presences_at(moment_us)}

    def presences_of(self, user: str) -> list[Presence]:
        r"""Return the presences of a user. ``alice`` also finds ``SCHOOL\alice``, as the filter ``user`` does."""
        return self._by_user.get(folded(user), [])

    def hours_of(self, user: str, from_us: int, until_us: int) -> float:
        """Return for how many hours a user was on in a span. Two machines at once count twice."""
        spans = [
            min(presence.ended_us, until_us) - max(presence.began_us, from_us) for presence in self.presences_of(user)
        ]
        return sum(max(span, 0) for span in spans) / HOUR_US

    def silent_machines(self, from_us: int, until_us: int) -> set[str]:
        """Return the folded names of the machines of which nothing was received in a span."""
        return {host for host in self._hosts if not self._is_heard(host, from_us, until_us)}

    def never_seen(self) -> set[str]:
        """Return the folded names of the machines of which nothing was ever received."""
        return {host for host in self._hosts if host not in self._heard}

    def _is_heard(self, host: str, from_us: int, until_us: int) -> bool:
        received = self._heard.get(host, [])
        place = bisect_left(received, from_us)
        return place < len(received) and received[place] < until_us
