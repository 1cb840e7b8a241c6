"""A server with thousands of open sessions, and how much memory it takes."""

from pathlib import Path
from typing import Final

from tests.support.running import Winlogd, an_event

SESSIONS: Final = "/api/v1/sessions/current"


def crowd(server: Winlogd, sessions: int) -> None:
    """Give a server that has none so many open sessions and one more; their listing has 190 bytes for each."""
    server.wait_until_open()
    server.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO events_today (username, action, timestamp, hostname, server_timestamp, session_uuid)"
        " SELECT 'user' || i, 'C', '2026-01-13T08:00:00+00:00', 'PC-' || i, '2026-01-13T08:00:00.000000+00:00',"
        " 'user' || i || '@PC-' || i || '@' || printf('%06x', i) FROM n",
        sessions,
    )
    assert server.post(an_event()).status == 200  # with it the server notices the others
    assert len(server.request("GET", SESSIONS).json) == sessions + 1


def resident_bytes(server: Winlogd) -> int:
    """What the process has in memory."""
    [line] = [
        line for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    ]
    return int(line.split()[1]) * 1024
