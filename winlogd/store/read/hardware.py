"""Lists the machines with their latest inventory, newest first, and searches the inventories for words.

A page goes by the key of its last inventory. It also keeps the key of the newest inventory of the first page: later
ones do not count, so that pages neither skip nor repeat a machine that reports meanwhile. This file must not know what
an inventory means, or how an answer is written.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from winlogd.events.names import folded_host
from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.session import US, second_of
from winlogd.store.errors import PastChangedError
from winlogd.store.file.columns import as_bytes, text
from winlogd.store.past.names import HOST
from winlogd.store.read.candidates import LAST_KEY
from winlogd.store.read.days import local_day
from winlogd.store.read.filters import Site
from winlogd.store.read.machines import Alike
from winlogd.store.read.source import PAST, TODAY

if TYPE_CHECKING:  # types only
    from datetime import date

    import apsw

    from winlogd.store.read.access import Access

_MOST_CHARACTERS: Final = 4 << 20
"""A page ends early when its inventories have this many characters: one may have 64 KiB."""
_A_PIECE: Final = 64
"""Inventories that pass, before the page is asked if it is full."""

_LATEST: Final = f"""SELECT n.name, n.folded,
    (SELECT max(i.key) FROM {{inventory}} i WHERE i.host = n.id AND i.key <= ?)
    FROM {{names}} n WHERE n.kind = {HOST} AND n.name <> ''"""
_HARDWARE: Final = as_bytes("e.hardware_info")
_OF: Final = "{names} n CROSS JOIN {inventory} i ON i.host = n.id AND i.key = ?1 CROSS JOIN {events} e ON e.id = "
_WHICH: Final = f"WHERE n.kind = {HOST} AND n.folded = ?2"
_TEXT: Final = {
    PAST: f"SELECT {_HARDWARE} FROM {_OF}i.history_id {_WHICH}".format(
        names=PAST.names, inventory=PAST.inventory, events="main.events_history"
    ),
    TODAY: f"SELECT {_HARDWARE} FROM {_OF}i.event_id {_WHICH}".format(
        names=TODAY.names, inventory=TODAY.inventory, events="main.events_today"
    ),
}


class Hardware(NamedTuple):
    """The latest inventory of one machine.

    Attributes:
        hostname: the machine's name, in the spelling of that inventory.
        room: the room in which it stands today; None if that is not known.
        received_us: the receipt of the inventory, to the second, in microseconds since 1970.
        text: the inventory, JSON as it was sent.
    """

    hostname: str
    room: str | None
    received_us: int
    text: str


class HardwarePage(NamedTuple):
    """One page of the list.

    Attributes:
        found: the inventories, newest first.
        next: where the next page begins: the newest key that counts, and the key of the last one of this page. None on
            the last page.
        history: how much of the archive the page takes into account (`Access.history`).
    """

    found: list[Hardware]
    next: tuple[int, int] | None
    history: str


class _Latest(NamedTuple):
    key: int
    hostname: str
    folded: str
    host: str


def find_hardware(
    access: "Access",
    words: Sequence[str],
    room: str | None,
    site: Site,
    now_us: int,
    limit: int,
    cursor: tuple[int, int] | None = None,
) -> HardwarePage:
    """Return the next machines whose latest inventory, or name, has all words. Retired ones are left out.

    A search of 5 000 inventories of 1 KB takes 0.2 to 0.3 s, a page of 1 000 takes 0.1 s.

    Args:
        access: a reader's database.
        words: the words, folded.
        room: the room's name of today; None for all.
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        limit: return at most this many.
        cursor: what `HardwarePage.next` gave; None is the beginning.

    Raises:
        QuestionTooLongError: the question took too long.
        QuestionRefusedError: the reader is not ready.
        apsw.Error: SQLite's own.
    """
    high, before = (LAST_KEY, LAST_KEY) if cursor is None else cursor
    day = local_day(now_us, site)
    while True:
        try:
            latest = _latest(access, site, day, high)
            if cursor is None and latest:
                high = latest[0].key
            rest = [each for each in latest if each.key < before]
            return _page(access, _Wanted(words, room, site, day), rest, limit, high)
        except PastChangedError:
            access.begin_again()


def _latest(access: "Access", site: Site, day: "date", high: int) -> list[_Latest]:
    """Return the latest inventory of each machine up to the key `high`, newest first."""
    with access.snapshot() as connection:
        rows = [
            cast("tuple[str, str, int | None]", row)
            for source in (PAST, TODAY)
            for row in connection.execute(_LATEST.format(names=source.names, inventory=source.inventory), (high,))
        ]
    alike = Alike((folded for _, folded, _ in rows), site.rooms, day)
    latest: dict[str, _Latest] = {}
    for name, folded, key in rows:
        if key is None or folded in ("", UNKNOWN_HOST):
            continue
        host = alike.host(folded)
        if host not in latest or latest[host].key < key:
            latest[host] = _Latest(key, name, folded, host)
    return sorted(latest.values(), reverse=True)


class _Wanted:
    """Decides which machines pass."""

    __slots__ = ("_day", "_room", "_site", "_words")

    def __init__(self, words: Sequence[str], room: str | None, site: Site, day: "date") -> None:
        self._words = words
        self._room = room
        self._site = site
        self._day = day

    def found(self, connection: "apsw.Connection", latest: _Latest) -> Hardware | None:
        """Return a machine with its inventory; None if it does not pass, or if the inventory is empty."""
        place = self._site.rooms.place_of(latest.host, self._day)
        if place is not None and place.state == "retired":
            return None
        room = self._site.rooms.room_of(latest.host, self._day) if place is None else place.room
        if self._room not in (None, room):
            return None
        report = _report(connection, latest)
        if not report or not self._has_words(latest, report):
            return None
        return Hardware(latest.hostname, room, second_of(latest.key) * US, report)

    def _has_words(self, latest: _Latest, report: str) -> bool:
        if not self._words:
            return True
        whole = f"{folded_host(latest.hostname)} {_folded(report)}"
        return all(word in whole for word in self._words)


def _page(access: "Access", wanted: _Wanted, rest: Sequence[_Latest], limit: int, high: int) -> HardwarePage:
    """Return the first machines of `rest` that pass."""
    found: list[Hardware] = []
    last, characters = 0, 0
    for latest, hardware in _passing(access, wanted, rest):
        if len(found) == limit or characters >= _MOST_CHARACTERS:
            return HardwarePage(found, (high, last), access.history())
        found.append(hardware)
        last, characters = latest.key, characters + len(hardware.text)
    return HardwarePage(found, None, access.history())


def _passing(access: "Access", wanted: _Wanted, rest: Sequence[_Latest]) -> Iterator[tuple[_Latest, Hardware]]:
    """Yield the machines that pass, in pieces of time. Each piece has a snapshot of its own."""
    at = 0
    while at < len(rest):
        found = []
        with access.snapshot() as connection:
            for latest in rest[at:]:
                at += 1
                hardware = wanted.found(connection, latest)
                if hardware is not None:
                    found.append((latest, hardware))
                if access.is_piece_over() or len(found) >= _A_PIECE:
                    break
        yield from found


def _report(connection: "apsw.Connection", latest: _Latest) -> str | None:
    """Return the text of an inventory; None for none. The rotation may have moved it since its key was read."""
    for source in (TODAY, PAST):
        for (report,) in connection.execute(_TEXT[source], (latest.key, latest.folded)):
            return None if report is None else text(report)
    return None


def _folded(report: str) -> str:
    """Return an inventory as it is compared. `events.names.folded` would keep the large text in memory."""
    if report.isascii():
        return report.lower()
    from unicodedata import normalize  # not loaded until somebody has such a text

    return normalize("NFC", report).casefold()
