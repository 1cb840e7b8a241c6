"""Play the steps of days against a server and a model of it; the judge compares the two after each step."""

import http.client
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tests.chaos import judge
from tests.chaos.judge import Tables
from tests.chaos.model import Model
from tests.chaos.rows import Difference, Receipt, Row
from tests.chaos.said import Said
from tests.chaos.steps import Copy, Delete, End, Insert, Rotate, Send, SetClock, SetTrigger, Step, WriteElsewhere
from tests.support.running import CLIENT_HEADERS, PATIENCE_S, Answer, Winlogd, read_answer
from tests.support.wire import Wire, event_of

_NOTICED_WITHIN_S: Final = 10.0
"""The listing shows changes of other programs after this time (SPEC §6.2)."""
_APART_S: Final = 2.0
"""A time of receipt may be this far outside the time that a client waited, because the clocks are read in turn."""
Told = list[tuple[Said, dict[str, Any]]]
"""Events with their answers, in the order in which the server handled them."""


@dataclass(slots=True)
class Ledger:
    """The steps and findings of a run."""

    steps: int = 0
    sent: int = 0
    acknowledged: int = 0
    retried: int = 0
    left_open: int = 0
    stored: int = 0
    restarts: int = 0
    kills: int = 0
    rotations: int = 0
    moved: int = 0
    clocks_set: int = 0
    outside_writes: int = 0
    difference: str = ""

    def __str__(self) -> str:
        return (
            f"steps {self.steps}, sent {self.sent}, acknowledged {self.acknowledged}, retried {self.retried}, "
            f"left open by the specification {self.left_open}, stored {self.stored}, restarts {self.restarts}, "
            f"kills {self.kills}, rotations {self.rotations}, rows moved {self.moved}, clock set {self.clocks_set}, "
            f"outside writes {self.outside_writes}, differences {int(bool(self.difference))}"
        )


class Game:
    """A server, the model of it, and the clock of both."""

    def __init__(self, server: Winlogd, model: Model, ledger: Ledger) -> None:
        self._server = server
        self._model = model
        self._ledger = ledger
        self._ahead_s = 0.0
        self._has_noticed = True
        """Return True if the server has had an event, a rotation or a start since another program wrote."""

    def play(self, step: Step) -> None:
        """Play one step and compare.

        Raises:
            Difference: the server and the model differ.
        """
        match step:
            case Send():
                self._send(step)
            case End():
                self._end(step)
            case Rotate():
                self._rotate()
            case SetClock(ahead_s):
                self._set_clock(ahead_s)
            case _:
                self._write_as_another_program(step)
        tables = Tables(self._server.database)
        judge.take_in(self._model, tables)
        judge.compare(self._model, tables)
        self._ledger.stored = len(tables.today) + len(tables.history)
        self._ledger.left_open = self._model.left_open
        if self._has_noticed:
            self._compare_listing(tables)
        self._model.passes(time.time() + self._ahead_s)

    # ── events ────────────────────────────────────────────────────────────────────────────────────────────

    def _send(self, step: Send) -> None:
        since_s, events = time.time(), step.events
        match step.way:
            case "in turn":
                told = _in_turn(self._server.port, events)
            case "in one piece":
                told = _in_one_piece(self._server.port, events)
            case "twice":
                told = _at_once(self._server.port, events * 2)
            case _:
                told = _at_once(self._server.port, self._of_different_pairs(events))
        self._take(told, since_s)

    def _of_different_pairs(self, events: tuple[Said, ...]) -> tuple[Said, ...]:
        """Return one event of each pair. Events sent at once have an unknown order, which matters within a pair."""
        pairs = {self._model.pair(said.username, said.hostname): said for said in events}
        return tuple(pairs.values())

    def _take(self, told: Told, since_s: float) -> None:
        receipt = self._receipt(since_s)
        for said, answer in told:
            self._ledger.retried += self._model.take(said, answer, receipt)
        self._ledger.sent += len(told)
        self._ledger.acknowledged += len(told)
        self._has_noticed = True

    def _receipt(self, since_s: float) -> Receipt:
        return Receipt(since_s + self._ahead_s - _APART_S, time.time() + self._ahead_s + _APART_S)

    # ── the process and its clock ─────────────────────────────────────────────────────────────────────────

    def _end(self, step: End) -> None:
        since_s = time.time()
        # Open: whether an event that is on its way is stored before or after a deleted `D` is noticed.
        waiting = None if self._model.closed_until_the_start else step.waiting
        if step.is_asked:
            if (status := self._server.stop()) != 0:
                raise Difference(f"a stop ends with status {status}: {self._server.log}")
            self._ledger.restarts += 1
        else:
            with Wire(self._server.port) as wire:
                if waiting is not None:  # the event may be stored or not, and its client sends it again
                    wire.send(_bytes_of(waiting))
                    time.sleep(step.after_s)
                self._server.kill()
            self._ledger.kills += 1
        self._server.restart()
        self._server.wait_until_open()
        self._model.starts(time.time() + self._ahead_s)
        self._has_noticed = True
        if waiting is not None:
            self._take(_in_turn(self._server.port, [waiting]), since_s)

    def _set_clock(self, ahead_s: float) -> None:
        (self._server.folder / "clock.new").write_text(str(ahead_s))
        (self._server.folder / "clock.new").rename(self._server.folder / "clock")
        self._ahead_s = ahead_s
        self._ledger.clocks_set += 1

    def _rotate(self) -> None:
        if self._model.closed_until_the_start:
            return  # Open: whether a rotation goes by the tables, or by what the server has noticed.
        since_s = time.time()
        if not (said := self._server.rotate()).startswith("ok"):
            raise Difference(f"the rotation says {said!r}")
        now = self._receipt(since_s)
        self._model.expire(now)
        tables = Tables(self._server.database)
        judge.take_in(self._model, tables)
        self._ledger.moved += self._model.move(tables.today, now)
        self._ledger.rotations += 1
        self._has_noticed = True

    def _compare_listing(self, tables: Tables) -> None:
        """Compare the listing with the view, without the sessions that the server does not know to be open."""
        hidden = self._model.closed_until_the_start
        view = sorted((entry for entry in tables.open_sessions if entry[3] not in hidden), key=str)
        until_s = time.monotonic() + _NOTICED_WITHIN_S
        while True:
            entries = self._server.request("GET", "/api/v1/sessions/current").json
            listed = sorted((tuple(entry.values()) for entry in entries), key=str)
            if listed == view:
                return
            if time.monotonic() > until_s:
                raise Difference(f"the listing has {listed}, the view open_sessions {view}")
            time.sleep(0.05)

    # ── other programs ────────────────────────────────────────────────────────────────────────────────────

    def _write_as_another_program(self, step: Step) -> None:
        with closing(sqlite3.connect(self._server.database, timeout=PATIENCE_S)) as connection, connection:
            match step:
                case Insert():
                    self._insert(connection, step)
                case Delete(of, number):
                    if rows := self._deletable(of):
                        row = rows[number % len(rows)]
                        connection.execute("DELETE FROM events_today WHERE id = ?", (row.id,))
                        self._model.delete(row)
                case Copy(number):
                    if rows := self._model.open_of_the_server():
                        self._copy(connection, rows[number % len(rows)])
                case WriteElsewhere():
                    connection.execute("CREATE TABLE IF NOT EXISTS theirs (at TEXT)")
                    connection.execute("INSERT INTO theirs VALUES (datetime())")
                case SetTrigger(trigger):
                    connection.execute("DROP TRIGGER IF EXISTS theirs")
                    self._model.trigger = trigger
                    if trigger is not None:
                        connection.execute(trigger.sql)
        self._ledger.outside_writes += 1
        self._has_noticed = False

    def _deletable(self, of: str) -> list[Row]:
        model = self._model
        if of == "open":
            return model.open_of_the_server()
        if of == "ended":
            opened = [row.session_uuid for row in model.today if row.action == "C"]
            return [row for row in model.today if row.action == "D" and row.session_uuid in opened]
        return model.today

    def _insert(self, connection: sqlite3.Connection, step: Insert) -> None:
        columns = dict(step.columns)
        if step.received_ago_s is not None:
            then = datetime.fromtimestamp(time.time() + self._ahead_s - step.received_ago_s, UTC)
            columns = {"server_timestamp": then.isoformat(timespec="microseconds")} | columns
        if step.of_open is not None and (rows := self._model.open_of_the_server()):
            columns["session_uuid"] = rows[step.of_open % len(rows)].session_uuid
        if step.id_ahead:
            [(last,)] = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'events_today'")
            columns["id"] = (last or 0) + step.id_ahead
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO events_today ({names}) VALUES ({marks})", list(columns.values()))
        columns.pop("id", None)
        self._model.insert(Row(columns, "outside"))

    def _copy(self, connection: sqlite3.Connection, row: Row) -> None:
        names = ", ".join(judge.COLUMNS)
        connection.execute(
            f"INSERT INTO events_today ({names}) SELECT {names} FROM events_today WHERE id = ?", (row.id,)
        )
        self._model.insert(Row(dict(row.columns), "outside"))


# ── how events are sent ───────────────────────────────────────────────────────────────────────────────────


def _in_turn(port: int, events: Sequence[Said]) -> Told:
    told = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as connection:
        for said in events:
            headers = CLIENT_HEADERS | {"X-Forwarded-For": said.address}
            connection.request("POST", "/api/v1/events", said.body, headers)
            told.append(_acknowledged(said, read_answer(connection)))
    return told


def _in_one_piece(port: int, events: Sequence[Said]) -> Told:
    with Wire(port) as wire:
        wire.send(b"".join(_bytes_of(said) for said in events))
        return [_acknowledged(said, wire.answer("POST")) for said in events]


def _at_once(port: int, events: Sequence[Said]) -> Told:
    """Return the events in the order in which the server handled them."""
    with ThreadPoolExecutor(len(events)) as pool:
        told = [one for (one,) in pool.map(lambda said: _in_turn(port, [said]), events)]
    return sorted(told, key=lambda one: int(one[1]["event_id"]))


def _bytes_of(said: Said) -> bytes:
    return event_of(said.body, f"X-Forwarded-For: {said.address}")


def _acknowledged(said: Said, answer: Answer) -> tuple[Said, dict[str, Any]]:
    if answer.status != 200:
        raise Difference(f"{said} is answered {answer}")
    return said, answer.json
