"""Takes rows of events into the past: a logon becomes a session, a logoff without a logon an orphan.

The rotation takes in the rows that it moves, and `store.jobs.build` those of an older archive, by the same rules. This
file must not know where the rows come from, or when they move.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from winlogd.sessions.session import US, Ending, Session
from winlogd.store.past import inventory, rows
from winlogd.store.past.events import Logoff, PastEvent, begun_before, logoffs_of
from winlogd.store.past.names import ADDRESS, HOST, SYSTEM, USER, Names
from winlogd.store.past.older import automatic_among
from winlogd.store.past.progress import ask_for_hours

if TYPE_CHECKING:  # types only
    import apsw


def take_in(
    connection: "apsw.Connection",
    events: Sequence[PastEvent],
    history_ids: Sequence[int],
    are_of_today: bool,
    names: Names | None = None,
) -> list[Session]:
    """Write what follows from some rows, inside the transaction that the caller has begun.

    Args:
        connection: the database. The rows are in ``events_history`` by now.
        events: the rows, in the order of their ids.
        history_ids: the id of each row in ``events_history``.
        are_of_today: True if the rows have just moved from ``events_today``: no older server has written them there.
        names: the numbers of names that are known already.

    Returns:
        The sessions and orphans that were written.

    Raises:
        apsw.Error: SQLite's own.
    """
    names = names or Names(connection)
    prepare(names, events)
    sessions = sessions_from(connection, events, history_ids, are_of_today)
    rows.write(connection, names, sessions)
    begun = [session.key for session in sessions if not session.is_orphan]
    if begun:
        ask_for_hours(connection, min(begun))
    for event, history_id in zip(events, history_ids, strict=True):
        if event.action == "M":
            inventory.note(connection, names, event, history_id)
    return sessions


def prepare(names: Names, events: Sequence[PastEvent]) -> None:
    """Find or add the numbers of all names in some events, also of those that begin no session.

    A question about raw events looks for the names of a logoff, too.

    Raises:
        apsw.Error: SQLite's own.
    """
    names.prepare(USER, {event.username for event in events})
    names.prepare(HOST, {event.hostname for event in events})
    names.prepare(ADDRESS, {event.source_ip for event in events})
    names.prepare(SYSTEM, {name for event in events for name in (event.os_name, event.os_version)})


def sessions_from(
    connection: "apsw.Connection", events: Sequence[PastEvent], history_ids: Sequence[int], are_of_today: bool
) -> list[Session]:
    """Return the sessions and orphans of some rows.

    The ids in the archive tell which logoff came after its logon, also for rows that have just moved. A logoff that is
    still in ``events_today`` came later, unless another program has used the identifier before.

    Args:
        connection: the database. The rows are in ``events_history`` by now.
        events: the rows, in the order of their ids.
        history_ids: the id of each row in ``events_history``.
        are_of_today: True if winlogd has just moved the rows. Then its own logoffs are marked.

    Raises:
        apsw.Error: SQLite's own.
    """
    rows = list(zip(events, history_ids, strict=True))
    logons = [history_id for event, history_id in rows if event.action == "C"]
    ends = [history_id for event, history_id in rows if event.action == "D"]
    logoffs = logoffs_of(connection, logons, are_of_today=False) if logons else {}
    if logoffs and not are_of_today:
        logoffs = _with_older_servers(connection, logoffs)
    begun = begun_before(connection, ends, are_of_today=False) if ends else set()
    sessions = []
    for event, history_id in rows:
        if event.action == "C":
            candidates = logoffs.get(history_id, [])
            if are_of_today:
                candidates = [each for each in candidates if not _was_before(each, event)]
            logoff = first_logoff(history_id, event.received_us, candidates, is_of_today=False)
            sessions.append(session_from(event, logoff))
        elif event.action == "D" and history_id not in begun:
            sessions.append(orphan_from(event))
    return sessions


def _was_before(logoff: Logoff, logon: PastEvent) -> bool:
    """Return True if a logoff that is still in ``events_today`` was stored before a logon that has moved from there."""
    is_earlier = logoff.received_us // US < logon.received_us // US
    return logoff.is_of_today and is_earlier and logoff.event_id < logon.event_id


def _with_older_servers(connection: "apsw.Connection", logoffs: dict[int, list[Logoff]]) -> dict[int, list[Logoff]]:
    """Return logoffs with those as ``auto`` that an older server has written by itself: their rows have no mark."""
    unmarked = [
        logoff.event_id
        for each in logoffs.values()
        for logoff in each
        if logoff.ending == "client" and not logoff.is_of_today
    ]
    automatic = automatic_among(connection, unmarked) if unmarked else set()
    if not automatic:
        return logoffs
    return {
        logon: [
            logoff._replace(ending="auto") if not logoff.is_of_today and logoff.event_id in automatic else logoff
            for logoff in each
        ]
        for logon, each in logoffs.items()
    }


def first_logoff(event_id: int, received_us: int, candidates: Sequence[Logoff], is_of_today: bool) -> Logoff | None:
    """Return the first of some logoffs that arrived after a logon; None if there is none.

    The order of ids is the order of arrival, whatever the clock did. Another program may have moved rows in another
    order; then the second of receipt decides. A logoff that is earlier by both has ended an older session with the same
    identifier.

    Args:
        event_id: the logon's id.
        received_us: the logon's receipt, in microseconds since 1970.
        candidates: logoffs with the logon's identifier.
        is_of_today: True if the logon's id is one of ``events_today``.
    """
    second = received_us // US
    after = [
        each
        for each in candidates
        if each.received_us // US >= second
        or each.is_of_today > is_of_today
        or (each.is_of_today == is_of_today and each.event_id > event_id)
    ]
    return min(after, key=lambda each: (each.received_us // US, each.is_of_today, each.event_id), default=None)


def session_from(logon: PastEvent, logoff: Logoff | None) -> Session:
    """Return the session that `logon` began. Without a logoff it counts as expired, at an unknown time."""
    if logoff is None:
        return _begun(logon, "expired", None, None)
    return _begun(logon, logoff.ending, logoff.received_us, logoff.sent_us)


def open_session_from(logon: PastEvent) -> Session:
    """Return the session that `logon` began and that nothing has ended so far."""
    return _begun(logon, None, None, None)


def _begun(
    logon: PastEvent, ended_by: Ending | None, logoff_received_us: int | None, disconnected_us: int | None
) -> Session:
    return Session(
        key=logon.key,
        username=logon.username,
        hostname=logon.hostname,
        source_ip=logon.source_ip,
        os_name=logon.os_name,
        os_version=logon.os_version,
        session_uuid=logon.session_uuid,
        received_us=logon.received_us,
        connected_us=logon.sent_us,
        ended_by=ended_by,
        logoff_received_us=logoff_received_us,
        disconnected_us=disconnected_us,
    )


def orphan_from(logoff: PastEvent) -> Session:
    """Return the orphan for a logoff without a logon."""
    return Session(
        key=logoff.key,
        username=logoff.username,
        hostname=logoff.hostname,
        source_ip=logoff.source_ip,
        os_name=logoff.os_name,
        os_version=logoff.os_version,
        session_uuid=logoff.session_uuid,
        received_us=logoff.received_us,
        connected_us=None,
        ended_by="client",
        logoff_received_us=logoff.received_us,
        disconnected_us=logoff.sent_us,
    )
