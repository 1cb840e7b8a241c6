"""Change the configuration of a running server, with clients that never stop sending."""

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.support.running import CLIENT_HEADERS, Winlogd, an_event, wait_for
from tests.support.wire import Wire, event_of

ENDED: Final = r"configuration reloaded[^\n]*|the configuration has faults[^\n]*"
"""The line at the end of a reload, in the format `compact`."""


def write(server: Winlogd, settings: str) -> None:
    """Replace config.toml as an editor does: at no moment is a half of it there."""
    new = server.folder / "config.toml.new"
    new.write_text(settings)
    os.replace(new, server.folder / "config.toml")


def hang_up(server: Winlogd) -> str:
    """Send SIGHUP. Return the line at the end of the reload."""
    before = len(re.findall(ENDED, server.log))
    server.process.send_signal(signal.SIGHUP)
    lines: list[str] = wait_for(
        lambda: found if len(found := re.findall(ENDED, server.log)) > before else None, "a reload", server.process
    )
    return lines[-1]


def reload(server: Winlogd, settings: str) -> str:
    """Give a running server another config.toml. Return the line at the end of the reload."""
    write(server, settings)
    return hang_up(server)


class Senders:
    """Clients that send one event after the other: on a connection that stays, and on one of its own for each.

    Attributes:
        answers: the status of each answer, by the user of the event; 0 if a connection ended without one.
    """

    def __init__(self, server: Winlogd, *fields: str) -> None:
        self._server = server
        self._fields = fields
        self._is_over = False
        self.answers: dict[str, int] = {}

    def send_on_one_connection(self) -> None:
        """Send until the end."""
        number = 0
        with Wire(self._server.port) as wire:
            while not self._is_over:
                number += 1
                self._send(wire, f"kept-{number}")

    def send_on_new_connections(self) -> None:
        """Send until the end."""
        number = 0
        while not self._is_over:
            number += 1
            with Wire(self._server.port) as wire:
                self._send(wire, f"new-{number}")

    def _send(self, wire: Wire, user: str) -> None:
        self.answers[user] = 0
        wire.send(event_of(an_event(username=user), *self._fields))
        self.answers[user] = wire.answer().status

    def end(self) -> None:
        """Let each sender get its last answer."""
        self._is_over = True


@contextmanager
def under_load(server: Winlogd, *fields: str) -> Iterator[None]:
    """Send events all the time. Assert at the end that each was answered 200 and is stored once."""
    senders = Senders(server, *fields)
    threads = [
        threading.Thread(target=send) for send in (senders.send_on_one_connection, senders.send_on_new_connections)
    ]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: list(senders.answers.values()).count(200) > 20, "the first answers", server.process)
        yield
        sent = len(senders.answers)
        wait_for(lambda: len(senders.answers) > sent + 20, "answers after the change", server.process)
    finally:
        senders.end()
        for thread in threads:
            thread.join()
    assert set(senders.answers.values()) == {200}
    rows = server.rows("SELECT username FROM events_today WHERE username GLOB 'kept-*' OR username GLOB 'new-*'")
    assert sorted(row["username"] for row in rows) == sorted(senders.answers)


def post_as(server: Winlogd, agent: str, event: dict[str, object] | None = None) -> int:
    """Send an event with another User-Agent. Return the status of the answer."""
    body = json.dumps(event or an_event()).encode()
    return server.request("POST", "/api/v1/events", body, CLIENT_HEADERS | {"User-Agent": agent}).status
