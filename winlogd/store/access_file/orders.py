"""What `winlogd token` asks for, as work for `file.AccessFile.run`: by the running server, or without one.

The command makes the secrets, and sends their SHA-256 only: a token is on no socket and in no memory of the server.
This file must not know the command line, or the control socket.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from winlogd.store.access_file.errors import OrderRefusedError
from winlogd.store.access_file.looks import Look, LooksAsked, find_looks, write_look
from winlogd.store.access_file.readers import add_code, add_reader, list_readers, revoke_reader

if TYPE_CHECKING:  # types only
    import apsw

MOST_LOOKS: Final = 500
"""The most rows of the readers' log in one answer."""

_HASH_DIGITS: Final = 64
_LOOK: Final = "look"
_LATE_US: Final = 3_600_000_000
"""A command gives its look to the server at once. A look of another hour has a wrong moment."""
_OTHER_VERSION: Final = "the running winlogd does not understand this order: it is of another version; restart it"

Answer = Mapping[str, Any]
"""The fields of an answer. All of them can be written as JSON."""


def work_of(fields: Mapping[str, Any], now_us: int) -> "Callable[[apsw.Connection], Answer]":
    """Return the work that an order asks for.

    Args:
        fields: the members of the order; `do` is the name of the work.
        now_us: the time, in microseconds since 1970.

    Raises:
        OrderRefusedError: an order of another version.
    """
    make = _WORKS.get(str(fields.get("do")))
    try:
        if make is not None:
            return make(fields, now_us)
    except (KeyError, ValueError, TypeError):
        pass
    raise OrderRefusedError(_OTHER_VERSION)


def look_of(fields: Mapping[str, Any], now_us: int) -> Look | None:
    """Return the row of the readers' log that an order asks for; None if it is another order.

    The arguments and errors are those of `work_of`.
    """
    if fields.get("do") != _LOOK:
        return None
    try:
        return _look_in(fields, now_us)
    except (KeyError, TypeError):
        raise OrderRefusedError(_OTHER_VERSION) from None


def _add(fields: Mapping[str, Any], now_us: int) -> "Callable[[apsw.Connection], Answer]":
    name, scope, rooms = _text(fields, "name"), _text(fields, "scope"), fields.get("rooms")
    token, expires_us = _hash(fields, "token"), fields.get("expires_us")
    return lambda connection: {"is_first": add_reader(connection, name, scope, rooms, token, now_us, expires_us)}


def _revoke(fields: Mapping[str, Any], now_us: int) -> "Callable[[apsw.Connection], Answer]":
    name = _text(fields, "name")
    return lambda connection: {"name": revoke_reader(connection, name, now_us)}


def _pair(fields: Mapping[str, Any], now_us: int) -> "Callable[[apsw.Connection], Answer]":
    name, code = _text(fields, "name"), _hash(fields, "code")
    return lambda connection: {"name": add_code(connection, name, code, now_us)}


def _list(fields: Mapping[str, Any], now_us: int) -> "Callable[[apsw.Connection], Answer]":
    def listed(connection: "apsw.Connection") -> Answer:
        rows = [row._asdict() | {"is_valid": row.is_valid(now_us)} for row in list_readers(connection)]
        return {"readers": [{key: value for key, value in row.items() if key != "token"} for row in rows]}

    return listed


def _log(fields: Mapping[str, Any], now_us: int) -> "Callable[[apsw.Connection], Answer]":
    asked = LooksAsked(fields["reader"], int(fields["since_us"]), fields["before"], MOST_LOOKS)

    def found(connection: "apsw.Connection") -> Answer:
        looks, before = find_looks(connection, asked)
        return {"looks": [look._asdict() for look in looks], "before": before}

    return found


def _look(fields: Mapping[str, Any], now_us: int) -> "Callable[[apsw.Connection], Answer]":
    look = _look_in(fields, now_us)

    def written(connection: "apsw.Connection") -> Answer:
        write_look(connection, look)
        return {}

    return written


def _look_in(fields: Mapping[str, Any], now_us: int) -> Look:
    """Return the row. The command says when it looked, so that the same order makes the same row if it comes twice.

    A moment that is no moment of now would never be removed, or at once: then the row gets the server's.
    """
    at_us = fields.get("at_us", now_us)
    if type(at_us) is not int:
        raise TypeError("at_us")
    if abs(at_us - now_us) > _LATE_US:
        at_us = now_us
    return Look(at_us, *(_text(fields, key) for key in ("reader", "kind", "filter", "address")))


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value


def _hash(fields: Mapping[str, Any], key: str) -> bytes:
    digits = _text(fields, key)
    if len(digits) != _HASH_DIGITS:
        raise ValueError(key)
    return bytes.fromhex(digits)


_WORKS: Final = {"add": _add, "revoke": _revoke, "pair": _pair, "list": _list, "log": _log, _LOOK: _look}
"""The work by the name that an order has in `do`."""
