"""A command's end of the control socket: asks the running server.

Knows sockets and lines; not what a command means.
"""

import socket
from collections.abc import Callable

from winlogd.control.address import short


def ask(path: str, command: str, patience_s: float, is_slow: Callable[[], None]) -> tuple[str, str]:
    """Asks the server whose control socket is at `path`: ``ok`` or ``error``, and its sentence.

    Args:
        path: as `path_of` gives it.
        command: one word.
        patience_s: after so much time without an answer `is_slow` is called, once; the answer is waited for all the
            same.
        is_slow: tells the person who waits.

    Raises:
        FileNotFoundError, ConnectionRefusedError: no server is running.
        OSError: it cannot be asked, or it went away before it had answered.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, short(path) as address:
        sock.connect(address)
        sock.sendall(f"{command}\n".encode())
        sock.settimeout(patience_s)
        try:
            answer = sock.recv(4096)
        except TimeoutError:
            is_slow()
            sock.settimeout(None)
            answer = sock.recv(4096)
        while piece := sock.recv(4096):
            answer += piece
    outcome, _, sentence = answer.decode().strip().partition(" ")
    if outcome not in ("ok", "error"):
        raise ConnectionResetError("winlogd ended before it had answered")
    return outcome, sentence
