"""The reader's processor time for each question of `queries`, without a server: python -m bench.question_cost DATABASE.

The database is one that `bench.past` has made; --today adds a day to it first. Run it in turn in two trees to compare
them.
"""

import argparse
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import past
from bench.load.result import percentile
from bench.questions import QUESTIONS, values_for
from winlogd.access.readers import THIS_MACHINE, ReadEndpoint
from winlogd.api.read_table import endpoints
from winlogd.api.reading import Reading
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint, Router
from winlogd.http.wire.message import Head, Response
from winlogd.scheduled.clock import zone_of
from winlogd.sessions.doubts import Rules
from winlogd.sessions.places import Place
from winlogd.sessions.rooms import Rooms
from winlogd.store.file.settings import Settings
from winlogd.store.read.answering import Answering
from winlogd.store.read.filters import Site
from winlogd.store.read.limits import Limits

_HOUR_US: Final = 3_600_000_000
_SECONDS: Final = 1.0
"""Each question is asked for so long, unless `--seconds` says otherwise."""


class _Reader:
    """Answers at once, on this thread."""

    def __init__(self, path: Path) -> None:
        settings = Settings(str(path), "WAL", "NORMAL", 5000, -20_000)
        self._answering = Answering(settings, Limits(), lambda: False)

    def ask(
        self,
        who: str,
        question: Callable[[Any], Any],
        answered: Callable[[Any], None],
        same: object,
        waits: Callable[[], bool],
    ) -> None:
        outcome = self._answer(question)
        while self._answering.is_behind:
            self._answering.catch_up()
            if not self._answering.is_behind:
                outcome = self._answer(question)
        answered(outcome)

    def _answer(self, question: Callable[[Any], Any]) -> object:
        outcome = self._answering.answer(question, time.monotonic())
        self._answering.rest()
        return outcome


class _Exchange:
    """Takes an answer."""

    class sender:  # noqa: N801  # as Exchange has it
        """The connection."""

        peer = "127.0.0.1"

    def respond(self, response: Response) -> None:
        assert response.status in (200, 404), response


def main() -> None:
    """Measure, and print a line for each question."""
    parser = argparse.ArgumentParser(prog="python -m bench.question_cost", description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--today", type=int, default=0, metavar="ROWS", help="add a day of some rows first")
    parser.add_argument("--question", action="append", metavar="NAME", help="ask this one only; may be repeated")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="ask each question for so long")
    chosen = parser.parse_args()
    if chosen.today:
        past.fill_today(chosen.database, chosen.today)
    with closing(sqlite3.connect(chosen.database)):  # keeps the WAL while the reader opens
        _measure(chosen.database, chosen.question, chosen.seconds)


def _measure(path: Path, names: list[str] | None, seconds: float) -> None:
    rooms = Rooms({}, None, [Place(past.host_name(host), past.room_name(host)) for host in range(past.HOSTS)])
    site = Site(rooms, Rules(14 * _HOUR_US, 36 * _HOUR_US), zone_of("Europe/Paris"))
    reader: Any = _Reader(path)
    loop: Any = None
    reading = Reading(loop, reader, reader, lambda: site)
    router = Router({("GET", path): _for_this_machine(endpoint) for path, endpoint in endpoints(reading).items()}, {})
    values = values_for(past.last_day(path))

    def cost_s(path: str) -> float:
        address, _, query = path.partition("?")
        begun_s = time.thread_time()
        exchange: Any = _Exchange()
        router.handler_for(Head("GET", address, query, 1, (), 0, True, False))(exchange, b"")
        return time.thread_time() - begun_s

    cost_s(QUESTIONS[0].path(values[0]))  # reads today's events
    for question in QUESTIONS:
        if names is not None and question.name not in names:
            continue
        cost_s(question.path(values[0]))
        times_s, until = [], time.monotonic() + seconds
        for each in values * 5:
            times_s.append(cost_s(question.path(each)))
            if time.monotonic() > until:
                break
        print(f"{question.name:16} P50 {1e3 * median(times_s):8.2f}  P99 {1e3 * percentile(times_s, 0.99):8.2f} ms")


def _for_this_machine(endpoint: ReadEndpoint) -> Endpoint:
    """Return an endpoint that answers everybody as a reader on this machine."""

    def handler_for(head: Head) -> Handler:
        handler = endpoint(head)
        return lambda exchange, body: handler(exchange, body, THIS_MACHINE)

    return handler_for


if __name__ == "__main__":
    main()
