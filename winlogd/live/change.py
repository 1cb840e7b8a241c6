"""One change as the feeds get it: a Server-Sent Event for each view, made once, whoever asks first.

Pure. This file must not know feeds. The form of an event is in the HTML standard, §9.2 "Server-sent events".
"""

from typing import Final, final

import orjson

from winlogd.http.stream import Piece
from winlogd.live.state import Difference
from winlogd.live.view import View


@final
class Change:
    """One change.

    Args:
        epoch: the epoch of its number.
        seq: its number.
        now: its moment as text.
        difference: what has changed.
        writable: if events are stored, as JSON; None if that has not changed.

    Attributes:
        seq: its number.
        machines: how many machines it changes.
    """

    __slots__ = ("_difference", "_epoch", "_made", "_now", "_writable", "machines", "seq")

    def __init__(self, epoch: str, seq: int, now: str | None, difference: Difference, writable: bytes | None) -> None:
        self.seq: Final = seq
        self.machines: Final = len(difference.machines)
        self._epoch: Final = epoch
        self._now: Final = now
        self._difference: Final = difference
        self._writable: Final = writable
        self._made: dict[View, Piece | None] = {}

    def event(self, view: View) -> Piece | None:
        """Return the event for a view; None if nothing that the view has is changed."""
        try:
            return self._made[view]
        except KeyError:
            made = self._made[view] = self._event(view)
            return made

    def _event(self, view: View) -> Piece | None:
        members = []
        if view.has_machines:
            members += self._machines(view)
        rooms = [octets for room, octets in self._difference.rooms if view.sees(room)]
        if rooms:
            members.append(b'"rooms":[%b]' % b",".join(rooms))
        if self._difference.site is not None:
            members.append(b'"site":%b' % self._difference.site)
        if self._difference.history is not None:
            members.append(b'"history":%b' % orjson.dumps(self._difference.history))
        if self._writable is not None:
            members.append(b'"writable":%b' % self._writable)
        if not members:
            return None
        first = b'"seq":%d,"now":%b' % (self.seq, orjson.dumps(self._now))
        data = b"{%b}" % b",".join([first, *members])
        return Piece(b"id: %b-%d\nevent: change\ndata: %b\n\n" % (self._epoch.encode(), self.seq, data))

    def _machines(self, view: View) -> list[bytes]:
        """Return the members for the machines that have changed, and for those that the view has no more."""
        changed, removed = [], []
        for was, each in self._difference.machines:
            is_seen = each is not None and view.sees(each.room)
            if was is not None and view.sees(was.room) and not (is_seen and each and each.hostname == was.hostname):
                removed.append(was.hostname)
            if each is not None and is_seen:
                changed.append(each.octets if view.has_last_users else each.octets_of_now)
        members = []
        if changed:
            members.append(b'"machines":[%b]' % b",".join(changed))
        if removed:
            members.append(b'"removed":%b' % orjson.dumps(sorted(removed)))
        return members


def reset(epoch: str, seq: int) -> Piece:
    """Return the event that asks a reader to load the snapshot, and then to follow its number."""
    text = epoch.encode()
    return Piece(b'id: %b-%d\nevent: reset\ndata: {"epoch":"%b"}\n\n' % (text, seq, text))
