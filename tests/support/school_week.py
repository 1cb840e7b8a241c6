"""The days of a simulated school: who sits where and when, how that ends, and what the clients send meanwhile."""

from collections import defaultdict
from datetime import UTC, date, datetime
from random import Random
from typing import Final

from tests.support.school_building import DAY_US, DOMAIN, Building, Machine, Person
from tests.support.school_clients import LONGEST_WAY_US, Clients
from tests.support.school_habits import Habits
from tests.support.school_truth import HOUR_US, Ending, Presence
from winlogd.sessions.session import US

MINUTE_US: Final = 60 * US
FIRST_LESSON: Final = 8
LAST_LESSON: Final = 17
"""The hours at which the first and the last lesson of a weekday begin."""
FRIDAY: Final = 4
"""The last weekday, as `date.weekday` counts."""


def begin_of(day: date) -> int:
    """Return the begin of a day, in microseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * US


class Week:
    """Lets days pass, and remembers who was where.

    Args:
        rng: draws all that happens.
        building: machines and people.
        habits: what goes wrong.
        clients: send the events.

    Attributes:
        presences: in no order.
    """

    def __init__(self, rng: Random, building: Building, habits: Habits, clients: Clients) -> None:
        self._rng = rng
        self._building = building
        self._habits = habits
        self._clients = clients
        self._free_us: dict[str, int] = defaultdict(int)
        """From when on each machine, room, class, teacher and user of the terminal server is free."""
        self._off: set[str] = set()
        """The machines that are switched off."""
        self.presences: list[Presence] = []

    def pass_day(self, day: date) -> None:
        """Let a day pass. Days pass in their order."""
        midnight_us = begin_of(day)
        is_weekday = day.weekday() <= FRIDAY
        self._switch_on(midnight_us, is_weekday)
        for hour in range(FIRST_LESSON, LAST_LESSON + 1) if is_weekday else ():
            for name in self._building.rooms:
                self._give_lesson(name, midnight_us + hour * HOUR_US, hour < LAST_LESSON)
        self._visit_the_terminal_server(midnight_us)
        self._come_outside_lessons(midnight_us, is_weekday)
        if is_weekday:
            self._forget_to_log_off(midnight_us, days=3 if day.weekday() == FRIDAY else 1)

    # ── the machines ──────────────────────────────────────────────────────────────────────────────────────

    def _switch_on(self, midnight_us: int, is_weekday: bool) -> None:
        """Switch the machines off for the night, and on weekdays on again. The terminal server is never off."""
        for machine in self._building.machines:
            begin_us = midnight_us + 7 * HOUR_US + self._rng.randrange(HOUR_US)
            if self._free_us[machine.hostname] < midnight_us and machine is not self._building.terminal_server:
                self._off.add(machine.hostname)
            if not is_weekday or not machine.is_there(begin_us, begin_us):
                continue
            if not self._habits.inventory_at_boot:
                self._off.discard(machine.hostname)
                self._inventory(machine, begin_us + self._rng.randrange(10 * HOUR_US))
            elif machine.hostname in self._off:
                self._boot(machine, begin_us)

    def _boot(self, machine: Machine, moment_us: int) -> None:
        self._off.discard(machine.hostname)
        if self._habits.inventory_at_boot:
            self._inventory(machine, moment_us)

    def _inventory(self, machine: Machine, moment_us: int) -> None:
        self._clients.send(machine, "SYSTEM", "M", moment_us)

    def _free_machines(self, room: str, from_us: int, until_us: int) -> list[Machine]:
        return [
            machine for machine in self._building.rooms[room]
            if self._free_us[machine.hostname] <= from_us and machine.is_there(from_us, until_us)
        ]  # fmt: skip

    # ── who comes when ────────────────────────────────────────────────────────────────────────────────────

    def _give_lesson(self, room: str, begin_us: int, may_be_double: bool) -> None:
        rng = self._rng
        is_free = self._free_us[f"room {room}"] <= begin_us
        classes = [
            number for number in range(len(self._building.classes)) if self._free_us[f"class {number}"] <= begin_us
        ]
        teachers = [teacher for teacher in self._building.teachers if self._free_us[teacher.name] <= begin_us]
        if not is_free or not classes or not teachers or rng.random() < 0.2:
            return
        end_us = begin_us + (2 if may_be_double and rng.random() < 0.2 else 1) * HOUR_US
        at_home = [number for number in classes if self._home_of(number) == room]
        number = rng.choice(at_home if at_home and rng.random() < 0.6 else classes)
        teacher = rng.choice(teachers)
        self._free_us[f"room {room}"] = self._free_us[f"class {number}"] = self._free_us[teacher.name] = end_us
        machines = self._free_machines(room, begin_us, end_us)
        for seat, person in enumerate([teacher, *self._building.classes[number]]):
            if machines and rng.random() < 0.92:
                self._sit(person, self._seat(machines, room, seat), begin_us, end_us)
        self._use_the_rest(machines, begin_us, end_us)

    def _home_of(self, number: int) -> str:
        """Return the room in which a class has most of its lessons."""
        rooms = list(self._building.rooms)
        return rooms[number % len(rooms)]

    def _seat(self, machines: list[Machine], room: str, seat: int) -> Machine:
        """Take a machine from the list: mostly a person's own seat, so that users come back to their machine."""
        places = self._building.rooms[room]
        own = places[seat % len(places)]
        machine = own if own in machines else self._rng.choice(machines)
        machines.remove(machine)
        return machine

    def _sit(self, person: Person, machine: Machine, begin_us: int, end_us: int) -> None:
        """Sit at a machine for a lesson. Some log off in between, and on again a few seconds later."""
        rng = self._rng
        begin_us += rng.randrange(MINUTE_US, 6 * MINUTE_US)
        end_us -= rng.randrange(MINUTE_US, 5 * MINUTE_US)
        if rng.random() < 0.02:
            pause_us = begin_us + rng.randrange(10 * MINUTE_US, 30 * MINUTE_US)
            self._stay(self._account(person), machine, begin_us, pause_us)
            begin_us = pause_us + rng.randrange(LONGEST_WAY_US + US, MINUTE_US)
        self._be_on(person, machine, begin_us, end_us)

    def _use_the_rest(self, machines: list[Machine], begin_us: int, end_us: int) -> None:
        """Let some people of other classes use the machines that a lesson leaves free."""
        for machine in machines:
            if self._rng.random() < 0.05:
                self._be_on(self._anybody(), machine, begin_us + 10 * MINUTE_US, end_us - 10 * MINUTE_US)

    def _visit_the_terminal_server(self, midnight_us: int) -> None:
        rng = self._rng
        for _ in range(max(len(self._building.machines) // 10, 4)):
            person = rng.choice(self._building.teachers) if rng.random() < 0.7 else self._anybody()
            begin_us = midnight_us + rng.randrange(7 * HOUR_US, 24 * HOUR_US)
            end_us = begin_us + int(5 * MINUTE_US + rng.random() ** 2 * 5 * HOUR_US)
            if self._free_us[f"TS {person.name}"] <= begin_us:
                self._free_us[f"TS {person.name}"] = end_us + LONGEST_WAY_US + US
                self._be_on(person, self._building.terminal_server, begin_us, end_us)

    def _come_outside_lessons(self, midnight_us: int, is_weekday: bool) -> None:
        """Let some people come in the evening, or at the weekend."""
        rng = self._rng
        from_us, until_us = (18 * HOUR_US, 22 * HOUR_US) if is_weekday else (9 * HOUR_US, 17 * HOUR_US)
        comings = sorted(rng.randrange(from_us, until_us) for _ in range(len(self._building.machines) // 25))
        for coming_us in comings:
            begin_us = midnight_us + coming_us
            end_us = begin_us + rng.randrange(10 * MINUTE_US, 90 * MINUTE_US)
            machines = self._free_machines(rng.choice(list(self._building.rooms)), begin_us - MINUTE_US, end_us)
            if machines:
                self._be_on(self._anybody(), rng.choice(machines), begin_us, end_us)

    def _forget_to_log_off(self, midnight_us: int, days: int) -> None:
        """Let some people leave without logging off in the evening, and log off on the next morning of school."""
        rng = self._rng
        for _ in range(max(len(self._building.machines) // 100, 1)):
            begin_us = midnight_us + 23 * HOUR_US + rng.randrange(30 * MINUTE_US)
            end_us = midnight_us + days * DAY_US + 7 * HOUR_US + rng.randrange(45 * MINUTE_US)
            machines = self._free_machines(rng.choice(list(self._building.rooms)), begin_us - MINUTE_US, end_us)
            if machines:
                self._stay(self._account(rng.choice(self._building.teachers)), rng.choice(machines), begin_us, end_us)

    def _anybody(self) -> Person:
        return self._rng.choice(self._rng.choice(self._building.classes))

    def _account(self, person: Person) -> str:
        is_domain = self._rng.random() < person.domain_share
        return f"{DOMAIN}\\{person.name}" if is_domain else person.name

    # ── one user on one machine ───────────────────────────────────────────────────────────────────────────

    def _be_on(self, person: Person, machine: Machine, begin_us: int, end_us: int) -> None:
        """Let a person use a machine. The end may be another than a logoff."""
        rng = self._rng
        username, is_shared = self._account(person), machine is self._building.terminal_server
        drawn = rng.random()
        if drawn < self._habits.lost_logoffs:
            self._stay(username, machine, begin_us, end_us, "lid" if is_shared or rng.random() < 0.3 else "power")
        elif drawn < self._habits.lost_logoffs + self._habits.crashes and not is_shared:
            crash_us = begin_us + int((end_us - begin_us) * rng.uniform(0.1, 0.8))
            again_us = crash_us + rng.randrange(100 * US, 180 * US)
            self._stay(username, machine, begin_us, crash_us, "crash")
            self._boot(machine, crash_us + rng.randrange(50 * US, 90 * US))
            if again_us + MINUTE_US < end_us and rng.random() < 0.7:
                self._stay(username, machine, again_us, end_us)
        else:
            self._stay(username, machine, begin_us, end_us)

    def _stay(self, username: str, machine: Machine, begin_us: int, end_us: int, ending: Ending = "logoff") -> None:
        if machine.hostname in self._off:
            self._boot(machine, begin_us - self._rng.randrange(20 * US, MINUTE_US))
        logon, logon_received_us = self._clients.send(machine, username, "C", begin_us)
        disconnected_at, logoff_received_us = None, None
        if ending == "logoff":
            logoff, logoff_received_us = self._clients.send(machine, username, "D", end_us)
            disconnected_at = logoff.timestamp
        elif ending == "power":
            self._off.add(machine.hostname)
        self._free_us[machine.hostname] = end_us
        self.presences.append(
            Presence(
                logon.username, logon.hostname, begin_us, end_us, ending, logon.timestamp, disconnected_at,
                logon_received_us, logoff_received_us,
            )
        )  # fmt: skip
