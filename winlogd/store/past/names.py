"""Numbers for names: a session's row holds the number of its user, host, address and operating system.

There is one number a spelling. `folded` and `short` find all spellings of a name. This file must not know sessions.
"""

import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

import orjson

from winlogd.events.names import folded, folded_host, short_host, short_user

if TYPE_CHECKING:  # types only
    import apsw

USER: Final = 1
HOST: Final = 2
ADDRESS: Final = 3
SYSTEM: Final = 4
"""The kinds of names: a user, a host, an address, and a word about an operating system."""

NAMES: Final = "winlogd_names"
"""The table."""


class Names:
    """Numbers of names, for one transaction: a rollback takes new ones back. After a COMMIT they may be used again.

    Args:
        connection: the database, inside a write transaction.
        table: the table of names; a reader has one of its own for the names of today.
    """

    __slots__ = ("_add", "_connection", "_find", "_find_many", "_known", "_last", "_version")

    def __init__(self, connection: "apsw.Connection", table: str = NAMES) -> None:
        self._connection = connection
        self._find: Final = f"SELECT id FROM {table} WHERE kind = ? AND name IS ?"
        self._find_many: Final = (
            f"SELECT name, id FROM {table} WHERE kind = ? AND name IN (SELECT value FROM json_each(?))"
        )
        self._add: Final = f"INSERT INTO {table} (id, kind, name, folded, short) VALUES (?, ?, ?, ?, ?)"
        self._last: Final = f"SELECT ifnull(max(id), 0) FROM {table}"
        self._known: dict[tuple[int, str | None], int] = {}
        self._version = (0, 0)

    def hold_for(self, version: tuple[int, int]) -> None:
        """Forget the numbers if `version` is another one than at the last call: names were removed meanwhile.

        Args:
            version: the marks `EPOCH` and `NAMES_REMOVED` of `store.past.progress`.
        """
        if version != self._version:
            self._version = version
            self._known.clear()

    def prepare(self, kind: int, names: "set[str | None]") -> None:
        """Find or add the numbers of many names of one kind: 1 µs a name, where `number` takes 4 µs.

        Raises:
            apsw.Error: SQLite's own.
        """
        connection = self._connection
        known = self._known
        texts = [name for name in names if name is not None and (kind, name) not in known]
        if not texts:
            return
        rows = connection.execute(self._find_many, (kind, orjson.dumps(texts).decode()))
        found = dict(cast("Iterable[tuple[str, int]]", rows))
        added = [name for name in texts if name not in found]
        last = cast("int", connection.execute(self._last).fetchone()[0])  # type: ignore[index]  # always one row
        numbers = dict(zip(added, range(last + 1, last + 1 + len(added)), strict=True))
        connection.executemany(
            self._add, [(number, kind, name, *compared(kind, name)) for name, number in numbers.items()]
        )
        self._known.update(((kind, name), number) for name, number in (found | numbers).items())

    def number(self, kind: int, name: str | None) -> int:
        """Return the number of a name. Add the name if it is new.

        Raises:
            apsw.Error: SQLite's own.
        """
        number = self._known.get((kind, name))
        if number is None:
            number = self._known[kind, name] = self._found_or_added(kind, name)
        return number

    def _found_or_added(self, kind: int, name: str | None) -> int:
        found = self._connection.execute(self._find, (kind, name)).fetchone()
        if found is not None:
            return cast("int", found[0])
        self._connection.execute(self._add, (None, kind, name, *compared(kind, name or "")))
        return self._connection.last_insert_rowid()


def compared(kind: int, name: str) -> tuple[str, str]:
    """Return the forms in which a name is searched: folded, and short.

    An address is 32 hexadecimal digits, so that a network is a range of texts.
    """
    match kind:
        case 1:  # USER
            return folded(name), short_user(name)
        case 2:  # HOST
            return folded_host(name), short_host(name)
        case 3:  # ADDRESS
            digits = address_digits(name)
            return digits, digits
        case _:
            return folded(name), ""


def address_digits(address: str) -> str:
    """Return an address as 32 hexadecimal digits, an IPv4 address as its mapped IPv6 address; other text folded."""
    for family, form in ((socket.AF_INET, f"{'0' * 20}ffff"), (socket.AF_INET6, "")):
        try:
            return form + socket.inet_pton(family, address).hex()
        except (OSError, ValueError):
            continue
    return folded(address)
