"""The simulated school is one: it repeats itself, goes wrong as it should, and winlogd's rows agree with its truth."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from tests.support.school import MONDAY, School, a_school
from tests.support.school_building import DAY_US, TERMINAL_SERVER
from tests.support.school_clients import LONGEST_DELAY_US, Sent
from tests.support.school_habits import HONEST, ORDINARY, Habits
from tests.support.school_rows import ClockedServer, store
from tests.support.school_truth import HOUR_US, Presence
from winlogd.events.names import folded, folded_host
from winlogd.events.timestamps import microseconds
from winlogd.sessions.pair import Decision

pytestmark = pytest.mark.long


class Stored(NamedTuple):
    """A session in the database: a row of the view ``sessions``, with its times in microseconds since 1970."""

    user: str
    host: str
    connected_us: int
    disconnected_us: int | None
    ended_by: str | None


def a_small_school(seed: int, habits: Habits = ORDINARY) -> School:
    """Return a school that is enough for most questions."""
    return a_school(seed, machines=50, days=3, habits=habits)


@pytest.fixture(scope="module")
def school() -> School:
    return a_school()


@pytest.fixture(scope="module")
def stored(school: School, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("school") / "winlog.db"
    store(path, school.sent, restarts_us=[outage.ends_us for outage in school.outages])
    return path


def sessions(path: Path) -> list[Stored]:
    return [
        Stored(folded(username), folded_host(hostname), at_us(connected_at), microseconds(disconnected_at or ""), by)
        for username, hostname, connected_at, disconnected_at, by in rows(
            path, "SELECT username, hostname, connected_at, disconnected_at, ended_by FROM sessions"
        )
    ]


def at_us(timestamp: str) -> int:
    moment_us = microseconds(timestamp)
    assert moment_us is not None
    return moment_us


def by_logon(school: School) -> dict[tuple[str, str, int], Presence]:
    """The presences by user, machine and time of the logon: the archive keeps times to the microsecond."""
    return {(user, host, at_us(at)): presence for (user, host, at), presence in school.truth.by_logon.items()}


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute(sql).fetchall()


def open_pairs(server: ClockedServer) -> set[tuple[str, str]]:
    sessions = list(server.book.open_sessions())
    return {(folded(session.username), folded_host(session.hostname or "")) for session in sessions}


# ── the school ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_seed_gives_the_same_school() -> None:
    assert a_small_school(3).sent == a_small_school(3).sent
    assert a_small_school(3).truth.presences == a_small_school(3).truth.presences
    assert a_small_school(3).sent != a_small_school(4).sent


def test_it_has_the_size_of_a_school(school: School) -> None:
    assert len({machine.room for machine in school.machines} - {""}) == 12
    assert all(20 <= len(room) <= 31 for room in school.building.rooms.values())
    assert sum(len(room) for room in school.building.rooms.values()) == 300 + len(school.replaced)
    assert sum(map(len, school.building.classes)) == 1500
    assert len(school.building.teachers) == 80
    assert 15_000 < len(school.sent) < 30_000


def test_six_in_a_hundred_logoffs_are_lost(school: School) -> None:
    endings = Counter(presence.ending for presence in school.truth.presences)
    lost = endings["power"] + endings["lid"]
    assert 0.05 < lost / len(school.truth.presences) < 0.07
    assert endings["crash"] > 20


def test_some_events_come_twice_within_three_seconds_and_are_the_same(school: School) -> None:
    first = {(event.timestamp, event.action, event.hostname): event for event in reversed(school.sent)}
    again = [event for event in school.sent if event.is_repeated]
    assert 0.005 < len(again) / len(school.sent) < 0.02
    for event in again:
        sooner = first[event.timestamp, event.action, event.hostname]
        assert event.body == sooner.body
        assert 1_000_000 <= event.received_us - sooner.received_us < 3_000_000


def test_events_are_received_in_order_and_none_while_the_server_is_down(school: School) -> None:
    assert all(sooner.received_us <= later.received_us for sooner, later in pairwise(school.sent))
    assert len(school.outages) == 4
    assert not [event for event in school.sent if any(outage.has(event.received_us) for outage in school.outages)]
    presences = school.truth.presences
    assert [each for each in presences if each.logon_received_us is None]
    assert [each for each in presences if each.ending == "logoff" and each.logoff_received_us is None]


def test_one_clock_is_a_day_ahead_and_one_a_day_behind(school: School) -> None:
    assert sorted(school.wrong_clocks.values()) == [-DAY_US, DAY_US]
    for presence in school.truth.presences:
        off_us = school.wrong_clocks.get(presence.hostname.upper(), 0)
        assert microseconds(presence.connected_at) == presence.began_us + off_us


def test_only_the_terminal_server_has_several_users_at_once(school: School) -> None:
    several = set()
    for moment_us in range(school.first_us, school.until_us, HOUR_US // 4):
        hosts = Counter(host for _, host in school.truth.on_at(moment_us))
        several |= {host for host, users in hosts.items() if users > 1}
    assert several == {folded_host(TERMINAL_SERVER)}


def test_lessons_are_on_weekdays_and_a_few_people_come_at_other_times(school: School) -> None:
    def on_at(day: int, hour: float) -> int:
        return len(school.truth.on_at(school.first_us + day * DAY_US + int(hour * HOUR_US)))

    assert all(on_at(day, 10.5) > 100 for day in range(5))
    assert all(0 < sum(on_at(day, hour) for hour in range(9, 17)) < 100 for day in (5, 6))
    assert all(on_at(day, 4) < 20 for day in range(7))


def test_names_change_their_letter_case_and_some_have_a_domain(school: School) -> None:
    names = {event.username for event in school.sent}
    assert len({folded(name) for name in names}) < len(names)
    both = {name.rpartition("\\")[2] for name in names if "\\" in name} & names
    for name in both:
        plain = folded(name)
        assert {presence.user for presence in school.truth.presences_of(name)} == {plain, f"school\\{plain}"}
    assert both


def test_a_replaced_machine_stops_when_its_successor_begins(school: School) -> None:
    for old, new, at_us in school.replaced:
        assert folded_host(old) in school.truth.silent_machines(at_us + HOUR_US, school.until_us)
        assert folded_host(new) in school.truth.silent_machines(school.first_us, at_us - HOUR_US)
        assert not {folded_host(old), folded_host(new)} & school.truth.never_seen()


def test_machines_without_a_client_are_never_seen(school: School) -> None:
    mute = {folded_host(machine.hostname) for machine in school.machines if machine.is_mute}
    assert school.truth.never_seen() == mute
    assert len(mute) == 3


@pytest.mark.parametrize("at_boot", [True, False])
def test_an_inventory_comes_during_a_presence_only_if_it_comes_at_any_time(at_boot: bool) -> None:
    school = a_small_school(2, ORDINARY._replace(inventory_at_boot=at_boot, wrong_clocks=False))
    inventories = [event for event in school.sent if event.action == "M"]
    amid = [event for event in inventories if is_amid(school, event)]
    assert len(inventories) > 100
    assert bool(amid) != at_boot


def is_amid(school: School, event: Sent) -> bool:
    sent_us = microseconds(event.timestamp) or 0
    return folded_host(event.hostname) in {host for _, host in school.truth.on_at(sent_us)}


def test_the_hours_of_a_user_are_cut_at_the_ends_of_the_span(school: School) -> None:
    presence = school.truth.presences[1000]
    begin_us, end_us = presence.began_us, presence.ended_us
    hours = school.truth.hours_of(presence.user, begin_us, end_us)
    assert hours == pytest.approx((end_us - begin_us) / HOUR_US)
    assert school.truth.hours_of(presence.user, begin_us, (begin_us + end_us) // 2) == pytest.approx(hours / 2)


# ── in the database ───────────────────────────────────────────────────────────────────────────────────────


def test_every_event_is_stored_once(school: School, stored: Path) -> None:
    wanted = Counter(
        (folded(event.username), folded_host(event.hostname), event.action, event.timestamp)
        for event in school.sent
        if not event.is_repeated
    )
    tables = " UNION ALL ".join(
        f"SELECT username, hostname, action, timestamp FROM {table} WHERE origin = 'client'"
        for table in ("events_today", "events_history")
    )
    assert set(wanted.values()) == {1}
    assert wanted == Counter((folded(user), folded_host(host), *rest) for user, host, *rest in rows(stored, tables))


def test_every_stored_logon_belongs_to_a_true_presence(school: School, stored: Path) -> None:
    received = {logon for logon, presence in by_logon(school).items() if presence.logon_received_us is not None}
    assert {session[:3] for session in sessions(stored)} == received
    assert len(sessions(stored)) == len(received)


def test_sessions_end_in_every_way(stored: Path) -> None:
    ways = Counter(session.ended_by for session in sessions(stored))
    assert ways["client"] > ways["expired"] > ways["auto"] > 50
    assert rows(stored, "SELECT 1 FROM events_history WHERE session_uuid LIKE 'orphan%'")


def test_a_logoff_that_was_received_ends_its_session_if_the_logon_was_received(school: School, stored: Path) -> None:
    ended = {session[:3]: session for session in sessions(stored) if session.ended_by == "client"}
    for logon, presence in by_logon(school).items():
        if presence.logon_received_us is None or presence.logoff_received_us is None:
            continue
        if presence.ended_us - presence.began_us < 23 * HOUR_US:  # a rotation closes the others
            assert ended[logon].disconnected_us == microseconds(presence.disconnected_at or "")


def test_after_the_week_the_archive_has_all_finished_sessions(stored: Path) -> None:
    [(last,)] = rows(stored, "SELECT max(server_timestamp) FROM events_history")
    left = rows(stored, "SELECT username, hostname FROM events_today WHERE server_timestamp < '2026-01-19'")
    assert last < "2026-01-19T01:00:01"
    assert set(left) <= set(rows(stored, "SELECT username, hostname FROM open_sessions"))
    assert rows(stored, "SELECT value FROM winlogd_meta WHERE key = 'rotated_day'") == [("2026-01-19",)]


def test_in_an_honest_school_every_session_is_a_true_presence(tmp_path: Path) -> None:
    school = a_small_school(5, HONEST)
    store(tmp_path / "winlog.db", school.sent)

    true = by_logon(school)
    found = sessions(tmp_path / "winlog.db")
    assert {session[:3] for session in found} == set(true)
    assert len(found) == len(true)
    for session in found:
        presence = true[session[:3]]
        assert session.ended_by == "client"
        assert session.connected_us == presence.began_us
        assert session.disconnected_us == presence.ended_us
        assert 0 <= (presence.logon_received_us or 0) - presence.began_us < LONGEST_DELAY_US
        assert 0 <= (presence.logoff_received_us or 0) - presence.ended_us < LONGEST_DELAY_US


def test_in_an_honest_school_those_are_open_who_are_on(tmp_path: Path) -> None:
    school = a_small_school(6, HONEST)
    looked = []

    def look(server: ClockedServer, now_us: int) -> None:
        sure = set.intersection(*(school.truth.on_at(moment_us) for moment_us in lately(now_us)))
        maybe = set.union(*(school.truth.on_at(moment_us) for moment_us in lately(now_us)))
        assert sure <= open_pairs(server) <= maybe
        looked.append(len(sure))

    moments_us = range(school.first_us + 8 * HOUR_US, school.until_us, HOUR_US // 6)
    store(tmp_path / "winlog.db", school.sent, moments_us=moments_us, at_moment=look)
    assert len(looked) == len(moments_us)
    assert max(looked) > 20


def lately(now_us: int) -> Iterator[int]:
    """Yield the instants of the longest delay, in steps of a tenth of a second."""
    yield from range(now_us - LONGEST_DELAY_US, now_us + 1, 100_000)


def test_the_caller_sees_each_event_and_each_night(tmp_path: Path) -> None:
    school = a_small_school(7)
    seen, nights = [], []

    def note(server: ClockedServer, event: Sent, decision: Decision) -> None:
        assert not server.database.in_transaction
        assert decision.is_retry == event.is_repeated
        seen.append(event)

    store(
        tmp_path / "winlog.db",
        school.sent,
        until_us=school.until_us,
        after_event=note,
        after_night=lambda _, now_us: nights.append(now_us),
    )
    assert seen == [event for event in school.sent if event.received_us < school.until_us]
    assert nights == [school.first_us + day * DAY_US + HOUR_US for day in (1, 2)]


def test_a_school_can_begin_on_any_day() -> None:
    school = a_school(8, machines=30, days=2, first_day=MONDAY.replace(day=17))
    assert school.sent
    assert all(school.first_us <= presence.began_us < school.until_us for presence in school.truth.presences)
