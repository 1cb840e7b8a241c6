"""The steps of played days. A seed draws them all before the first is played, so that a search can leave some out.

A step says what happens. "The second of the open sessions" is looked up when the step is played.
"""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tests.chaos.rows import Trigger
from tests.chaos.said import Said

USERS: Final = ("alice", "Alice", "ALICE", "DOM\\alice", "zo\u00eb", "zoe\u0308", "Zo\u00cb", "stra\u00dfe", "STRASSE")
HOSTS: Final = ("PC-05", "pc-05", "pc-05.", "\u00dcnit", "u\u0308nit", None, "", "unknown", "Unknown.")
_BEGIN: Final = datetime(2026, 1, 13, 8, 0, 0)
_HOURS_AHEAD: Final = (0.0, 0.0, 0.02, 0.3, 5.7, 23.3, 30.1, 49.9, -0.3, -7.2, -25.6)
_FORMS: Final = ("{}Z", "{}+00:00", "{}+00:00", "{}+00:00", "{}z", "{}+02:00", "{}-05:30")
_INSERT: Final = "INSERT INTO events_today (username, action, timestamp, hostname, session_uuid) "


@dataclass(frozen=True, slots=True)
class Send:
    """A client sends events.

    Attributes:
        events: the events.
        way: ``in turn`` or ``in one piece`` on one connection; ``at once``, each on a connection of its own;
            ``twice``, at once and each of them two times.
    """

    events: tuple[Said, ...]
    way: str = "in turn"


@dataclass(frozen=True, slots=True)
class End:
    """The process ends and starts again.

    Attributes:
        is_asked: True if SIGTERM ends it, False if SIGKILL does.
        waiting: an event that a client sends before SIGKILL and once more after the start; after SIGTERM it is sent
            after the start only. None sends none.
        after_s: how long after the event SIGKILL comes.
    """

    is_asked: bool
    waiting: Said | None = None
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rotate:
    """Somebody asks for a rotation."""


@dataclass(frozen=True, slots=True)
class SetClock:
    """The server's wall clock is set this far from the right one."""

    ahead_s: float


@dataclass(frozen=True, slots=True)
class Insert:
    """Another program inserts a row.

    Attributes:
        columns: the columns that the program writes; the others get their default.
        received_ago_s: the row's time of receipt, in seconds before now by the server's clock, if `columns` have
            none. None leaves it to the default.
        of_open: the place of an open session among them; the row gets its identifier. None keeps that of `columns`.
        id_ahead: how far the row's id is ahead of the highest so far; 0 lets SQLite choose.
    """

    columns: tuple[tuple[str, object], ...]
    received_ago_s: float | None = None
    of_open: int | None = None
    id_ahead: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Another program deletes a row.

    Attributes:
        of: the rows to choose from: the logons of ``open`` sessions, the logoffs of ``ended`` ones, or ``all``.
        number: the row's place among them.
    """

    of: str
    number: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Another program copies the logon of an open session. `number` is the session's place among them."""

    number: int


@dataclass(frozen=True, slots=True)
class WriteElsewhere:
    """Another program writes to a table of its own."""


@dataclass(frozen=True, slots=True)
class SetTrigger:
    """Another program makes a trigger. None drops the trigger that is there."""

    trigger: Trigger | None


Step = Send | End | Rotate | SetClock | Insert | Delete | Copy | WriteElsewhere | SetTrigger


def _inventory(row: dict[str, object]) -> dict[str, object]:
    stamp, uuid = "2026-01-13T07:00:00Z", "hardware_theirs"
    return _default(username="theirs", action="M", timestamp=stamp, hostname=row["hostname"], session_uuid=uuid)


def _default(**columns: object) -> dict[str, object]:
    nothing = dict.fromkeys(("source_ip", "os_name", "os_version", "kernel_version", "hardware_info"))
    return {"origin": "client"} | nothing | columns


TRIGGERS: Final = (
    Trigger(
        "CREATE TRIGGER theirs AFTER INSERT ON events_today WHEN NEW.action = 'C' BEGIN " + _INSERT +
        "VALUES ('theirs', 'M', '2026-01-13T07:00:00Z', NEW.hostname, 'hardware_theirs'); END", "C", _inventory,
    ),
    Trigger(
        "CREATE TRIGGER theirs BEFORE INSERT ON events_today WHEN NEW.action = 'M' BEGIN " + _INSERT +
        "VALUES ('theirs', 'M', '2026-01-13T07:00:00Z', NEW.hostname, 'hardware_theirs'); END", "M", _inventory,
    ),
)  # fmt: skip


class Days:
    """Draw the steps of some days. The same `seed` draws the same steps."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._now = _BEGIN
        self._said: list[Said] = []

    def steps(self, number: int) -> list[Step]:
        """Return this many steps."""
        return [self._step() for _ in range(number)]

    def _step(self) -> Step:
        dice = self._chance.random()
        if dice < 0.66:
            return self._send()
        if dice < 0.72:
            return self._end()
        if dice < 0.78:
            return Rotate()
        if dice < 0.83:
            return SetClock(self._chance.choice(_HOURS_AHEAD) * 3600)
        return self._other_program()

    def _send(self) -> Send:
        way = self._chance.choice(("in turn", "in turn", "in turn", "in one piece", "at once", "twice"))
        events = [self._event() for _ in range(1 if way == "twice" else self._chance.choice((1, 1, 2, 4)))]
        return Send(tuple(events), way)

    def _event(self) -> Said:
        if self._said and self._chance.random() < 0.25:
            said = self._chance.choice(self._said[-8:] if self._chance.random() < 0.7 else self._said)
            return self._respelled(said) if self._chance.random() < 0.4 else said
        action = self._chance.choice("CCCDDDM")
        version, address = f"1{self._chance.randrange(3)}", f"192.0.2.{self._chance.randrange(1, 9)}"
        said = Said(self._chance.choice(USERS), action, self._stamp(), self._chance.choice(HOSTS), address, version)
        self._said.append(said)
        return said

    def _respelled(self, said: Said) -> Said:
        """Return the event as a client would send it again that spells the names in another letter case."""
        host = said.hostname and self._chance.choice((said.hostname.upper(), said.hostname.lower(), said.hostname))
        return replace(said, username=said.username.swapcase(), hostname=host)

    def _stamp(self) -> str:
        dice = self._chance.random()
        if dice < 0.5:
            self._now += timedelta(seconds=self._chance.choice((1, 1, 7, 3600)))
        elif dice < 0.65:
            self._now -= timedelta(seconds=self._chance.choice((1, 5, 7200, 86_400)))
        text = self._now.isoformat("T", "seconds")
        if self._chance.random() < 0.5:
            text += f".{self._chance.randrange(10**9):09d}"
        if self._chance.random() < 0.05:
            text = text.replace("T", " ")
        return self._chance.choice(_FORMS).format(text)

    def _end(self) -> End:
        dice = self._chance.random()
        return End(dice < 0.5, self._event() if dice > 0.7 else None, self._chance.choice((0.0, 0.001, 0.003)))

    def _other_program(self) -> Step:
        number = self._chance.randrange(8)
        return self._chance.choice((
            self._insert(), self._insert(), self._insert(), self._insert(), Delete("open", number),
            Delete("ended", number), Delete("all", number), Copy(number), WriteElsewhere(),
            SetTrigger(self._chance.choice((None, *TRIGGERS))),
        ))  # fmt: skip

    def _insert(self) -> Insert:
        action = self._chance.choice("CCDDM")
        user, host = self._chance.choice(USERS), self._chance.choice(HOSTS)
        uuid: object = f"{user}@{host}@{self._chance.randrange(1 << 24):06x}"
        if action != "C" and self._chance.random() < 0.2:
            uuid = None
        stamp = self._stamp()
        if self._chance.random() < 0.2:
            stamp = self._chance.choice(("2026-01-13 08:00:00", "yesterday"))
        columns: dict[str, object] = {"username": user, "action": action, "timestamp": stamp, "hostname": host}
        columns |= {"session_uuid": uuid}
        if self._chance.random() < 0.15:
            columns |= {"server_timestamp": self._chance.choice((None, "long ago"))}
        ago_s = self._chance.choice((None, 5.0, 700.0, 20 * 3600.0, 3 * 86_400.0, -86_400.0))
        of_open = self._chance.randrange(8) if action == "D" and self._chance.random() < 0.6 else None
        return Insert(tuple(columns.items()), ago_s, of_open, self._chance.choice((0, 0, 0, 1000)))
