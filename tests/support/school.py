"""A simulated school: 300 machines, 1500 pupils and 80 teachers, for a week. All that happens in such a place happens.

People switch machines off instead of logging off, machines crash, clocks are wrong, names change their letter case, the
server is down for minutes. The same seed gives the same school. A school has what the server receives (`School.sent`),
and the truth (`School.truth`). `tests.support.school_rows` puts it into a database.

All instants are microseconds since 1970. The school's time zone is UTC.
"""

from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from tests.support.school_building import DAY_US, Building, Machine, Replacement, build
from tests.support.school_clients import Clients, Sent, Span
from tests.support.school_habits import ORDINARY, Habits
from tests.support.school_truth import HOUR_US, Truth
from tests.support.school_week import FIRST_LESSON, FRIDAY, LAST_LESSON, MINUTE_US, Week, begin_of

MONDAY: Final = date(2026, 1, 12)


class School(NamedTuple):
    """What happened at a school.

    Attributes:
        first_us: midnight at the begin of the first day.
        until_us: midnight at the end of the last day. Some presences end later.
        building: machines and people.
        sent: the events that the server received, in the order of receipt.
        truth: who was really on which machine.
        outages: when the server was down.
    """

    first_us: int
    until_us: int
    building: Building
    sent: list[Sent]
    truth: Truth
    outages: list[Span]

    @property
    def machines(self) -> list[Machine]:
        """Return all machines, also the replaced ones, and last the terminal server."""
        return self.building.machines

    @property
    def replaced(self) -> list[Replacement]:
        """Return the machines that were replaced by others."""
        return self.building.replaced

    @property
    def wrong_clocks(self) -> dict[str, int]:
        """Return by how much a clock is ahead, by hostname. Clocks that are right are left out."""
        return {machine.hostname: machine.clock_us for machine in self.machines if machine.clock_us}


def a_school(
    seed: int = 1, machines: int = 300, days: int = 7, first_day: date = MONDAY, habits: Habits = ORDINARY
) -> School:
    """Return what happened at a school.

    Args:
        seed: another one gives another school.
        machines: the number of places with a machine; pupils and teachers are in proportion.
        days: how long it is simulated.
        first_day: its first day.
        habits: what goes wrong.
    """
    rng = Random(seed)
    first_us = begin_of(first_day)
    building = build(rng, machines, first_us, days, habits.wrong_clocks)
    outages = _outages(rng, first_day, days, habits.outages)
    clients = Clients(rng, outages, habits.duplicates)
    week = Week(rng, building, habits, clients)
    for number in range(days):
        week.pass_day(first_day + timedelta(days=number))
    clients.sent.sort(key=lambda event: event.received_us)
    heard = [(event.hostname, event.received_us) for event in clients.sent]
    truth = Truth(week.presences, heard, [machine.hostname for machine in building.machines])
    return School(first_us, first_us + days * DAY_US, building, clients.sent, truth, outages)


def _outages(rng: Random, first_day: date, days: int, a_week: int) -> list[Span]:
    """Return the outages. They are around full hours of the school day, when most events come.

    One in two is before the hour, when people log off, the others after it, when people log on.
    """
    weekdays = [day for number in range(days) if (day := first_day + timedelta(days=number)).weekday() <= FRIDAY]
    outages = []
    for number in range(max(round(a_week * days / 7), min(a_week, 1)) if weekdays else 0):
        hour_us = begin_of(rng.choice(weekdays)) + rng.randint(FIRST_LESSON + 1, LAST_LESSON) * HOUR_US
        begins_us = hour_us + (-6 + number % 2 * 6) * MINUTE_US + rng.randrange(2 * MINUTE_US)
        outages.append(Span(begins_us, begins_us + rng.randrange(MINUTE_US, 4 * MINUTE_US)))
    return sorted(outages)
