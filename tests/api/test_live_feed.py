"""The live feed of a running server: what changes, whoever has changed it, reaches those who watch."""

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.locks import locked
from tests.support.questions import at, sent, stay
from tests.support.reloading import reload
from tests.support.running import Winlogd, an_event, wait_for
from tests.support.served import NOW_US, SETTINGS, details, found, served, served_at, two_days
from tests.support.standing import go_on
from tests.support.watching import LIVE, Page, Watching, snapshot, watching
from tests.support.wire import Wire, event_of

pytestmark = pytest.mark.long  # each change is waited for

SECOND: Final = 1_000_000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Winlogd]:
    with served(tmp_path, two_days()) as server:
        yield server


def users(machine: dict[str, Any]) -> list[str]:
    return [user["username"] for user in machine["users"]]


def log_on(server: Winlogd, username: str, hostname: str, action: str = "C", **fields: object) -> None:
    event = an_event(username=username, hostname=hostname, action=action, timestamp="2026-01-13T10:15:30Z", **fields)
    assert server.post(event).status == 200


def names(hostname: str) -> Callable[[Any], bool]:
    return lambda data: hostname in str(data)


# ── the form ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_says_at_once_that_it_is_connected(site: Winlogd) -> None:
    with Watching(site.port) as feed:
        assert feed.status == 200
        feed.connected()
        assert (feed.comments, feed.retries) == ([": connected"], [3000])
    assert feed.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (feed.headers["cache-control"], feed.headers["x-accel-buffering"]) == ("no-store", "no")


def test_a_change_has_whole_machines_and_rooms_as_the_lists_have_them(site: Winlogd) -> None:
    page = Page(snapshot(site))
    with Watching(site.port, page.id).connected() as feed:
        log_on(site, "zoe", "A102-09")
        [event] = feed.until(lambda data: "machines" in data)
    epoch, _, seq = page.id.partition("-")
    assert (event.id, event.data["seq"]) == (f"{epoch}-{int(seq) + 1}", int(seq) + 1)
    assert event.data["now"].startswith("2026-01-13T10:15:")
    assert event.data["machines"] == found(site, "machines", host="A102-09")["machines"]
    assert event.data["rooms"] == found(site, "rooms", room="A102")["rooms"]
    assert event.data["site"]["last_event_at"] == event.data["machines"][0]["last_contact"]
    assert "removed" not in event.data
    assert "writable" not in event.data


def test_head_gets_the_header_section(site: Winlogd) -> None:
    answer = site.request("HEAD", LIVE)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_an_unknown_parameter_is_named(site: Winlogd) -> None:
    assert list(details(site, "live", afetr="x")) == ["afetr"]


# ── who comes back ────────────────────────────────────────────────────────────────────────────────────


def test_who_comes_back_gets_what_was_missed(site: Winlogd) -> None:
    page = Page(snapshot(site))
    with Watching(site.port, page.id).connected() as feed:
        seen = []
        for number in range(3):
            log_on(site, f"user{number}", f"C1-0{number}")
            seen += feed.until(names(f"C1-0{number}"))
    for missed in range(len(seen)):
        after = page.id if not missed else seen[missed - 1].id
        with Watching(site.port, after) as again:
            assert [again.next() for _ in seen[missed:]] == seen[missed:]


def test_last_event_id_is_newer_than_the_address(site: Winlogd) -> None:
    page = Page(snapshot(site))
    with Watching(site.port, page.id).connected() as feed:
        log_on(site, "user1", "C1-01")
        first = feed.until(lambda data: "C1-01" in str(data))[-1]
        log_on(site, "user2", "C1-02")
        second = feed.until(lambda data: "C1-02" in str(data))[0]
    with Watching(site.port, page.id, {"Last-Event-ID": first.id}) as again:
        assert again.next() == second


@pytest.mark.parametrize("after", ["{epoch}-1", "{epoch}--1", "{epoch}-x", "{epoch}-²", "0123456789ab-0", "0", "%00"])
def test_what_cannot_be_replayed_is_a_reset(site: Winlogd, after: str) -> None:
    epoch = snapshot(site)["epoch"]
    with Watching(site.port, after.format(epoch=epoch).replace("²", "%C2%B2")) as feed:
        event = feed.next()
        assert event is not None
        assert (event.id, event.name, event.data) == (f"{epoch}-0", "reset", {"epoch": epoch})
        log_on(site, "zoe", "A102-09")  # the feed goes on
        assert users(feed.change_of("A102-09")) == ["zoe"]


def test_another_start_of_the_server_is_another_epoch(site: Winlogd) -> None:
    page = Page(snapshot(site))
    assert site.stop() == 0
    site.restart()
    site.wait_until_open()
    with Watching(site.port, page.id) as feed:
        event = feed.next()
        assert event is not None
        assert event.name == "reset"
        assert event.data["epoch"] == snapshot(site)["epoch"] != page.id.partition("-")[0]


# ── every origin ──────────────────────────────────────────────────────────────────────────────────────


def test_a_logon_a_logoff_and_an_inventory_are_changes(site: Winlogd) -> None:
    with watching(site) as feed:
        log_on(site, "zoe", "A102-09")
        assert users(feed.change_of("A102-09", state="in_use")) == ["zoe"]
        log_on(site, "zoe", "A102-09", "D")
        assert feed.change_of("A102-09", state="free")["last_user"] == "zoe"
        log_on(site, "SYSTEM", "A102-10", "M", hardware_info={"cpu": "x"})  # was never seen
        assert feed.change_of("A102-10", state="free")["last_user"] is None


def test_an_automatic_end_is_a_change(site: Winlogd) -> None:
    with watching(site) as feed:
        log_on(site, "alice", "A102-07")  # is on since 08:30 by the client's clock
        changed = feed.change_of("A102-07")
    assert [user["connected_at"] for user in changed["users"]] == ["2026-01-13T10:15:30.000000+00:00"]


def test_an_expired_end_is_a_change(site: Winlogd) -> None:
    with watching(site) as feed:
        assert site.rotate().startswith("ok")  # bob is on since Monday, 08:30
        assert feed.change_of("B1-01", state="free", last_user="DOM\\bob")["users"] == []


def test_a_row_that_another_program_writes_is_a_change(site: Winlogd) -> None:
    with watching(site) as feed:
        site.execute(
            "INSERT INTO events_today (username, action, timestamp, hostname, server_timestamp, session_uuid)"
            " VALUES ('eve', 'C', '2026-01-13T10:15:00Z', 'A102-09', '2026-01-13T10:15:00.000000+00:00', 'x')"
        )
        assert users(feed.change_of("A102-09")) == ["eve"]


def test_a_row_that_another_program_deletes_is_a_change(site: Winlogd) -> None:
    with watching(site) as feed:
        site.execute("DELETE FROM events_today WHERE hostname = 'A102-08' AND username = 'Éva'")
        assert feed.change_of("a102-08.", state="free")["last_user"] == "Carol"  # as she had spelled it on Monday


def test_rows_that_another_program_moves_are_a_change(site: Winlogd) -> None:
    columns = "username, action, timestamp, hostname, server_timestamp, session_uuid, origin"
    with watching(site) as feed:
        with closing(sqlite3.connect(site.database)) as other, other:
            other.execute(f"INSERT INTO events_history ({columns}) SELECT {columns} FROM events_today")
            other.execute("DELETE FROM events_today")
        assert users(feed.change_of("A102-07", state="free")) == []


def test_a_machine_that_is_spelled_otherwise_replaces_itself(site: Winlogd) -> None:
    page = Page(snapshot(site))
    with Watching(site.port, page.id).connected() as feed:
        log_on(site, "zoe", "a102-09.school.local")
        [event] = feed.until(lambda data: "removed" in data)
    assert event.data["removed"] == ["A102-09"]
    page.take(event)
    assert list(page.machines.values()) != []
    assert sorted(page.machines) == sorted(each["hostname"] for each in found(site, "machines")["machines"])


def test_a_new_configuration_is_a_change(site: Winlogd) -> None:
    with watching(site) as feed:
        (site.folder / "rooms.csv").write_text("hostname,room,state\nA102-07,Attic,\n")
        assert "reloaded" in reload(site, SETTINGS)
        changed = feed.until(lambda data: "Attic" in str(data))[-1].data
    assert [each["room"] for each in changed["machines"] if each["hostname"] == "A102-07"] == ["Attic"]
    assert changed["removed"] == ["A102-10", "A102-11"]  # expected no more, and never seen


# ── what time alone changes ───────────────────────────────────────────────────────────────────────────


def test_a_session_becomes_doubtful_by_its_age(tmp_path: Path) -> None:
    events = [sent(NOW_US - 14 * 3600 * SECOND + SECOND, "alice", "C")]
    with served_at(tmp_path, events) as server, watching(server) as feed:
        go_on(server)
        [user] = feed.change_of("A102-07", state="doubtful")["users"]
        assert (user["certainty"], user["doubt"]) == ("doubtful", "age")


def test_a_session_becomes_doubtful_when_the_site_closes(tmp_path: Path) -> None:
    settings = SETTINGS.replace("[sessions]", '[sessions]\nclosing = "19:00"')
    with served_at(tmp_path, two_days(), at(1, 19) - SECOND, settings) as server, watching(server) as feed:
        go_on(server)
        [user] = feed.change_of("A102-07", state="doubtful")["users"]
        assert (user["certainty"], user["doubt"]) == ("doubtful", "closed")


def test_a_machine_becomes_silent_with_the_first_event_of_another_day(tmp_path: Path) -> None:
    settings = SETTINGS.replace("[rooms]", "[rooms]\nsilent_days = 1", 1)
    events = stay(at(0, 8), at(0, 9), "alice") + stay(at(0, 8), at(0, 9), "bob", "A102-08")
    with served(tmp_path, events, settings=settings) as server, watching(server) as feed:
        log_on(server, "bob", "A102-08")
        assert feed.change_of("A102-07", state="silent")["last_user"] == "alice"


def test_a_machine_moves_to_another_room_at_midnight(tmp_path: Path) -> None:
    rooms = "hostname,room,from\nA102-07,A102,\nA102-07,Attic,2026-01-14\n"
    with served_at(tmp_path, two_days(), at(2, 0) - SECOND, rooms=rooms) as server, watching(server) as feed:
        go_on(server)
        assert feed.change_of("A102-07", room="Attic")["last_user"] == "alice"


# ── many at once ──────────────────────────────────────────────────────────────────────────────────────


def test_many_events_of_a_moment_are_few_changes_and_a_page_ends_up_right(site: Winlogd) -> None:
    page = Page(snapshot(site))
    events = [an_event(username=f"u{number}", hostname=f"D{number % 7}-{number:03}") for number in range(170)]
    with Watching(site.port, page.id).connected() as feed, Wire(site.port) as wire:
        wire.send(b"".join(map(event_of, events)))
        assert [wire.answer().status for _ in events] == [200] * len(events)
        while len(page.machines) < 6 + len(events):
            event = feed.next()
            assert event is not None
            page.take(event)
    assert page.seq < 20
    now = snapshot(site)
    assert page.machines == {each["hostname"]: each for each in now["machines"]}
    assert page.rooms == {each["name"]: each for each in now["rooms"]}
    assert (page.site, page.writable, page.seq) == (now["site"], now["writable"], now["seq"])


def test_the_eleventh_feed_of_a_reader_is_told_to_ask_for_the_snapshot(site: Winlogd) -> None:
    feeds = [watching(site) for _ in range(10)]
    with Watching(site.port) as eleventh:
        event = eleventh.next()
        assert event is not None
        assert (eleventh.status, event.name, event.data) == (200, "full", {})
        assert eleventh.retries == [30_000]
        assert eleventh.next() is None
    feeds.pop().close()
    wait_for(lambda: _gets_a_feed(site), "the place of a feed that was closed")
    log_on(site, "zoe", "A102-09")
    for feed in feeds:
        assert users(feed.change_of("A102-09")) == ["zoe"]
        feed.close()


def _gets_a_feed(site: Winlogd) -> bool:
    with Watching(site.port) as feed:
        return feed.connected().retries == [3_000]


# ── the server ────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_learns_that_nothing_is_stored_and_why(site: Winlogd) -> None:
    page = Page(snapshot(site))
    with Watching(site.port, page.id).connected() as feed, Wire(site.port) as wire:
        with locked(site):
            wire.send(event_of(an_event(username="zoe", hostname="A102-09")))
            fault = feed.until(lambda data: "writable" in data)[-1].data["writable"]
            assert (fault["is"], fault["why"]) == (False, "the database is locked by another program")
            assert snapshot(site)["writable"] == fault
        assert wire.answer().status == 200
        after = feed.until(lambda data: "writable" in data)[-1].data["writable"]
    assert (after["is"], after["why"]) == (True, None)
    assert page.writable["since"] < fault["since"] < after["since"]


def test_at_a_stop_each_feed_ends_and_is_told_when_to_come_back(site: Winlogd) -> None:
    feeds = [Watching(site.port).connected() for _ in range(5)]
    site.process.send_signal(signal.SIGTERM)
    retries = set()
    for feed in feeds:
        feed.rest()
        retries.add(feed.retries[-1])
        feed.close()
    assert site.wait() == 0
    assert len(retries) > 1
    assert min(retries) >= 1_000
    assert max(retries) <= 10_000
