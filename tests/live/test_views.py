"""Each scope sees its part of the state and of each change; all readers of one view share the octets."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.played_state import Played, a_live_server, an_event_at, feed, snapshot
from tests.support.running import wait_for

pytestmark = pytest.mark.long  # each change is waited for


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    with a_live_server(tmp_path) as server:
        server.post(an_event_at("A1-01", username="alice"), an_event_at("B1-01", username="bob"))
        server.post(an_event_at("A1-01", username="alice", action="D"))
        yield server


def rooms(data: Any) -> list[str]:  # noqa: ANN401  # JSON
    return [room["name"] for room in data["rooms"]]


def test_the_whole_snapshot_has_last_users(played: Played) -> None:
    answer = snapshot(played, scope="all").json
    assert (answer["scope"], rooms(answer)) == ("all", ["A1", "B1"])
    assert [each["last_user"] for each in answer["machines"]] == ["alice", "bob"]


def test_the_snapshot_of_now_has_who_is_on_and_no_last_user(played: Played) -> None:
    answer = snapshot(played, scope="now")
    assert answer.json["scope"] == "now"
    assert [each["last_user"] for each in answer.json["machines"]] == [None, None]
    assert [[user["username"] for user in each["users"]] for each in answer.json["machines"]] == [[], ["bob"]]
    assert b"alice" not in answer.body


def test_the_snapshot_of_a_wall_has_no_machines_and_no_names(played: Played) -> None:
    answer = snapshot(played, scope="wall")
    assert (answer.json["scope"], rooms(answer.json)) == ("wall", ["A1", "B1"])
    assert "machines" not in answer.json
    for name in (b"alice", b"bob", b"A1-01", b"B1-01"):
        assert name not in answer.body


def test_while_the_past_is_closed_nobody_sees_last_users(played: Played) -> None:
    before = snapshot(played, scope="all").headers["etag"]
    with feed(played, scope="all") as whole:
        played.is_past_closed = True
        closed = snapshot(played, scope="all")
        assert [each["last_user"] for each in closed.json["machines"]] == [None, None]
        assert closed.headers["etag"] != before
        played.post(an_event_at("B1-01", username="bob", action="D"))
        assert whole.change_of("B1-01", users=[])["last_user"] is None

        played.is_past_closed = False
        played.post(an_event_at("A1-01", username="carol"))
        while (event := whole.next()) is not None and event.name == "change":
            pass  # of the machine before
        assert event is not None
        assert event.name == "reset"
        assert snapshot(played, scope="all").json["machines"][1]["last_user"] == "bob"


def test_a_wall_of_some_rooms_sees_no_other(played: Played) -> None:
    assert rooms(snapshot(played, scope="wall", rooms="b*").json) == ["B1"]


def test_each_view_has_an_etag_of_its_own(played: Played) -> None:
    views = [{"scope": "all"}, {"scope": "now"}, {"scope": "wall"}, {"scope": "wall", "rooms": "A*"}]
    assert len({snapshot(played, **view).headers["etag"] for view in views}) == len(views)


def test_each_feed_gets_its_part_of_a_change(played: Played) -> None:
    with (
        feed(played, scope="all") as whole,
        feed(played, scope="now") as now,
        feed(played, scope="wall") as wall,
        feed(played, scope="wall", rooms="B*") as b_wall,
    ):
        played.post(an_event_at("A1-01", username="carol"))
        whole.change_of("A1-01", state="in_use")
        played.post(an_event_at("A1-01", username="carol", action="D"))
        assert whole.change_of("A1-01", users=[])["last_user"] == "carol"
        assert now.change_of("A1-01", users=[])["last_user"] is None
        data = wall.until(lambda data: "rooms" in data)[-1].data
        assert rooms(data) == ["A1"]
        assert not {"machines", "removed"} & data.keys()
        played.post(an_event_at("B1-01", username="bob", action="D"))
        changes = b_wall.until(lambda data: "rooms" in data)
        assert rooms(changes[-1].data) == ["B1"]
        assert not any({"machines", "removed"} & change.data.keys() for change in changes)


@pytest.mark.parametrize("scope", ["all", "wall"])
def test_a_change_tells_how_much_of_the_archive_is_taken_in(scope: str, played: Played, tmp_path: Path) -> None:
    with feed(played, scope=scope) as watching, closing(sqlite3.connect(tmp_path / "winlog.db")) as other:
        with other:  # an archive of 18 rows
            other.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events_history', 18)")
            other.execute("UPDATE winlogd_meta SET value = '18' WHERE key = 'history_taken_in'")
        for statement, told in (
            ("INSERT INTO winlogd_ranges VALUES (1, 9)", "building, 50 %"),
            ("DELETE FROM winlogd_ranges", "complete"),
        ):
            with other:
                other.execute(statement)
            played.post(an_event_at("A1-01"), an_event_at("A1-01", action="D"))
            assert watching.until(lambda data: "history" in data)[-1].data["history"] == told
            assert snapshot(played, scope=scope).json["history"] == told
        played.post(an_event_at("B1-01", username="zoe"))
        assert "history" not in watching.until(lambda data: "rooms" in data or "site" in data)[-1].data


def test_the_feeds_of_one_view_share_the_octets_of_a_change(played: Played) -> None:
    feeds = [feed(played, reader=f"r{number}") for number in range(3)]
    played.post(an_event_at("A1-01", username="dave"))
    for each in feeds:
        each.change_of("A1-01")
        each.close()
    [change] = played.call(lambda: list(played.live._ring._changes))
    assert len(change._made) == 1


def test_when_nobody_asks_any_more_nothing_is_kept_and_nothing_noted(played: Played) -> None:
    with feed(played) as last:
        epoch = snapshot(played).json["epoch"]
        last.close()
    played.post(an_event_at("A1-01", username="dora"))  # the next event, or a beat, finds that the reader has gone
    wait_for(lambda: played.call(lambda: len(played.live.feeds)) == 0, "the end of the feed")
    played.call(played.live._sleep)
    book: Any = played.store._book
    assert book.changes is None
    assert played.live._following._state is None
    played.post(an_event_at("A1-02", username="erin"))
    answer = snapshot(played).json  # it wakes up again
    assert answer["epoch"] != epoch
    assert answer["seq"] == 0
    assert [each["hostname"] for each in answer["machines"]] == ["A1-01", "A1-02", "B1-01"]
    assert book.changes is not None


def test_after_the_database_was_opened_again_all_machines_are_asked_for(played: Played) -> None:
    with feed(played) as watching:
        book: Any = played.store._book

        def miss_one() -> None:
            book.changes = None

        played.call(miss_one)  # as while the new Book is on its way to the loop
        played.post(an_event_at("A1-03", username="frank"))
        played.store.loaded(book)
        assert watching.change_of("A1-03")["last_user"] == "frank"
        assert book.changes is not None
