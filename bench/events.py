"""Make the events of every load as bytes on the wire, and find these events in a database.

The timestamp of event n holds n, so each event is unique. Even numbers are logons and odd numbers are logoffs, over
`PAIRS` pairs of user and host. `load/events.lua` makes the same events for wrk: change both files together.
"""

from typing import Final

PAIRS: Final = 5_000
"""The number of pairs of user and host."""

SECOND: Final = "2026-01-13T08:30:00"
"""The second of the load's timestamps, unless a load has another one."""

LOAD_TIMESTAMPS: Final = f"{SECOND}._________+00:00"
"""The SQL LIKE pattern of the load's timestamps. Rows from before the load have timestamps of the day before."""

COUNT_STORED: Final = f"""SELECT count(DISTINCT timestamp) FROM events_today
    WHERE timestamp LIKE '{LOAD_TIMESTAMPS}'
    AND (action != 'D' OR substr(timestamp, 29, 1) IN ('1', '3', '5', '7', '9'))
"""
"""Count the load's own events in a peer's database. A logoff that the server itself added has the even fraction of the
logon that caused it. The clients' logoffs have odd fractions."""

_HEAD: Final = (
    b"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nContent-Type: application/json\r\n"
    b"User-Agent: Winlog/0.1.0\r\nContent-Length: %d\r\n\r\n%b"
)
_BODY: Final = (
    '{"username":"user%05d","action":"%s","timestamp":"%s.%09d+00:00","hostname":"A%03d-%02d",'
    '"os_info":{"username":"user%05d","hostname":"A%03d-%02d","os_name":"Windows","os_version":"11 (26100)",'
    '"kernel_version":"26100"},"hardware_info":%s}'
)
_HARDWARE: Final = (
    '{"cpu_count":8,"cpu_brand":"Intel(R) Core(TM) i5-12400","cpu_frequency":2500,"memory_total":17179869184,'
    '"memory_used":6012954214}'
)


def request(number: int, second: str = SECOND) -> bytes:
    """Return the request of event `number`: a logon for an even number, a logoff for an odd one.

    Args:
        number: the event's number.
        second: the second of its timestamp, as in `SECOND`.
    """
    pair = number // 2 % PAIRS
    return _request(pair, "D" if number % 2 else "C", number, "null", second)


def logon(number: int, workstation: int) -> bytes:
    """Return the request of a logon at `workstation`. `number` must be even."""
    return _request(workstation % PAIRS, "C", number, "null")


def inventory(number: int, workstation: int) -> bytes:
    """Return the request that reports the hardware of `workstation`."""
    return _request(workstation % PAIRS, "M", number, _HARDWARE)


def _request(pair: int, action: str, number: int, hardware: str, second: str = SECOND) -> bytes:
    room, seat = divmod(pair, 100)
    body = (_BODY % (pair, action, second, number, room, seat, pair, room, seat, hardware)).encode()
    return _HEAD % (len(body), body)
