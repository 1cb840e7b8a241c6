"""Which rows of ``events_today`` move to the archive: the rules, pure. No SQL, no clock, no I/O.

A row is *finished* when it was received on a day before today and more than ten minutes ago. Finished rows move in
the order of their ids, but for the logons of sessions that are still open and young enough, which stay, so that the
logoff finds them.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from winlogd.events.timestamps import hours_after, utc_text
from winlogd.sessions.pair import PairKey, pair_key

RESTS_S: Final = 600
"""A row that was received less than this ago stays: its client may still send it again."""

_SIEVE_BYTES: Final = 1 << 20
"""Small beside the server, and large enough that nearly none of a day's sessions is taken for another."""


class Rules(NamedTuple):
    """What counts as finished and as too old, for one rotation.

    Attributes:
        before: rows received before this instant are finished; UTC, ``YYYY-MM-DDTHH:MM:SS``.
        open_since: an open session whose logon was received before this instant is closed; likewise.
        keep_open_hours: the duration that such a session is given.
    """

    before: str
    open_since: str
    keep_open_hours: float


def rules(now_s: float, midnight_s: float, keep_open_hours: float) -> Rules:
    """The rules of a rotation at `now_s` of a day that began at `midnight_s`, both in seconds since 1970."""
    before_s = min(midnight_s, now_s - RESTS_S)
    return Rules(utc_text(before_s)[:19], utc_text(now_s - keep_open_hours * 3600)[:19], keep_open_hours)


class Row(NamedTuple):
    """What has to be known of a row.

    Attributes:
        event_id: its id in ``events_today``.
        action: C, D or M.
        username, host: as stored; `pair` is the key of both.
        timestamp: the client's time.
        received: UTC, ``YYYY-MM-DDTHH:MM:SS``; empty when unknown, which counts as long ago.
        session_uuid: its identifier.
        is_client: whether a client sent it; otherwise winlogd wrote it by itself.
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
    """A set of words that takes 1 MiB however many they are, and may hold a word to be in it that is not.

    One bit for each word: among a hundred thousand one other in eighty counts as one of them, among a million one in
    nine. Which ones differs from process to process.
    """

    __slots__ = ("_bits",)

    def __init__(self) -> None:
        self._bits = bytearray(_SIEVE_BYTES)

    def add(self, word: str) -> None:
        """Puts `word` in."""
        place, bit = divmod(hash(word) % (8 * _SIEVE_BYTES), 8)
        self._bits[place] |= 1 << bit

    def may_hold(self, word: str) -> bool:
        """Whether `word` was put in, or another one with its bit."""
        place, bit = divmod(hash(word) % (8 * _SIEVE_BYTES), 8)
        return bool(self._bits[place] & 1 << bit)


class Sorter:
    """Decides row by row, in the order of ids.

    Args:
        rules: of this rotation.
        is_open: whether the logon in a row opened a session that is still open.
    """

    __slots__ = ("_is_open", "_newer", "_rules", "_staying")

    def __init__(self, rules: Rules, is_open: Callable[[Row], bool]) -> None:
        self._rules = rules
        self._is_open = is_open
        self._staying: set[str] = set()
        """Open sessions, whose logon stays: so does their logoff, because none may move before its logon."""
        self._newer = Sieve()
        """Sessions whose logon is not finished: as many as came before a clock that was ahead was set back."""

    @property
    def kept(self) -> int:
        """Finished logons that stay, because their session is still open."""
        return len(self._staying)

    def sort(self, rows: Iterable[Row]) -> tuple[list[Row], list[Expiry]]:
        """The rows to move, and the sessions to close before that."""
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
        """Whether the logon of a finished logoff stays.

        That it stays because it is newer takes a clock that was set back between the two. What only seems to be such
        a logoff moves with a later rotation, when those logons have moved, or after a restart.
        """
        return session_uuid in self._staying or self._newer.may_hold(session_uuid)
