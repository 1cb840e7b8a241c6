"""Looks up what came from the sessions' machines after their logons: other users' logons, and inventories.

Both are rows of their own, of the past or of today. So a session's row never changes after it is written. One statement
looks for many sessions at once: 10 µs each, where a statement for each session takes 100.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

import orjson

from winlogd.sessions.doubts import Evidence
from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.session import US, Session, second_of
from winlogd.store.past.names import HOST
from winlogd.store.past.rows import ORPHAN
from winlogd.store.read.source import PAST, TODAY, Source, index_of

if TYPE_CHECKING:  # types only
    import apsw

_NO_KEY: Final = 2**63 - 1
_NOTHING: Final = Evidence()

_ASKED: Final = """SELECT value ->> 0 AS host, value ->> 1 AS key, value ->> 2 AS last, value ->> 3 AS user
    FROM json_each(?)"""
"""The sessions: the folded host, the session's key, the last key that counts, and the folded user."""
_OTHER_USERS: Final = f"""SELECT key, found, (SELECT micros FROM {{sessions}} f WHERE f.key = found) FROM
    (SELECT s.key, (SELECT p.key FROM {{sessions}} p INDEXED BY {{index}}
        WHERE p.host = h.id AND p.key > s.key AND p.key <= s.last AND p.ended_by < {ORPHAN}
        AND (SELECT u.folded FROM {{names}} u WHERE u.id = p.user) <> s.user AND {{holds}}
        ORDER BY p.key LIMIT 1) AS found
    FROM ({_ASKED}) s CROSS JOIN {{names}} h ON h.kind = {HOST} AND h.folded = s.host)
    WHERE found IS NOT NULL"""
_RESTARTS: Final = f"""SELECT key, found, 0 FROM
    (SELECT s.key, (SELECT i.key FROM {{inventory}} i WHERE i.host = h.id AND i.key > s.key AND i.key <= s.last
        ORDER BY i.key LIMIT 1) AS found
    FROM ({_ASKED}) s CROSS JOIN {{names}} h ON h.kind = {HOST} AND h.folded = s.host)
    WHERE found IS NOT NULL"""

_ENDS: Final = "SELECT ifnull((SELECT min(key) FROM {0}), 0), ifnull((SELECT max(key) FROM {0}), 0)"

_Asked = tuple[str, int, int, str]
"""What `_ASKED` reads of a session."""
_Found = dict[int, tuple[int, int]]
"""The key and the microseconds of the first row that speaks against a session, by the session's key."""


class EvidenceSearch:
    """Looks up the evidence about some sessions, in one snapshot.

    Args:
        connection: a reader's connection.
        looks_at_inventories: True if an inventory means that the machine has started again.
    """

    __slots__ = ("_connection", "_looks_at_inventories")

    def __init__(self, connection: "apsw.Connection", looks_at_inventories: bool) -> None:
        self._connection = connection
        self._looks_at_inventories = looks_at_inventories

    def about(self, sessions: Sequence[Session]) -> list[Evidence]:
        """Return for each session what came from its machine after its logon, and before its logoff by a client.

        Raises:
            apsw.Error: SQLite's own.
        """
        asked = [(session.host, session.key, _last_key(session), session.user) for session in sessions if _may(session)]
        others = self._first(_OTHER_USERS, {source: self._reached(source, asked) for source in (PAST, TODAY)})
        restarts = self._first(_RESTARTS, dict.fromkeys((PAST, TODAY), asked)) if self._looks_at_inventories else {}
        return [
            Evidence(_receipt(others.get(session.key), session), _receipt(restarts.get(session.key), session))
            if session.key in others or session.key in restarts
            else _NOTHING
            for session in sessions
        ]

    def _reached(self, source: Source, asked: list[_Asked]) -> list[_Asked]:
        """Return those sessions after whose logons a source has sessions that count."""
        ends = self._connection.execute(_ENDS.format(source.sessions)).fetchone()
        lowest, highest = cast("tuple[int, int]", ends)
        return [each for each in asked if each[1] < highest and each[2] >= lowest]

    def _first(self, sql: str, asked: Mapping[Source, list[_Asked]]) -> _Found:
        """Return the first row of both sources that a statement finds for each session, by key.

        Which rows have moved to the past makes no difference.
        """
        found: _Found = {}
        for source, sessions in asked.items():
            rows = self._connection.execute(_of(source, sql), (orjson.dumps(sessions).decode(),)) if sessions else ()
            for key, *row in rows:
                first = cast("tuple[int, int]", tuple(row))
                found[cast("int", key)] = min(found.get(cast("int", key), first), first)
        return found


def _of(source: Source, sql: str) -> str:
    return sql.format(
        sessions=source.sessions,
        names=source.names,
        inventory=source.inventory,
        holds=source.holds,
        index=index_of(source, "host"),
    )


def _may(session: Session) -> bool:
    """Return True if a row may speak against a session earlier than its unknown end. The unknown host is many."""
    return not session.is_orphan and session.ended_by not in ("auto", "expired") and session.host != UNKNOWN_HOST


def _last_key(session: Session) -> int:
    last_us = session.logoff_received_us
    return _NO_KEY if last_us is None else max(session.key, (last_us // US + 1 << 30) - 1)


def _receipt(found: tuple[int, int] | None, session: Session) -> int | None:
    """Return the receipt of a row.

    A receipt may be known to the second only. It is never before that of the session's logon, which came first.
    """
    return None if found is None else max(second_of(found[0]) * US + found[1], session.received_us)
