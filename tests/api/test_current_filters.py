"""The list of open sessions takes a user, a machine and a room, and ignores whatever else a query says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.running import Winlogd
from tests.support.served import details, found, get, served, two_days
from tests.support.wire import Wire, request

ALL = ["alice", "Éva", "DOM\\bob"]
CURRENT = "sessions/current"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with served(tmp_path_factory.mktemp("site"), two_days()) as server:
        yield server


@pytest.mark.parametrize(
    ("query", "users"),
    [
        ({"user": "ALICE"}, ["alice"]),
        ({"user": "bob"}, ["DOM\\bob"]),
        ({"user": "*b"}, ["DOM\\bob"]),
        ({"host": "a102-0*"}, ["alice", "Éva"]),
        ({"host": "b1-01."}, ["DOM\\bob"]),
        ({"room": "a102"}, ["alice", "Éva"]),
        ({"room": "Old wing"}, ["DOM\\bob"]),
        ({"room": "A102", "user": "éva"}, ["Éva"]),
        ({"user": ""}, ALL),
        ({"at": "2020-01-01", "limit": "0", "format": "csv"}, ALL),
        ({"at": "x", "user": "alice"}, ["alice"]),
    ],
)
def test_a_filter_chooses_sessions(query: dict[str, str], users: list[str], site: Winlogd) -> None:
    assert [each["username"] for each in found(site, CURRENT, **query)] == users


@pytest.mark.parametrize("query", ["a=1&a=2", "%FF=1", "x=%FF", "&&", "=", "x&y&x"])
def test_a_query_without_a_filter_changes_nothing(query: str, site: Winlogd) -> None:
    answer = site.request("GET", f"/api/v1/{CURRENT}?{query}")
    assert (answer.status, answer.json) == (200, found(site, CURRENT))


@pytest.mark.parametrize("others", ["x=1&x=2", "t=%ff", "&".join(f"p{number}=%ff" for number in range(9))])
def test_what_is_wrong_with_another_parameter_changes_no_filter(others: str, site: Winlogd) -> None:
    answer = site.request("GET", f"/api/v1/{CURRENT}?{others}&user=alice")
    assert [each["username"] for each in answer.json] == ["alice"]


def test_a_session_keeps_the_older_servers_fields(site: Winlogd) -> None:
    [session] = found(site, CURRENT, user="alice")
    uuid = session.pop("session_uuid")
    assert uuid.startswith("alice@A102-07@")
    assert session == {
        "username": "alice",
        "hostname": "A102-07",
        "connected_at": "2026-01-13T08:30:00.000000000+00:00",
        "source_ip": "10.1.0.7",
        "os_name": "Windows",
        "os_version": "11",
    }


def test_a_wrong_filter_is_named(site: Winlogd) -> None:
    assert details(site, CURRENT, user="*" * 5, host="*" * 6).keys() == {"user", "host"}
    answer = site.request("GET", f"/api/v1/{CURRENT}?user=a&user=b&x=1&x=2")
    assert (answer.status, answer.json["details"]) == (400, {"user": "must be given only once"})


def test_a_room_where_nobody_is_has_an_empty_list_and_an_unknown_one_is_named(site: Winlogd) -> None:
    """The room C3 is known by the name of a machine of today only."""
    assert details(site, CURRENT, room="C3", user="alice") == {"room": "is not a known room"}
    for action in "CD":
        event = {"username": "gil", "action": action, "timestamp": "2026-01-13T10:15:00Z", "hostname": "C3-01"}
        assert site.post(event).status == 200
    assert found(site, CURRENT, room="c3") == []
    assert details(site, CURRENT, room="C3x") == {"room": "is not a known room; did you mean C3?"}
    with ThreadPoolExecutor(4) as pool:  # more questions of one reader must not wait
        rooms = ["c3", "A102", "C3x"] * 8
        answers = list(pool.map(lambda room: get(site, CURRENT, room=room), rooms))
    assert [answer.status for answer in answers] == [200, 200, 400] * 8
    assert {len(answer.json) for answer in answers[1::3]} == {2}


def test_each_of_many_gets_the_list_that_it_asked_for(site: Winlogd) -> None:
    """Requests with the same filters share a list; those with others do not."""
    asked = [{"user": "alice"}, {"user": "éva"}, {"user": "bob"}, {}] * 25
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda query: get(site, CURRENT, **query).json, asked))
    for query, answer in zip(asked, answers, strict=True):
        assert len(answer) == (1 if query else 3)
        assert query.get("user", "alice") in answer[0]["username"].casefold()


def test_pipelined_lists_come_in_order(site: Winlogd) -> None:
    with Wire(site.port) as wire:
        for name in ("alice", "bob", "*va", "nobody"):
            wire.send(request("GET", f"/api/v1/{CURRENT}?user={name}"))
        assert [len(wire.answer().json) for _ in range(4)] == [1, 1, 1, 0]


def test_a_filtered_list_is_as_new_as_its_request(site: Winlogd) -> None:
    for action, number in (("C", 1), ("D", 0)):
        event = {"username": "fay", "action": action, "timestamp": "2026-01-13T10:15:00Z", "hostname": "A102-09"}
        assert site.post(event).status == 200
        assert len(found(site, CURRENT, room="A102", user="fay")) == number
