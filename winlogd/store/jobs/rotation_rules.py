"""Which rows of ``events_today`` move to the archive: the rules, pure. No SQL, no clock, no I/O.

A row is *finished* when it was received on a day before today and more than ten minutes ago. Finished rows move in
the order of their ids. Logons of sessions that are open and not too old stay, so that the logoff finds them.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from winlogd.events.timestamps import hours_after, utc_text
from winlogd.sessions.pair import PairKey, pair_key

MIN_AGE_S: Final = 600
"""A younger row stays, by its time of receipt: its client may still send the event again."""

_SIEVE_BYTES: Final = 1 << 20
"""The size of a `Sieve`: small beside the server, and large enough for a day's sessions."""


class Rules(NamedTuple):
    """Which rows are finished, and which open sessions are too old, for one rotation.

    Attributes:
        before: rows received before this instant are finished; UTC, ``YYYY-MM-DDTHH:MM:SS``.
        open_since: open sessions whose logon was received before this instant are closed; in the same form.
        keep_open_hours: the duration that such a session gets.
    """

    before: str
    open_since: str
    keep_open_hours: float


def rules(now_s: float, midnight_s: float, keep_open_hours: float) -> Rules:
    """Return the rules of a rotation at `now_s`.

    Args:
        now_s: the wall clock, in seconds since 1970.
        midnight_s: when today began, in seconds since 1970.
        keep_open_hours: how old an open session may become.
    """
    before_s = min(midnight_s, now_s - MIN_AGE_S)
    return Rules(utc_text(before_s)[:19], utc_text(now_s - keep_open_hours * 3600)[:19], keep_open_hours)


class Row(NamedTuple):
    """The columns of a row that decide if it moves.

    Attributes:
        event_id: its id in ``events_today``.
        action: C, D or M.
        username: the user as stored.
        host: the host as stored, or `UNKNOWN_HOST`.
        timestamp: the client's time.
        received: UTC, ``YYYY-MM-DDTHH:MM:SS``; empty if unknown, which counts as long ago.
        session_uuid: its identifier.
        is_client: True if a client sent the event; False if winlogd added it.
    """

    event_id: int
    action: str
    username: str
    host: str
    timestamp: str
    received: str
    session_uuid: str
    is_client: bool

    @property
    def pair(self) -> PairKey:
        """Return the key of the pair that the row is of, whatever the spelling of its names."""
        return pair_key(self.username, self.host)


class Expiry(NamedTuple):
    """An open session that is closed because it is too old: its logon, and the logoff's timestamp."""

    logon: Row
    timestamp: str


class Sieve:
    """A set of words that takes 1 MiB, however many they are. It may report a word that was never added.

    Each word sets one bit. With a hundred thousand words, one other word in eighty is reported by mistake; with a
    million, one in nine. These words differ from process to process.
    """

    __slots__ = ("_bits",)

    def __init__(self) -> None:
        self._bits = bytearray(_SIEVE_BYTES)

    def add(self, word: str) -> None:
        """Add `word`."""
        place, bit = divmod(hash(word) % (8 * _SIEVE_BYTES), 8)
        self._bits[place] |= 1 << bit

    def may_hold(self, word: str) -> bool:
        """Return True if `word`, or another word with the same bit, was added."""
        place, bit = divmod(hash(word) % (8 * _SIEVE_BYTES), 8)
        return bool(self._bits[place] & 1 << bit)


class Sorter:
    """Decides row by row, in the order of ids.

    Args:
        rules: of this rotation.
        is_open: returns True if the logon in a row opened a session that is still open.
    """

    __slots__ = ("_is_open", "_newer", "_rules", "_staying")

    def __init__(self, rules: Rules, is_open: Callable[[Row], bool]) -> None:
        self._rules = rules
        self._is_open = is_open
        self._staying: set[str] = set()
        """Identifiers of open sessions whose logon stays. Their logoffs stay, too: none moves before its logon."""
        self._newer = Sieve()
        """Identifiers of sessions whose logon is not finished: many, if a clock was ahead and was set back."""

    @property
    def kept(self) -> int:
        """Return how many finished logons stay because their session is still open."""
        return len(self._staying)

    def sort(self, rows: Iterable[Row]) -> tuple[list[Row], list[Expiry]]:
        """Return the rows to move, and the sessions to close before that.

        Args:
            rows: the next rows in the order of ids.
        """
        moving: list[Row] = []
        expired: dict[str, Expiry] = {}  # by identifier: one logoff closes all that share it
        for row in rows:
            if row.received >= self._rules.before:
                if row.action == "C":
                    self._newer.add(row.session_uuid)
            elif row.action == "D" and self._has_to_stay(row.session_uuid):
                continue
            elif row.action != "C" or not self._is_open(row):
                moving.append(row)
            elif row.received >= self._rules.open_since:
                self._staying.add(row.session_uuid)
            else:
                moving.append(row)
                timestamp = hours_after(row.timestamp, self._rules.keep_open_hours)
                expired.setdefault(row.session_uuid, Expiry(row, timestamp))
        return moving, list(expired.values())

    def _has_to_stay(self, session_uuid: str) -> bool:
        """Return True if the logon of a finished logoff stays, or may stay.

        A logon can be newer than its logoff by the time of receipt, if the clock was set back between the two. The
        sieve may report another session by mistake. The logoff of that one moves with a later rotation, when the newer
        logons have moved, or after a restart.
        """
        return session_uuid in self._staying or self._newer.may_hold(session_uuid)
