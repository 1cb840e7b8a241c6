"""A naive search for sessions: it reads all rows of events, and finds each answer by plain loops.

It knows the tables of events and the pure rules of `winlogd.sessions`. It must not use `winlogd.store.read` or
`winlogd.store.past`, because tests compare their answers with these.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

import apsw

from winlogd.events.names import folded, folded_host, short_host, short_user
from winlogd.events.timestamps import microseconds
from winlogd.sessions.certainty import certainty_now, grade_at, overlaps
from winlogd.sessions.doubts import Doubt, Evidence, Rules, doubt_of
from winlogd.sessions.rooms import Rooms
from winlogd.sessions.session import US, Session, receipt, session_key

_ENDINGS: Final = {"client": "client", "auto": "auto", "expired": "expired"}
_FOREVER_US: Final = 1 << 62


class Asked(NamedTuple):
    """What a question asks for, as a person writes it. None lets all pass. Times are microseconds since 1970."""

    user: str | None = None
    host: str | None = None
    room: str | None = None
    ip: str | None = None
    from_us: int | None = None
    to_us: int | None = None
    at_us: int | None = None
    state: str | None = None
    ended_by: str | None = None


class Answer(NamedTuple):
    """One session of an answer, with what is known of it."""

    session: Session
    room: str | None
    certainty: str
    doubt: Doubt | None
    reason: str | None


class _Row(NamedTuple):
    """One row of an event. `arrival` is its id in ``events_today``, also after it has moved."""

    arrival: int
    is_of_today: bool
    action: str
    username: str
    hostname: str | None
    source_ip: str | None
    received_us: int
    sent_us: int
    os_name: str | None
    os_version: str | None
    session_uuid: str | None
    origin: str
    identity: tuple[str, bytes] | None

    @property
    def second(self) -> int:
        return self.received_us // US

    @property
    def place(self) -> tuple[int, int]:
        """Return what sorts rows by their receipt: the second, then the order of arrival."""
        return self.second, self.arrival

    @property
    def host(self) -> str:
        return folded_host(self.hostname or "unknown") or "unknown"

    def is_after(self, other: "_Row") -> bool:
        """Return True if this row came after `other`, by the order of arrival or by the second of receipt."""
        return self.arrival > other.arrival or self.second >= other.second


class NaivePast:
    """All sessions of a database, found from its rows of events.

    Args:
        connection: the database.
        arrivals: for rows of ``events_history`` by id, the id that each had in ``events_today``.
        rooms: in which room a machine stands.
        rules: what the administrator has set about doubts.
        zone: the time zone whose midnight ends a day.
        now_us: the wall clock, in microseconds since 1970.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        arrivals: Mapping[int, int],
        rooms: Rooms,
        rules: Rules,
        zone: tzinfo,
        now_us: int,
    ) -> None:
        self._rooms = rooms
        self._rules = rules
        self._zone = zone
        self._now_us = now_us
        self._rows = [_row(row, row[0], True) for row in _rows_of(connection, "events_today")]
        self._rows += [_row(row, arrivals[row[0]], False) for row in _rows_of(connection, "events_history")]
        found = [self._session(row) for row in self._rows if row.action == "C"]
        found += [_orphan(row) for row in self._rows if row.action == "D" and self._is_orphan(row)]
        self.sessions: Final = sorted(found, key=lambda session: -session.key)
        self._arrivals = {session_key(row.received_us, row.arrival): row.arrival for row in self._rows}
        self._doubts = {
            each.key: doubt_of(each, self._evidence(each), rules, self._now_of(each)) for each in self.sessions
        }

    def answers(self, asked: Asked) -> list[Answer]:
        """Return all sessions that pass the filters, newest first."""
        found = (self._answer(session, asked) for session in self.sessions if self._passes(session, asked))
        return [answer for answer in found if answer is not None]

    def _session(self, logon: _Row) -> Session:
        logoffs = [
            row
            for row in self._rows
            if row.action == "D"
            and logon.identity is not None
            and row.identity == logon.identity
            and row.is_after(logon)
        ]
        first = min(logoffs, key=lambda row: row.place, default=None)
        ended_by = None if logon.is_of_today else "expired"
        return Session(
            session_key(logon.received_us, logon.arrival),
            *(logon.username, logon.hostname, logon.source_ip, logon.os_name, logon.os_version, logon.session_uuid),
            received_us=logon.received_us,
            connected_us=logon.sent_us,
            ended_by=ended_by if first is None else _ENDINGS[first.origin],  # type: ignore[arg-type]  # literals
            logoff_received_us=None if first is None else first.received_us,
            disconnected_us=None if first is None else first.sent_us,
        )

    def _is_orphan(self, logoff: _Row) -> bool:
        return logoff.identity is None or not any(
            row.action == "C" and row.identity == logoff.identity and logoff.is_after(row) for row in self._rows
        )

    def _evidence(self, session: Session) -> Evidence:
        """Return the first logon of another user, and the first inventory, of the session's host after its logon."""
        place = session.received_us // US, self._arrivals[session.key]
        later = sorted((row for row in self._rows if row.place > place and row.host == session.host), key=_place)
        others = [row for row in later if row.action == "C" and folded(row.username) != session.user]
        inventories = [row for row in later if row.action == "M"]
        return Evidence(  # all of it came after the logon, even if its time is known to the second only
            max(others[0].received_us, session.received_us) if others else None,
            max(inventories[0].second * US, session.received_us) if inventories else None,
        )

    def _room_of(self, session: Session) -> str | None:
        day = datetime.fromtimestamp(session.received_us // US, self._zone).date()
        return self._rooms.room_of(session.hostname, day)

    def _passes(self, session: Session, asked: Asked) -> bool:
        if session.is_orphan != (asked.state == "orphan"):
            return False
        if asked.user is not None and not _is_meant(asked.user, folded(session.username), short_user(session.username)):
            return False
        if asked.host is not None:
            if session.hostname is None:
                return False
            wanted = asked.host if "*" in asked.host else asked.host.removesuffix(".")
            if not _is_meant(wanted, folded_host(session.hostname), short_host(session.hostname)):
                return False
        if asked.room is not None and self._room_of(session) != asked.room:
            return False
        if asked.ip is not None and not _is_within(session.source_ip, asked.ip):
            return False
        if asked.ended_by is not None and session.ended_by not in asked.ended_by.split(","):
            return False
        if asked.from_us is not None or asked.to_us is not None:
            from_us = -_FOREVER_US if asked.from_us is None else asked.from_us
            to_us = _FOREVER_US if asked.to_us is None else asked.to_us
            if session.is_orphan and not from_us <= session.received_us <= to_us:
                return False
            if not session.is_orphan and not overlaps(session, from_us, to_us, self._rules):
                return False
        return True

    def _now_of(self, session: Session) -> int:
        """Return the moment for which a session is judged. Who came in the minute after the question came meanwhile."""
        late_us = session.received_us - self._now_us
        return session.received_us if 0 < late_us <= 60 * US else self._now_us

    def _answer(self, session: Session, asked: Asked) -> Answer | None:
        doubt, rules, now_us = self._doubts[session.key], self._rules, self._now_of(session)
        now = certainty_now(session, doubt, now_us, rules)
        is_of_state = {
            None: True,
            "orphan": True,
            "open": session.is_open,
            "ended": not session.is_open,
            "doubtful": session.is_open and now == "doubtful",
        }
        if not is_of_state[asked.state]:
            return None
        room = self._room_of(session)
        if asked.at_us is not None:
            grade = grade_at(session, doubt, asked.at_us, rules)
            return None if grade is None else Answer(session, room, grade.certainty, doubt, grade.reason)
        grade_now = grade_at(session, doubt, now_us, rules) if session.is_open else None
        is_by_clock = grade_now is not None and grade_now.reason == "clock"
        reason = "clock" if is_by_clock else None if doubt is None else doubt.reason
        return Answer(session, room, now, doubt, reason)


def _rows_of(connection: apsw.Connection, table: str) -> Iterable[tuple[Any, ...]]:
    columns = "action username hostname source_ip timestamp server_timestamp created_at os_name os_version session_uuid"
    texts = ", ".join(f"CAST({column} AS BLOB)" for column in columns.split())
    return connection.execute(f"SELECT id, {texts}, origin, typeof(session_uuid) FROM {table}").fetchall()


def _row(row: tuple[Any, ...], arrival: int, is_of_today: bool) -> _Row:
    _, *stored, origin, kind = row
    identity = None if stored[-1] is None else (kind, stored[-1])
    texts: list[Any] = [None if value is None else value.decode("utf-8", "replace") for value in stored]
    action, username, hostname, source_ip, timestamp, received, created, os_name, os_version, uuid = texts
    sent_us = microseconds(timestamp)
    received_us = receipt(microseconds(received or ""), microseconds(created or ""), sent_us)
    return _Row(
        *(arrival, is_of_today, action, username, hostname, source_ip, received_us),
        received_us if sent_us is None else sent_us,
        *(os_name, os_version, uuid, origin, identity),
    )


def _place(row: _Row) -> tuple[int, int]:
    return row.place


def _orphan(logoff: _Row) -> Session:
    return Session(
        session_key(logoff.received_us, logoff.arrival),
        *(logoff.username, logoff.hostname, logoff.source_ip, logoff.os_name, logoff.os_version, logoff.session_uuid),
        received_us=logoff.received_us,
        connected_us=None,
        ended_by="client",
        logoff_received_us=logoff.received_us,
        disconnected_us=logoff.sent_us,
    )


def _is_meant(wanted: str, *names: str) -> bool:
    """Return True if a filter means one of some names. A star stands for any characters."""
    form = ".*".join(re.escape(piece) for piece in folded(wanted).split("*"))
    return any(re.fullmatch(form, name, re.DOTALL) for name in names)


def _is_within(address: str | None, network: str) -> bool:
    """Return True if an address is in a network, or is the only address of it.

    An IPv4 address is in the networks of its mapped IPv6 address, too: ``::/0`` has all addresses.
    """
    wanted = ipaddress.ip_network(network)
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return found in wanted or (found.version == 4 and ipaddress.ip_address(f"::ffff:{found}") in wanted)
