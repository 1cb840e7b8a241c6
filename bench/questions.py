"""The questions of the scenario `queries`: paths of winlogd's API, and the same in SQL for a peer that only knows SQL.

Each question comes with many values, so that no answer is asked for twice in a row. This file must not know a load.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from bench import past

_VALUES: Final = 200

_SQL_PATH: Final = "/winlog.json?"
_SESSIONS: Final = "SELECT * FROM sessions WHERE {} ORDER BY received_at DESC LIMIT 100"
_EVENTS: Final = "SELECT * FROM events_all WHERE {} ORDER BY id DESC LIMIT 100"


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one question.

    Attributes:
        user: a user's name.
        host: a machine's name.
        room: a room's name.
        hosts: the names of the room's machines.
        ip: an address.
        network: the first three bytes of a network's addresses.
        day: one of the last days of the archive.
        moment: a moment of that day, in UTC.
    """

    user: str
    host: str
    room: str
    hosts: tuple[str, ...]
    ip: str
    network: str
    day: date
    moment: str

    @property
    def room_sql(self) -> str:
        """Return the room's machines as a list in SQL."""
        return ", ".join(f"'{host}'" for host in self.hosts)


Say = Callable[[Values], str]


@dataclass(frozen=True, slots=True)
class Question:
    """A question.

    Attributes:
        name: the name for the tables.
        path: the path for winlogd.
        sql: the same in SQL.
        quick: True if ``--quick`` includes it.
    """

    name: str
    path: Say
    sql: Say
    quick: bool = False

    def sql_path(self, values: Values) -> str:
        """Return the path for Datasette."""
        return _SQL_PATH + urlencode({"sql": self.sql(values)})


def _sessions(**filters: Say) -> Say:
    return lambda values: "/api/v1/sessions?" + urlencode({name: say(values) for name, say in filters.items()})


def _events(**filters: Say) -> Say:
    return lambda values: "/api/v1/events?" + urlencode({name: say(values) for name, say in filters.items()})


def _where(sql: str, condition: Say) -> Say:
    return lambda values: sql.format(condition(values))


def _user(values: Values) -> str:
    return values.user


def _host(values: Values) -> str:
    return values.host


def _room(values: Values) -> str:
    return values.room


def _ip(values: Values) -> str:
    return values.ip


def _network(values: Values) -> str:
    return f"{values.network}.0/24"


def _moment(values: Values) -> str:
    return values.moment


def _first(values: Values) -> str:
    return f"{values.day}T00:00:00Z"


def _last(values: Values) -> str:
    return f"{values.day}T23:59:59Z"


def _on_at(values: Values) -> str:
    return f"connected_at <= '{values.moment}' AND disconnected_at >= '{values.moment}'"


def _in_day(values: Values) -> str:
    return f"connected_at <= '{_last(values)}' AND disconnected_at >= '{_first(values)}'"


_MACHINES: Final = """SELECT hostname, max(received_at), max(CASE WHEN disconnected_at IS NULL THEN username END)
    FROM sessions GROUP BY hostname"""

QUESTIONS: Final = (
    Question("user", _sessions(user=_user), _where(_SESSIONS, lambda v: f"username = '{v.user}'"), quick=True),
    Question("host", _sessions(host=_host), _where(_SESSIONS, lambda v: f"hostname = '{v.host}'")),
    Question("room", _sessions(room=_room), _where(_SESSIONS, lambda v: f"hostname IN ({v.room_sql})"), quick=True),
    Question("ip", _sessions(ip=_ip), _where(_SESSIONS, lambda v: f"source_ip = '{v.ip}'")),
    Question("network", _sessions(ip=_network), _where(_SESSIONS, lambda v: f"source_ip LIKE '{v.network}.%'")),
    Question("at", _sessions(at=_moment), _where(_SESSIONS, _on_at), quick=True),
    Question("from, to", _sessions(**{"from": _first, "to": _last}), _where(_SESSIONS, _in_day)),
    Question(
        "state=open", _sessions(state=lambda v: "open"), _where(_SESSIONS, lambda v: "ended_by IS NULL"), quick=True
    ),
    Question(
        "state=doubtful",
        _sessions(state=lambda v: "doubtful"),
        _where(
            _SESSIONS,
            lambda v: (
                "ended_by IS NULL AND EXISTS (SELECT 1 FROM sessions o WHERE o.hostname = sessions.hostname"
                " AND o.username <> sessions.username AND o.received_at > sessions.received_at)"
            ),
        ),
    ),
    Question("state=ended", _sessions(state=lambda v: "ended"), _where(_SESSIONS, lambda v: "ended_by IS NOT NULL")),
    Question("ended_by", _sessions(ended_by=lambda v: "auto"), _where(_SESSIONS, lambda v: "ended_by = 'auto'")),
    Question(
        "user, at",
        _sessions(user=_user, at=_moment),
        _where(_SESSIONS, lambda v: f"username = '{v.user}' AND {_on_at(v)}"),
    ),
    Question(
        "room, at",
        _sessions(room=_room, at=_moment),
        _where(_SESSIONS, lambda v: f"hostname IN ({v.room_sql}) AND {_on_at(v)}"),
    ),
    Question(
        "host, from, to",
        _sessions(**{"host": _host, "from": _first, "to": _last}),
        _where(_SESSIONS, lambda v: f"hostname = '{v.host}' AND {_in_day(v)}"),
    ),
    Question("events: user", _events(user=_user), _where(_EVENTS, lambda v: f"username = '{v.user}'")),
    Question("events: host", _events(host=_host), _where(_EVENTS, lambda v: f"hostname = '{v.host}'")),
    Question("events: ip", _events(ip=_ip), _where(_EVENTS, lambda v: f"source_ip = '{v.ip}'")),
    Question("events: room", _events(room=_room), _where(_EVENTS, lambda v: f"hostname IN ({v.room_sql})")),
    Question(
        "events: from, to",
        _events(**{"from": _first, "to": _last}),
        _where(_EVENTS, lambda v: f"server_timestamp BETWEEN '{_first(v)}' AND '{_last(v)}'"),
    ),
    Question("events: action", _events(action=lambda v: "M"), _where(_EVENTS, lambda v: "action = 'M'")),
    Question("machines", lambda v: "/api/v1/machines", lambda v: _MACHINES),
    Question(
        "machines: room",
        lambda v: f"/api/v1/machines?room={v.room}",
        lambda v: _MACHINES.replace("GROUP", f"WHERE hostname IN ({v.room_sql}) GROUP"),
    ),
    Question(
        "machines: host",
        lambda v: f"/api/v1/machines?host={v.host}",
        lambda v: _MACHINES.replace("GROUP", f"WHERE hostname = '{v.host}' GROUP"),
    ),
    Question(
        "one machine",
        lambda v: f"/api/v1/machines/{quote(v.host)}",
        _where(_SESSIONS.replace("100", "10"), lambda v: f"hostname = '{v.host}'"),
    ),
    Question(
        "one user",
        lambda v: f"/api/v1/users/{quote(v.user)}",
        _where(_SESSIONS.replace("100", "10"), lambda v: f"username = '{v.user}'"),
    ),
    Question("rooms", lambda v: "/api/v1/rooms", lambda v: _MACHINES),
    Question(
        "stats: 30 days",
        lambda v: "/api/v1/stats?by=day",
        lambda v: (
            f"""SELECT substr(received_at, 1, 10), count(*), count(DISTINCT username) FROM sessions
            WHERE received_at >= '{v.day - timedelta(days=30)}' GROUP BY 1"""
        ),
    ),
    Question(
        "search",
        lambda v: f"/api/v1/search?q={quote(v.user[1:-1])}",
        lambda v: f"SELECT DISTINCT username FROM sessions WHERE username LIKE '%{v.user[1:-1]}%' LIMIT 20",
        quick=True,
    ),
)


def values_for(last_day: date) -> list[Values]:
    """Return the values of each question, the same in every run."""
    chance = random.Random(11)
    found = []
    for _ in range(_VALUES):
        host = chance.randrange(past.HOSTS)
        first = host // past.ROOM_HOSTS * past.ROOM_HOSTS
        day = last_day - timedelta(days=chance.randrange(20))
        found.append(
            Values(
                user=past.user_name(chance.randrange(past.USERS)),
                host=past.host_name(host),
                room=past.room_name(host),
                hosts=tuple(map(past.host_name, range(first, first + past.ROOM_HOSTS))),
                ip=past.address(host),
                network=past.address(host).rpartition(".")[0],
                day=day,
                moment=f"{day}T{chance.choice((8, 10, 13, 15)):02d}:{chance.randrange(60):02d}:00Z",
            )
        )
    return found
