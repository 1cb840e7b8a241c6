"""The school's seven questions, each by the API, against the truth."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.support.questions import at
from tests.support.running import Winlogd
from tests.support.school import School, a_school
from tests.support.school_building import DAY_US
from tests.support.school_clients import LONGEST_WAY_US
from tests.support.school_habits import HONEST
from tests.support.school_truth import HOUR_US, Presence
from tests.support.served import found, served
from winlogd.events.names import folded, folded_host
from winlogd.events.timestamps import microseconds
from winlogd.sessions.session import US

pytestmark = pytest.mark.long

FRIDAY: Final = 18
"""The day of the third week, counted from the first Monday."""
NOW_US: Final = at(FRIDAY, 10.25)
YESTERDAY: Final = "2026-01-29T10:15"
WEEK: Final = "2026-01-26"
SETTINGS: Final = """[server]
timezone = "UTC"
[rooms]
rooms_file = "rooms.csv"
[sessions]
multi_user = ["TS-*"]
[privacy]
person_profile = true
"""


def served_school(folder: Path, school: School, now_us: int = NOW_US) -> Any:  # noqa: ANN401  # a context manager
    """Run a server that has heard all of a school. Its list has the machines that are in use."""
    rows = [
        f"{machine.hostname},{room}"
        for room, machines in school.building.rooms.items()
        for machine in machines
        if machine.until_us > now_us
    ]
    return served(folder, school.sent, now_us, SETTINGS, "\n".join(["hostname,room", *rows, ""]))


@pytest.fixture(scope="module")
def school() -> School:
    return a_school(machines=50, days=FRIDAY + 1, habits=HONEST)


@pytest.fixture(scope="module")
def site(school: School, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with served_school(tmp_path_factory.mktemp("school"), school) as server:
        yield server


def pairs(sessions: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(folded(each["username"]), folded_host(each["hostname"])) for each in sessions}


def on_at(school: School, moment_us: int) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return who is surely on, and who may be: an event takes its time to the server."""
    near = [school.truth.on_at(moment_us + way_us) for way_us in (-LONGEST_WAY_US, 0, LONGEST_WAY_US)]
    return set.intersection(*near), set.union(*near)


def test_who_is_on_now(school: School, site: Winlogd) -> None:
    surely, perhaps = on_at(school, NOW_US)
    sessions = found(site, "sessions", at="now", limit=1000)["sessions"]
    assert len(surely) > 20
    assert surely <= pairs(sessions) <= perhaps
    assert {each["certainty"] for each in sessions} == {"presumed"}
    assert surely <= pairs(found(site, "sessions/current"))
    users = [
        (user["username"], each["hostname"]) for each in found(site, "machines")["machines"] for user in each["users"]
    ]
    assert surely <= {(folded(user), folded_host(host)) for user, host in users} <= perhaps


def test_who_was_on_a_machine_yesterday(school: School, site: Winlogd) -> None:
    surely, perhaps = on_at(school, at(FRIDAY - 1, 10.25))
    told = 0
    for machine in school.machines:
        host = folded_host(machine.hostname)
        sessions = found(site, "sessions", host=machine.hostname, at=YESTERDAY)["sessions"]
        assert {pair for pair in surely if pair[1] == host} <= pairs(sessions) <= perhaps
        assert all(each["certainty"] == "certain" for each in sessions)
        told += len(sessions)
    assert told > 20


def test_where_somebody_is(school: School, site: Winlogd) -> None:
    surely, perhaps = on_at(school, NOW_US)
    for name in sorted(user for user, _ in surely)[:15]:
        now = found(site, f"users/{quote(name)}")["now"]
        assert {pair for pair in surely if pair[0] == name} <= pairs(now) <= perhaps


def test_what_is_free_in_a_room(school: School, site: Winlogd) -> None:
    surely, perhaps = on_at(school, NOW_US)
    hosts = {folded_host(each.hostname) for each in school.building.rooms["A102"] if each.until_us > NOW_US}
    heard = hosts - school.truth.silent_machines(at(FRIDAY - 9, 0), NOW_US)
    free = {folded_host(each["hostname"]) for each in found(site, "machines", room="A102", state="free")["machines"]}
    assert heard - {host for _, host in perhaps} <= free <= heard - {host for _, host in surely}
    [room] = found(site, "rooms", room="A102")["rooms"]
    assert (room["free"], room["machines"]) == (len(free), len(hosts))
    assert room["in_use"] == len(hosts) - len(free) - room["silent"] - room["never_seen"]


def test_how_long_somebody_was_on_this_week(school: School, site: Winlogd) -> None:
    names = sorted({each.user for each in school.truth.presences if each.began_us >= at(FRIDAY - 4, 0)})
    compared = 0
    for name in names[::8]:
        presences = [
            each
            for each in school.truth.presences
            if each.user == name and at(FRIDAY - 4, 0) <= each.began_us and each.ended_us < NOW_US - HOUR_US
        ]
        sessions = found(site, "sessions", user=name, from_=WEEK, ended_by="client")["sessions"]
        mine = [each for each in sessions if folded(each["username"]) == name]
        told_s = sum(each["duration_seconds"] for each in mine if each["received_at"] >= WEEK)
        true_s = sum(each.ended_us - each.began_us for each in presences) / US
        if len(mine) == len(presences):
            assert told_s == pytest.approx(true_s, abs=60 * len(mine) + 1)
            compared += 1
    assert compared > 20


def test_the_hours_of_a_profile_are_those_of_the_truth(school: School, site: Winlogd) -> None:
    """A name without a domain finds the person under every domain. Two machines at once count once."""
    people = sorted({each.user for each in school.truth.presences if "\\" not in each.user})
    compared = 0
    for name in people[::10]:
        profile = found(site, f"users/{quote(name)}")["profile"]
        spans = sorted(
            (each.began_us, each.ended_us) for each in school.truth.presences_of(name) if each.ended_us < NOW_US
        )
        true_s, until_us = 0, 0
        for begin_us, end_us in spans:
            true_s += max(0, end_us - max(begin_us, until_us))
            until_us = max(until_us, end_us)
        told_s = sum(day["seconds"] for day in profile["days"])
        if not profile["without_end"]:
            assert told_s == pytest.approx(true_s / US, abs=60 * len(spans) + 1)
            compared += 1
    assert compared > 10


def test_what_has_been_silent_for_ten_days(school: School, site: Winlogd) -> None:
    silent = school.truth.silent_machines(at(FRIDAY - 9, 0), NOW_US)
    machines = found(site, "machines", state="silent")["machines"]
    never = found(site, "machines", state="never_seen")["machines"]
    names = {folded_host(each["hostname"]) for each in machines}
    assert names == silent - school.truth.never_seen()
    assert names
    expected = {folded_host(each.hostname) for each in school.machines if each.until_us > NOW_US}
    assert {folded_host(each["hostname"]) for each in never} == school.truth.never_seen() & expected
    assert {each["last_contact"][:10] < "2026-01-21" for each in machines} == {True}


def test_which_sessions_have_no_end(tmp_path: Path) -> None:
    ordinary = a_school(machines=50, days=5)
    now_us = ordinary.until_us + 2 * DAY_US
    lost = {
        (each.user, each.host, microseconds(each.connected_at)): each
        for each in ordinary.truth.presences
        if each.logon_received_us is not None and each.logoff_received_us is None
    }
    told: dict[tuple[str, str, int | None], str] = {}
    with served_school(tmp_path, ordinary, now_us) as server:
        begins: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = found(server, "sessions", ended_by="auto,expired", limit=50, **cursor)
            for each in page["sessions"]:
                key = folded(each["username"]), folded_host(each["hostname"]), microseconds(each["connected_at"])
                told[key] = each["ended_by"]
                begins.append(each["received_at"])
                assert (each["duration_seconds"], each["certainty"], each["doubt"]) == (None, "doubtful", "no_end")
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
    assert set(told.values()) == {"auto", "expired"}
    assert begins == sorted(begins, reverse=True)
    assert len(begins) == len(told)
    assert len(told) > 50
    assert {key for key in told if key not in lost and not _ended_late(ordinary, key)} == set()
    assert {key for key in lost if key not in told and not _goes_on(ordinary, lost[key])} == set()


def _ended_late(school: School, key: tuple[str, str, int | None]) -> bool:
    """Return True if a logoff was received, but only after more than a day, when the session had expired."""
    for each in school.truth.presences:
        if (each.user, each.host, microseconds(each.connected_at)) == key:
            return (each.logoff_received_us or 0) - (each.logon_received_us or 0) > DAY_US
    return False


def _goes_on(school: School, presence: Presence) -> bool:
    """Return True if the next logon of the same user there was lost, so that its logoff ended this session."""
    later = [
        each
        for each in school.truth.presences
        if (each.user, each.host) == (presence.user, presence.host) and each.began_us > presence.began_us
    ]
    return bool(later) and later[0].logon_received_us is None and later[0].logoff_received_us is not None
