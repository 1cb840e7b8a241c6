"""The client's end of the control socket: a command gives an order to the running server.

This file knows sockets and the lines that `winlogd.control.server` describes. It must not know what an order means.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson

from winlogd.control.address import short

OTHER_VERSION: Final = "the running winlogd answers as another version does; restart it, then try again"
"""The sentence for an answer that the protocol does not have."""

_PIECE_BYTES: Final = 65_536


class OrderFailedError(Exception):
    """The server has not carried out the order. The argument is a sentence that says why."""


def ask(
    path: str,
    order: Mapping[str, object],
    patience_s: float,
    is_slow: Callable[[], None],
    progress: Callable[[Mapping[str, object]], None],
) -> dict[str, Any]:
    """Give an order to the server whose control socket is at `path`. Return the fields of its last line, ``done``.

    Args:
        path: the path that `path_of` returns.
        order: the members of the order. `order` is its name.
        patience_s: seconds after which `is_slow` is called once, if the order has not ended. The wait goes on.
        is_slow: informs the person who waits.
        progress: receives the fields of each report of the server.

    Raises:
        FileNotFoundError, ConnectionRefusedError: no server is running.
        OrderFailedError: the server refused the order, or could not carry it out.
        OSError: the server cannot be reached, or it closed the connection before its last line.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, short(path) as address:
        sock.connect(address)
        with suppress(BrokenPipeError):  # the server refused this user at once; its line can still be read
            sock.sendall(orjson.dumps(order, option=orjson.OPT_APPEND_NEWLINE))
        for line in _lines(sock, time.monotonic() + patience_s, is_slow):
            match _value(line):
                case {"progress": dict(fields)}:
                    progress(fields)
                case {"done": dict(fields)}:
                    return fields
                case {"error": str(sentence)}:
                    raise OrderFailedError(sentence)
                case _:
                    raise OrderFailedError(OTHER_VERSION)
    raise ConnectionResetError("winlogd ended before it had answered")


def _value(line: bytes) -> object:
    try:
        value: object = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value


def _lines(sock: socket.socket, until_s: float, is_slow: Callable[[], None]) -> Iterator[bytes]:
    """Yield the complete lines from `sock`, until the server closes. Text behind the last line feed is dropped.

    Call `is_slow` once at `until_s` of the monotonic clock.
    """
    buffer = b""
    has_patience = True
    while True:
        *lines, buffer = buffer.split(b"\n")
        yield from lines
        if has_patience:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                has_patience = False
                sock.settimeout(None)
                is_slow()
                continue
            sock.settimeout(left_s)
        try:
            piece = sock.recv(_PIECE_BYTES)
        except TimeoutError:
            continue
        if not piece:
            return
        buffer += piece
