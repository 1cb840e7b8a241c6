"""Finds names of which a person knows a part: people, machines, rooms and addresses, the best first.

A name is found if it contains all words. Names that are a word come first, then those that begin with one, then the
others. Within each of these groups come first the names that were used last, or those that are first in the alphabet.
This file must not know times, or what words mean.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from winlogd.events.names import folded, folded_host
from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.session import US, second_of
from winlogd.store.past.events import json_list
from winlogd.store.past.names import ADDRESS, HOST, USER
from winlogd.store.read.days import local_day
from winlogd.store.read.filters import Site
from winlogd.store.read.source import PAST, TODAY, Source, index_of, index_of_folded

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.read.access import Access

MOST_FOUND: Final = 20
"""Names of each kind."""
_MOST_WORDS: Final = 8
_MOST_COMPARED: Final = 1_000
"""So many of the best names, and of these the newest, are compared by their last use: 2 µs each."""

_KINDS: Final = {USER: "user", HOST: "host", ADDRESS: "ip"}
_EXACT, _BEGINS, _INSIDE = range(3)

_CONTAINING: Final = """SELECT id, name, folded,
        CASE WHEN {text} = ?2 OR short = ?2 THEN 0
            WHEN substr({text}, 1, length(?3)) = ?3 OR substr(short, 1, length(?3)) = ?3 THEN 1 ELSE 2 END AS rank
    FROM {names} {index} WHERE kind = ?1 AND name <> '' AND {containing} ORDER BY rank, {order} LIMIT ?4"""
_BESIDE: Final = """SELECT p.key, u.name, h.name FROM {sessions} p
    JOIN {names} u ON u.id = p.user JOIN {names} h ON h.id = p.host WHERE p.key IN (SELECT value FROM json_each(?))"""
_HOSTS: Final = f"SELECT DISTINCT folded FROM {{}} WHERE kind = {HOST} AND name <> ''"
_LAST_USE: Final = """SELECT value, (SELECT max(key) FROM {sessions} p INDEXED BY {index} WHERE p.{column} = value)
    FROM json_each(?)"""


class Name(NamedTuple):
    """A name that was found.

    Attributes:
        name: in the spelling that was used last.
        used_us: the receipt of its last session, to the second, in microseconds since 1970; None if there is none.
        beside: of a person or an address, the machine of that session; of a machine, its user. None if not known.
    """

    name: str
    used_us: int | None
    beside: str | None = None


class NamesFound(NamedTuple):
    """The names of each kind, the best first; at most `MOST_FOUND` of each."""

    people: list[Name]
    machines: list[Name]
    rooms: list[str]
    addresses: list[Name]


class _Match(NamedTuple):
    rank: int
    key: int
    name: str


class Order(NamedTuple):
    """The order of names that match equally well. It decides which of many are found.

    Attributes:
        column: the same order in SQL, as nearly as a table of names tells it.
        key_of: returns what a name is sorted by.
    """

    column: str
    key_of: Callable[[_Match], tuple[int | str, ...]]


LAST_USE: Final = Order("id DESC", lambda match: (-match.key, match.name))
"""The name that was used last comes first."""
ALPHABET: Final = Order("folded", lambda match: (folded(match.name), match.name))
"""For one who must not learn when a name was used."""


def find_names(access: "Access", words: Sequence[str], site: Site, now_us: int, order: Order = LAST_USE) -> NamesFound:
    """Return the names that contain all words; none if there is no word.

    Args:
        access: a reader's database.
        words: parts of a name, in any letter case. The first eight count.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        order: which of the names that match equally well come first.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    parts = [part for word in words if (part := folded(word))][:_MOST_WORDS]
    if not parts:
        return NamesFound([], [], [], [])
    with access.snapshot() as connection:
        found = {kind: _names(connection, kind, parts, order) for kind in _KINDS}
        rooms = _rooms(site, _hosts(connection), parts)
        machines = found[HOST]
        machines.pop(UNKNOWN_HOST, None)
        for host, place in site.rooms.expected(local_day(now_us, site)).items():
            rank = _rank(host, parts)
            if rank is not None and host not in machines:
                machines[host] = _Match(rank, 0, place.hostname)
        best = {kind: _best(matches, order) for kind, matches in found.items()}
        beside = _beside(connection, [match.key for matches in best.values() for match in matches if match.key])
    return NamesFound(
        people=[_name(match, beside, HOST) for match in best[USER]],
        machines=[_name(match, beside, USER) for match in best[HOST]],
        rooms=rooms,
        addresses=[_name(match, beside, HOST) for match in best[ADDRESS]],
    )


def _hosts(connection: "apsw.Connection") -> Iterator[str]:
    """Yield the names of all machines. Only a site whose rooms follow from them reads any."""
    for source in (PAST, TODAY):
        for (name,) in connection.execute(_HOSTS.format(source.names)):
            yield cast("str", name)


def _names(connection: "apsw.Connection", kind: int, parts: Sequence[str], order: Order) -> dict[str, _Match]:
    """Return the names of one kind that contain all parts, by their folded form."""
    matches: dict[str, _Match] = {}
    for source in (PAST, TODAY):
        text = "name" if kind == ADDRESS else "folded"  # the folded form of an address is 32 digits
        containing = " AND ".join(f"instr({text}, ?{number}) > 0" for number in range(5, 5 + len(parts)))
        # SQLite would take an index without the text, and read each name from the table: 4.6 ms for 20 000, not 0.8.
        index = "" if kind == ADDRESS else f"INDEXED BY {index_of_folded(source)}"
        sql = _CONTAINING.format(names=source.names, index=index, text=text, containing=containing, order=order.column)
        whole = folded_host(" ".join(parts)) if kind == HOST else " ".join(parts)
        rows = connection.execute(sql, (kind, whole, parts[0], _MOST_COMPARED, *parts)).fetchall()
        keys = _last_keys(connection, source, kind, [row[0] for row in rows])
        for number, name, same, rank in cast("list[tuple[int, str, str, int]]", rows):
            match = _Match(rank, keys.get(number) or 0, name)
            known = matches.get(same)
            if known is None or known.key < match.key:
                matches[same] = match
    return matches


def _last_keys(connection: "apsw.Connection", source: Source, kind: int, numbers: list[Any]) -> dict[int, int | None]:
    column = _KINDS[kind]
    sql = _LAST_USE.format(sessions=source.sessions, column=column, index=index_of(source, column))
    return dict(cast("Iterable[tuple[int, int | None]]", connection.execute(sql, (json_list(numbers),))))


def _best(matches: dict[str, _Match], order: Order) -> list[_Match]:
    return sorted(matches.values(), key=lambda match: (match.rank, *order.key_of(match)))[:MOST_FOUND]


def _beside(connection: "apsw.Connection", keys: list[int]) -> dict[int, dict[int, str | None]]:
    """Return the names of the user and of the machine of some sessions, by the sessions' keys."""
    rows = [
        row
        for source in (PAST, TODAY)
        for row in connection.execute(
            _BESIDE.format(sessions=source.sessions, names=source.names), (json_list(keys),)
        ).fetchall()
    ]
    return {key: {USER: user, HOST: host} for key, user, host in cast("list[tuple[int, str | None, str | None]]", rows)}


def _name(match: _Match, beside: dict[int, dict[int, str | None]], kind: int) -> Name:
    used_us = second_of(match.key) * US if match.key else None
    return Name(match.name, used_us, beside.get(match.key, {}).get(kind) or None)


def _rooms(site: Site, hosts: Iterable[str], parts: Sequence[str]) -> list[str]:
    """Return the rooms that contain all parts. A former name that is the whole text finds the room of today."""
    ranked = {room: rank for room in site.rooms.names(hosts) if (rank := _rank(folded(room), parts)) is not None}
    former = site.rooms.canonical(" ".join(parts))
    if former is not None:
        ranked[former] = _EXACT
    return sorted(ranked, key=lambda room: (ranked[room], folded(room)))[:MOST_FOUND]


def _rank(name: str, parts: Sequence[str]) -> int | None:
    """Return how well a folded name matches; None if it does not contain all parts."""
    for part in parts:  # a generator would take 2 µs, for each of all machines
        if part not in name:
            return None
    if name == " ".join(parts):
        return _EXACT
    return _BEGINS if name.startswith(parts[0]) else _INSIDE
