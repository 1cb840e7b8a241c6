"""A reader of the live feed over a real socket, and a page's copy of the state that it keeps up to date."""

import http.client
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NamedTuple

from tests.support.running import PATIENCE_S, Winlogd

LIVE: Final = "/api/v1/live"


class Event(NamedTuple):
    """One Server-Sent Event."""

    id: str
    name: str
    data: Any


class Watching:
    """A feed.

    Args:
        port: the server's port.
        after: the id after which it goes on; None for none.
        headers: further header fields.
        source: the address to connect from.
        path: the path.
        host: the server's address.

    Attributes:
        status: the answer's status.
        headers: its header fields, by name in lower case.
        comments: the comments so far.
        retries: the times in ``retry`` so far.
    """

    def __init__(
        self,
        port: int,
        after: str | None = None,
        headers: dict[str, str] | None = None,
        source: str = "127.0.0.1",
        path: str = LIVE,
        host: str = "127.0.0.1",
    ) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S, source_address=(source, 0))
        query = "" if after is None else f"{'&' if '?' in path else '?'}after={after}"
        self._connection.request("GET", path + query, headers=headers or {})
        self._response = self._connection.getresponse()
        self.status: Final = self._response.status
        self.headers: Final = {name.lower(): value for name, value in self._response.getheaders()}
        self.comments: list[str] = []
        self.retries: list[int] = []
        self._last_id = ""
        self._until_s = time.monotonic() + PATIENCE_S

    def __enter__(self) -> "Watching":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        self._connection.close()

    def connected(self) -> "Watching":
        """Wait for the first comment and the first ``retry``."""
        while not (self.comments and self.retries):
            self._line()
        return self

    def next(self) -> Event | None:
        """Return the next event; None if the feed has ended."""
        name, data = "message", []
        self._until_s = time.monotonic() + PATIENCE_S
        while (line := self._line()) is not None:
            field, _, value = line.partition(": ")
            if field == "id":
                self._last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif not line and data:
                return Event(self._last_id, name, json.loads("\n".join(data)))
        return None

    def until(self, is_it: Callable[[Any], bool]) -> list[Event]:
        """Return the next changes, up to the first whose data are as wanted."""
        events: list[Event] = []
        last_s = time.monotonic() + PATIENCE_S
        while True:
            event = self.next()
            assert event is not None, "the feed has ended"
            assert event.name == "change"
            assert time.monotonic() < last_s, events
            events.append(event)
            if is_it(event.data):
                return events

    def change_of(self, hostname: str, **fields: object) -> Any:  # noqa: ANN401  # JSON
        """Return a machine as the next change has it in which it has these fields."""

        def is_it(data: Any) -> bool:  # noqa: ANN401  # JSON
            return any(_has(each, hostname, fields) for each in data.get("machines", ()))

        data = self.until(is_it)[-1].data
        return next(each for each in data["machines"] if _has(each, hostname, fields))

    def rest(self) -> None:
        """Read on until the feed ends."""
        self._until_s = time.monotonic() + PATIENCE_S
        while self._line() is not None:
            pass

    def _line(self) -> str | None:
        """Return the next line; None at the end."""
        octets = self._response.readline()
        if time.monotonic() > self._until_s:  # it still beats
            raise TimeoutError("waited in vain for an event")
        if not octets:
            return None
        line = octets.decode().removesuffix("\n")
        if line.startswith(":"):
            self.comments.append(line)
        if line.startswith("retry: "):
            self.retries.append(int(line.removeprefix("retry: ")))
        return line


class Page:
    """What a page makes of a snapshot and the changes that follow.

    Args:
        snapshot: the snapshot.
    """

    def __init__(self, snapshot: Any) -> None:  # noqa: ANN401  # JSON
        self.id: Final = f"{snapshot['epoch']}-{snapshot['seq']}"
        self.machines = {each["hostname"]: each for each in snapshot.get("machines", ())}
        self.rooms = {each["name"]: each for each in snapshot["rooms"]}
        self.site = snapshot["site"]
        self.writable = snapshot["writable"]
        self.seq = snapshot["seq"]

    def take(self, event: Event) -> None:
        """Take a change."""
        data = event.data
        assert data["seq"] > self.seq
        self.seq = data["seq"]
        for hostname in data.get("removed", ()):
            del self.machines[hostname]
        self.machines |= {each["hostname"]: each for each in data.get("machines", ())}
        self.rooms |= {each["name"]: each for each in data.get("rooms", ())}
        self.site = data.get("site", self.site)
        self.writable = data.get("writable", self.writable)


def snapshot(server: Winlogd, headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401  # JSON
    """Return the snapshot."""
    answer = server.request("GET", "/api/v1/snapshot", headers=headers)
    assert answer.status == 200, answer.body
    return answer.json


def watching(server: Winlogd) -> Watching:
    """Return a feed that goes on after the snapshot of now."""
    page = Page(snapshot(server))
    return Watching(server.port, page.id).connected()


def _has(machine: dict[str, Any], hostname: str, fields: dict[str, object]) -> bool:
    return machine["hostname"] == hostname and all(machine[name] == value for name, value in fields.items())
