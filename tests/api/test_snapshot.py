"""The snapshot: the same as the lists of machines and rooms, with a number from which a feed goes on."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.running import Winlogd, an_event
from tests.support.served import details, found, get, served, two_days

pytestmark = pytest.mark.long  # each test has a server

Headers = dict[str, str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with served(tmp_path_factory.mktemp("site"), two_days()) as server:
        yield server


def test_it_has_the_machines_and_rooms_of_the_lists(site: Winlogd) -> None:
    answer = found(site, "snapshot")
    assert answer["machines"] == found(site, "machines")["machines"]
    assert answer["rooms"] == found(site, "rooms")["rooms"]
    assert (answer["scope"], answer["timezone"], answer["history"]) == ("all", "UTC", "complete")
    assert answer["now"].startswith("2026-01-13T10:15:")


def test_it_counts_the_machines_that_are_known_and_those_that_were_heard_of(site: Winlogd) -> None:
    assert found(site, "snapshot")["site"] == {
        "last_event_at": "2026-01-13T10:00:00.000000+00:00",
        "expected": 6,
        "seen": 4,
    }


def test_events_can_be_stored_since_the_start(site: Winlogd) -> None:
    writable = found(site, "snapshot")["writable"]
    assert (writable["is"], writable["why"]) == (True, None)
    assert writable["since"].startswith("2026-01-13T10:15:")


def test_an_unchanged_snapshot_is_304_for_who_has_it(site: Winlogd) -> None:
    first = get(site, "snapshot")
    tag = first.headers["etag"]
    again = get(site, "snapshot", f"If-None-Match: {tag}")
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert "content-length" not in again.headers
    assert "content-type" not in again.headers
    assert (first.headers["cache-control"], first.headers["vary"]) == ("no-store", "Accept-Encoding")


@pytest.mark.parametrize("form", ['"other", {}', "W/{}", "*"])
def test_if_none_match_has_several_forms(site: Winlogd, form: str) -> None:
    tag = get(site, "snapshot").headers["etag"].removeprefix("W/")
    assert get(site, "snapshot", f"If-None-Match: {form.format(tag)}").status == 304


@pytest.mark.parametrize("form", ['"other"', "{}x", 'W/"other"'])
def test_another_etag_gets_the_snapshot(site: Winlogd, form: str) -> None:
    tag = get(site, "snapshot").headers["etag"]
    assert get(site, "snapshot", f"If-None-Match: {form.format(tag)}").status == 200


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1"])
def test_gzip_is_sent_to_who_accepts_it_under_an_etag_of_its_own(site: Winlogd, accepted: str) -> None:
    plain = get(site, "snapshot")
    packed = get(site, "snapshot", f"Accept-Encoding: {accepted}")
    assert packed.headers["content-encoding"] == "gzip"
    body = gzip.decompress(packed.body)
    assert body.startswith(b'{"now":"%b",' % packed.headers["winlogd-now"].encode())
    assert body.partition(b",")[2] == plain.body.partition(b",")[2]
    assert packed.headers["etag"] != plain.headers["etag"]
    assert get(site, "snapshot", f"If-None-Match: {packed.headers['etag']}").status == 304


@pytest.mark.parametrize("accepted", ["br", "gzip;q=0", "identity", "*, gzip;q=0", "gzip;q=x"])
def test_who_does_not_accept_gzip_gets_plain_json(site: Winlogd, accepted: str) -> None:
    answer = get(site, "snapshot", f"Accept-Encoding: {accepted}")
    assert "content-encoding" not in answer.headers
    assert answer.json["scope"] == "all"


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_all_who_ask_share_one_snapshot_and_each_learns_the_moment(site: Winlogd, coding: str) -> None:
    answers = [get(site, "snapshot", f"Accept-Encoding: {coding}") for _ in range(2)]
    bodies = [gzip.decompress(each.body) if coding == "gzip" else each.body for each in answers]
    first, second = map(orjson.loads, bodies)
    assert first.pop("now") == answers[0].headers["winlogd-now"] < second.pop("now")
    assert first == second
    assert answers[0].headers["etag"] == answers[1].headers["etag"]


def test_who_has_the_snapshot_learns_the_moment_all_the_same(site: Winlogd) -> None:
    first = get(site, "snapshot")
    again = get(site, "snapshot", f"If-None-Match: {first.headers['etag']}")
    assert again.status == 304
    assert first.headers["winlogd-now"] < again.headers["winlogd-now"]


def test_an_unknown_parameter_is_named(site: Winlogd) -> None:
    assert list(details(site, "snapshot", romo="A102")) == ["romo"]


def test_what_was_acknowledged_is_in_the_next_snapshot(tmp_path: Path) -> None:
    with served(tmp_path, two_days()) as server:
        before = get(server, "snapshot")
        for number in range(1, 8):
            assert server.post(an_event(username=f"user{number}", hostname=f"C1-0{number}")).status == 200
            after = get(server, "snapshot", f"If-None-Match: {before.headers['etag']}")
            assert after.status == 200
            users = {each["hostname"]: each["users"] for each in after.json["machines"]}
            assert [user["username"] for user in users[f"C1-0{number}"]] == [f"user{number}"]
            assert (after.json["epoch"], after.json["seq"]) == (before.json["epoch"], before.json["seq"] + 1)
            before = after
        assert before.json["machines"] == found(server, "machines")["machines"]


def test_a_site_without_an_event_has_an_empty_snapshot(tmp_path: Path) -> None:
    with served(tmp_path, [], settings="", rooms="") as server:
        answer = found(server, "snapshot")
    assert (answer["machines"], answer["rooms"], answer["seq"]) == ([], [], 0)
    assert answer["site"] == {"last_event_at": None, "expected": 0, "seen": 0}
