"""GET /api/v1/moment: who was on, how surely, who came and left, and when something changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.questions import at, sent, stay
from tests.support.running import Winlogd
from tests.support.served import NOW_US, details, found, served, two_days

SETTINGS: Final = """[server]
timezone = "UTC"
[rooms]
rooms_file = "rooms.csv"
"""
ROOMS: Final = "hostname,room\nA1-1,A1\nA1-2,A1\nA1-3,A1\nB1-1,B1\n"
PARIS: Final = '[server]\ntimezone = "Europe/Paris"\n'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with served(tmp_path_factory.mktemp("site"), two_days()) as server:
        yield server


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """Two rooms: on Monday alice comes at 8 and leaves at 9, bob comes at 9:30, and carol at 10 and leaves at 14."""
    events = [
        *stay(at(0, 8), at(0, 9), "alice", "A1-1"),
        sent(at(0, 9.5), "bob", "C", "A1-2"),
        *stay(at(0, 10), at(0, 14), "carol", "B1-1"),
        *stay(at(1, 8), at(1, 9), "dora", "B1-1"),
    ]
    with served(tmp_path_factory.mktemp("school"), events, at(1, 12), SETTINGS, ROOMS) as server:
        yield server


def machines(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["hostname"]: each for each in answer["machines"]}


def users(answer: dict[str, Any]) -> dict[str, str]:
    return {user["username"]: user["certainty"] for each in answer["machines"] for user in each["users"]}


def names(changes: dict[str, Any]) -> list[str]:
    assert changes["count"] == len(changes["sessions"])
    return [each["username"] for each in changes["sessions"]]


def test_it_names_the_same_people_as_the_list_of_sessions(site: Winlogd) -> None:
    for moment in ("2026-01-12T08:45", "2026-01-12T11:30", "2026-01-13T09:15", "now"):
        sessions = found(site, "sessions", at=moment)["sessions"]
        assert sessions
        on = {
            (user["username"], each["room"], user["certainty"], user["doubt"])
            for each in found(site, "moment", at=moment)["machines"]
            for user in each["users"]
        }
        assert on == {(each["username"], each["room"], each["certainty"], each["doubt"]) for each in sessions}


def test_a_machine_is_as_it_was_known_then(school: Winlogd) -> None:
    answer = found(school, "moment", at="2026-01-12T09:45")
    states = {name: (each["state"], each["last_user"], each["heard_since"]) for name, each in machines(answer).items()}
    assert states == {
        "A1-1": ("free", "alice", False),
        "A1-2": ("in_use", "bob", False),
        "A1-3": ("never_seen", None, False),
        "B1-1": ("never_seen", None, True),
    }
    assert machines(answer)["A1-1"]["last_contact"] == "2026-01-12T09:00:00.000000+00:00"
    [room, other] = answer["rooms"]
    assert (room["name"], room["machines"], room["in_use"], room["never_seen"]) == ("A1", 3, 1, 1)
    assert (other["name"], other["machines"], other["never_seen"]) == ("B1", 1, 1)


def test_a_logoff_is_no_contact_before_it_came(school: Winlogd) -> None:
    machine = machines(found(school, "moment", at="2026-01-12T08:30"))["A1-1"]
    assert (machine["state"], machine["last_contact"]) == ("in_use", "2026-01-12T08:00:00.000000+00:00")
    assert machine["heard_since"]
    [user] = machine["users"]
    assert user["disconnected_at"] == "2026-01-12T09:00:00.000000+00:00"
    assert (user["certainty"], user["ended_by"]) == ("certain", "client")


def test_who_came_and_left_within_an_hour(school: Winlogd) -> None:
    answer = found(school, "moment", at="2026-01-12T09:15")
    assert (names(answer["came"]), names(answer["left"])) == (["bob", "carol"], ["alice"])
    assert answer["came"]["sessions"][0] == {
        "at": "2026-01-12T09:30:00.000000+00:00",
        "username": "bob",
        "hostname": "A1-2",
        "room": "A1",
    }


def test_the_changes_before_and_after_lead_through_the_day(school: Winlogd) -> None:
    seen, moment = [], "2026-01-12T07:00"
    while moment:
        moment = found(school, "moment", at=moment)["next"]
        seen.append(moment and moment[8:19])
    came = ["12T08:00:00", "12T09:30:00", "12T10:00:00", "13T08:00:00"]
    left = ["12T09:00:01", "12T14:00:01", "13T09:00:01"]
    assert seen == [*sorted([*came, *left]), None]
    back, moment = [], "now"
    while moment:
        moment = found(school, "moment", at=moment)["previous"]
        back.append(moment and moment[8:19])
    assert back == [*sorted([*came, *left], reverse=True), None]


def test_at_a_change_it_shows(school: Winlogd) -> None:
    assert users(found(school, "moment", at="2026-01-12T08:00:00")) == {"alice": "certain"}
    assert users(found(school, "moment", at="2026-01-12T09:00:01")) == {}


def test_filters_choose_machines_and_changes_but_no_counts(school: Winlogd) -> None:
    answer = found(school, "moment", at="2026-01-12T10:30", user="car*")
    assert (list(machines(answer)), names(answer["came"]), names(answer["left"])) == (["B1-1"], ["carol"], [])
    assert [each["name"] for each in answer["rooms"]] == ["A1", "B1"]
    assert answer["rooms"][0]["in_use"] == 1
    assert answer["next"][8:19] == "12T14:00:01"
    in_room = found(school, "moment", at="2026-01-12T10:30", room="a1")
    assert (list(machines(in_room)), [each["name"] for each in in_room["rooms"]]) == (["A1-1", "A1-2", "A1-3"], ["A1"])
    assert in_room["next"] is None
    assert list(machines(found(school, "moment", at="2026-01-12T10:30", host="a1-3"))) == ["A1-3"]
    assert list(machines(found(school, "moment", at="2026-01-12T10:30", ip="10.9.0.0/16"))) == []


def test_a_time_that_comes_twice_means_both(tmp_path: Path) -> None:
    october = at(286, 0)  # Sunday 25 October 2026: at 01:00 UTC the clocks of Paris go back from 03:00 to 02:00
    events = [
        *stay(october + 10**6, october + 2400 * 10**6, "early"),
        *stay(october + 5000 * 10**6, at(286, 2), "late"),
    ]
    with served(tmp_path, events, at(286, 9), PARIS) as server:
        answer = found(server, "moment", at="2026-10-25T02:30")
        assert [each[19:] for each in answer["at"]] == [".000000+02:00", ".000000+01:00"]
        on = {user["username"]: user["at"] for each in answer["machines"] for user in each["users"]}
        assert on == {"early": answer["at"][:1], "late": answer["at"][1:]}
        once = found(server, "moment", at="2026-10-25T02:30:00+01:00")
        assert users(once) == {"late": "certain"}


def test_of_the_future_nothing_is_known(school: Winlogd) -> None:
    answer = found(school, "moment", at="2026-01-13T12:30")
    assert answer["is_future"]
    assert (answer["machines"], answer["rooms"], answer["previous"], answer["next"]) == ([], [], None, None)


def test_before_all_events_nobody_was_on(school: Winlogd) -> None:
    answer = found(school, "moment", at="1980-01-01T00:00")
    assert {each["state"] for each in answer["machines"]} == {"never_seen"}
    assert (answer["previous"], answer["next"]) == (None, None)


def test_someone_on_an_unknown_host_is_not_left_out(tmp_path: Path) -> None:
    with served(tmp_path, stay(at(1, 8), at(1, 9), "alice", "unknown"), NOW_US) as server:
        answer = found(server, "moment", at="2026-01-13T08:30")
        assert users(answer) == {"alice": "certain"}
        assert machines(answer)["unknown"]["room"] is None


def test_without_a_moment_it_is_now(school: Winlogd) -> None:
    answer = school.request("GET", "/api/v1/moment").json
    assert answer["at"] == [answer["now"]]


def test_a_wrong_moment_says_so(school: Winlogd) -> None:
    assert "must be a moment" in details(school, "moment", at="2026-01-12")["at"]
    assert "known room" in details(school, "moment", at="now", room="Z9")["room"]
