"""A control socket that this process serves on a thread of its own, and clients that send it lines."""

import asyncio
import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from tests.support.running import PATIENCE_S
from winlogd.control.address import bind_control
from winlogd.control.listening import serve
from winlogd.control.server import LIMITS, Handler, Limits, Order


class Client:
    """A connection to a control socket."""

    def __init__(self, path: Path | str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self._stream = self.socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """Send these octets as they are."""
        self.socket.sendall(octets)

    def give(self, name: str, **fields: object) -> None:
        """Give an order."""
        self.send(json.dumps({"order": name, **fields}).encode() + b"\n")

    def line(self) -> Any:  # noqa: ANN401  # any JSON
        """Return the next line's value; None at the end."""
        line = self._stream.readline()
        return json.loads(line) if line else None

    def lines(self) -> list[Any]:
        """Return the values of all lines until the server closes."""
        return [json.loads(line) for line in self._stream]


class Desk:
    """A control socket and its loop.

    It has three orders, and those that a test adds. `count` reports twice and is done. `wait` is put into `waiting`.
    The handler of `break` raises an error.
    """

    def __init__(self, path: Path, limits: Limits, handlers: Mapping[str, Handler]) -> None:
        self.path = path
        self.waiting: queue.Queue[Order] = queue.Queue()
        self.faults: queue.Queue[dict[str, Any]] = queue.Queue()
        self._limits = limits
        own: dict[str, Handler] = {"count": _count, "wait": self.waiting.put, "break": _break}
        self._handlers = own | dict(handlers)
        self._loop = uvloop.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: self.faults.put(context))
        self._thread = threading.Thread(target=self._loop.run_forever)

    def handle(self, name: str, handler: Handler) -> None:
        """Add an order that `handler` carries out."""
        self._handlers[name] = handler

    def start(self) -> None:
        sock = bind_control(str(self.path))
        self._server = self._loop.run_until_complete(serve(self._loop, sock, self._handlers, self._limits))
        self._thread.start()

    def do(self, call: Callable[[], None]) -> None:
        """Run `call` on the loop, and wait for its end."""
        done = threading.Event()

        def call_and_report() -> None:
            try:
                call()
            finally:
                done.set()

        self._loop.call_soon_threadsafe(call_and_report)
        assert done.wait(PATIENCE_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


def _count(order: Order) -> None:
    order.progress(counted=1, of=order.fields.get("of", 2))
    order.progress(counted=2, of=order.fields.get("of", 2))
    order.done(counted=2)


def _break(order: Order) -> None:
    raise RuntimeError(f"broken by {order.fields}")


@contextmanager
def serving(path: Path, limits: Limits = LIMITS, **handlers: Handler) -> Iterator[Desk]:
    """Serve a control socket at `path`, with these orders besides its own."""
    desk = Desk(path, limits, handlers)
    desk.start()
    try:
        yield desk
    finally:
        desk.stop()
