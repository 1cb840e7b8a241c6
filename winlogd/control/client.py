"""A command's end of the control socket: gives an order to the running server.

Knows sockets and lines, which `winlogd.control.server` describes; not what an order means.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson

from winlogd.control.address import short

OTHER_VERSION: Final = "the running winlogd answers as another version does; restart it, then try again"
"""The sentence for an answer that is none of those that the protocol has."""

_PIECE_BYTES: Final = 65_536


class OrderFailedError(Exception):
    """The server has not carried out the order; the argument is its sentence."""


def ask(
    path: str,
    order: Mapping[str, object],
    patience_s: float,
    is_slow: Callable[[], None],
    progress: Callable[[Mapping[str, object]], None],
) -> dict[str, Any]:
    """Give an order to the server whose control socket is at `path`; return what it says when it is done.

    Args:
        path: as `path_of` gives it.
        order: its name as `order`, and what else it takes.
        patience_s: after this time without an end, `is_slow` is called once; the end is waited for all the same.
        is_slow: tells the person who waits.
        progress: takes each report of the server.

    Raises:
        FileNotFoundError, ConnectionRefusedError: no server is running.
        OrderFailedError: the server could not or would not do it.
        OSError: it cannot be asked, or it went away before it had answered.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, short(path) as address:
        sock.connect(address)
        with suppress(BrokenPipeError):  # a server that refuses this user does not wait for the order; its line is here
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
    """Yield the lines that come, without what stands behind the last line feed.

    At `until_s` of the monotonic clock, `is_slow` is called.
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
