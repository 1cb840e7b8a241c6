"""The views: what winlogd promises to administrators who ask the database themselves.

A session of the archive is a row of ``winlogd_past``; one of today is searched among its events. Both halves give the
same columns.
"""

from typing import Final

_SHARED: Final = (
    "id, username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version, kernel_version,"
    " hardware_info, session_uuid, created_at"
)

_SECONDS: Final = (
    "(julianday(CASE WHEN substr({0}, 18, 2) = '60' THEN substr({0}, 1, 17) || '59' || substr({0}, 20)"
    " ELSE {0} END) * 86400 + (substr({0}, 18, 2) = '60'))"
)
"""SQL for a timestamp in seconds. SQLite's date functions do not know second 60 (lang_datefunc.html)."""

_RECEIVED: Final = "substr(replace(server_timestamp, ' ', 'T'), 1, 19)"
"""SQL for the time of receipt, to the second. An administrator's row has CURRENT_TIMESTAMP, with a space and no
fraction."""

_YEAR_ONE_S: Final = 62_135_596_800
"""The seconds from the year 1 to 1970. SQLite's ``/`` and ``%`` round towards zero, so times count from the year 1."""
_LOGON: Final = f"(((p.key >> 30) + {_YEAR_ONE_S}) * 1000000 + p.micros)"
_CONNECTED: Final = f"({_LOGON} + ifnull(p.connected, 0))"
_DISCONNECTED: Final = f"({_LOGON} + p.logoff + ifnull(p.disconnected, 0))"
_TEXT: Final = (
    f"CAST(strftime('%Y-%m-%dT%H:%M:%S', {{0}} / 1000000 - {_YEAR_ONE_S}, 'unixepoch')"
    " || printf('.%06d+00:00', {0} % 1000000) AS TEXT)"
)
"""SQL for microseconds since the year 1 as a timestamp."""

_PAST_SESSIONS: Final = f"""
    SELECT u.name AS username, h.name AS hostname, {_TEXT.format(_CONNECTED)} AS connected_at,
        {_TEXT.format(_DISCONNECTED)} AS disconnected_at,
        CAST(CASE p.ended_by WHEN 1 THEN max(0.0, round(
            (p.logoff + ifnull(p.disconnected, 0) - ifnull(p.connected, 0)) / 1e6, 3)) END AS REAL) AS duration_seconds,
        CAST(CASE p.ended_by WHEN 1 THEN 'client' WHEN 2 THEN 'auto' ELSE 'expired' END AS TEXT) AS ended_by,
        CAST(CASE typeof(p.identifier) WHEN 'integer'
            THEN u.name || '@' || ifnull(nullif(h.name, ''), 'unknown') || '@' || printf('%06x', p.identifier)
            ELSE p.identifier END AS TEXT) AS session_uuid,
        a.name AS source_ip, n.name AS os_name, v.name AS os_version, {_TEXT.format(_LOGON)} AS received_at
    FROM winlogd_past p JOIN winlogd_names u ON u.id = p.user JOIN winlogd_names h ON h.id = p.host
        JOIN winlogd_names a ON a.id = p.ip JOIN winlogd_names n ON n.id = p.os_name
        JOIN winlogd_names v ON v.id = p.os_version
    WHERE p.ended_by < 4"""
"""No join names the kind of its name. With a constant there, SQLite would read all users and then each user's sessions
whenever a query names none: 2.1 s instead of 0.4 s for the ten longest of 480 000 sessions."""

_FIRST_LOGOFF: Final = f"""SELECT {{0}} FROM events_today d
            WHERE d.session_uuid = c.session_uuid AND d.action = 'D'
                AND (d.id > c.id OR {_RECEIVED.replace("server", "d.server")} >= c.received)
            ORDER BY {_RECEIVED.replace("server", "d.server")}, d.id LIMIT 1"""
"""SQL for the first logoff that arrived after a logon.

The order of ids is the order of arrival, whatever the clock did. Another program may have written rows in another
order; then the time of receipt decides. A logoff that is earlier by both has ended an older session with the same
identifier."""

_DURATION: Final = (
    f"CASE d.origin WHEN 'client' THEN"
    f" max(0.0, round({_SECONDS.format('d.timestamp')} - {_SECONDS.format('c.timestamp')}, 3)) END"
)

_TODAYS_SESSIONS: Final = f"""
    SELECT c.username, c.hostname, CAST(c.timestamp AS TEXT),
        CAST(({_FIRST_LOGOFF.format("d.timestamp")}) AS TEXT), CAST(({_FIRST_LOGOFF.format(_DURATION)}) AS REAL),
        CAST(({_FIRST_LOGOFF.format("d.origin")}) AS TEXT),
        c.session_uuid, c.source_ip, c.os_name, c.os_version, CAST(c.server_timestamp AS TEXT)
    FROM (SELECT *, {_RECEIVED} AS received FROM events_today WHERE action = 'C') c"""
"""Each column has the affinity that it has in `_PAST_SESSIONS`, by a CAST where it needs one. Only then does SQLite
apply a query's ORDER BY and LIMIT to each half by itself (condition 17h of `flattenSubquery` in SQLite's select.c)."""

VIEWS: Final = {
    "events_all": f"""
    SELECT {_SHARED}, 'today' AS source, origin FROM events_today
    UNION ALL
    SELECT {_SHARED}, 'history' AS source, origin FROM events_history""",
    "open_sessions": """
    SELECT username, hostname, timestamp AS connected_at, session_uuid, source_ip, os_name, os_version
    FROM events_today c
    WHERE action = 'C' AND session_uuid IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')""",
    "sessions": f"{_PAST_SESSIONS}\n    UNION ALL{_TODAYS_SESSIONS}",
}
"""The query of each view."""


def create_view(view: str) -> str:
    """Return the statement that creates a view."""
    return f"CREATE VIEW {view} AS{VIEWS[view]}"
