"""More feeds than get an event at once: each gets every change once and in order. Over real sockets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.played_state import Played, a_live_server, an_event_at, feed
from tests.support.running import wait_for
from tests.support.watching import Watching
from winlogd.live import feeds as feeds_module
from winlogd.live.feed import Feed

pytestmark = pytest.mark.long  # changes are waited for

MANY: Final = 5
AT_ONCE: Final = 2


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "_SENT_AT_ONCE", AT_ONCE)


@contextmanager
def watched(played: Played) -> Iterator[list[Watching]]:
    """Open five feeds, each of another reader."""
    with ExitStack() as stack:
        yield [stack.enter_context(feed(played, reader=f"r{number}")) for number in range(MANY)]


def a_change(played: Played) -> int:
    """Make a change that two feeds get at once and three have to wait for. Return its number."""
    seq = last_seq(played)
    played.post(an_event_at("A1-01", username="zoe"))
    wait_for(lambda: last_seq(played) > seq, "the change")
    assert waiting(played) == MANY - AT_ONCE
    return last_seq(played)


def last_seq(played: Played) -> int:
    return played.call(lambda: played.live._seq)


def waiting(played: Played) -> int:
    """Return how many events wait for their turn."""
    return played.call(lambda: len(played.live.feeds._unsent))


def never_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "_SEND_NEXT_S", 3600.0)


def test_each_feed_gets_every_change_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_live_server(tmp_path) as played, watched(played) as feeds:
        first = last_seq(played)
        for number in range(4):
            if number == 2:  # from now on changes come before all feeds have the last one
                never_the_next_ones(monkeypatch)
            seq = last_seq(played)
            played.post(an_event_at(f"A1-{number:02}", number))
            wait_for(lambda seq=seq: last_seq(played) > seq, "the change")  # type: ignore[misc]
            if number == 1:
                wait_for(lambda: not waiting(played), "the turns of all feeds")
        assert waiting(played) == MANY - AT_ONCE + MANY
        played.call(played.live.stop)
        last = last_seq(played)
        for each in feeds:
            changes = each.until(lambda data: data["seq"] == last)
            assert [change.data["seq"] for change in changes] == list(range(first + 1, last + 1))
            assert each.next() is None


def test_a_feed_that_cannot_be_sent_to_silences_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never_the_next_ones(monkeypatch)
    with a_live_server(tmp_path) as played, watched(played) as feeds:
        with monkeypatch.context() as broken:
            broken.setattr(Feed, "send", _fails)
            seq = last_seq(played)
            played.post(an_event_at("A1-01", username="zoe"))
            wait_for(lambda: last_seq(played) > seq, "the change")
            wait_for(lambda: played.failures, "the fault")
        played.failures.clear()
        monkeypatch.setattr(feeds_module, "_SEND_NEXT_S", 0.0)
        played.call(played.live.feeds._send_some)
        played.post(an_event_at("A1-02", username="ben"))
        for each in feeds:
            assert each.change_of("A1-02")["last_user"] == "ben"


def _fails(*_: object) -> None:
    raise RuntimeError("the feed is broken")


def test_who_comes_before_all_have_a_change_gets_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never_the_next_ones(monkeypatch)
    with a_live_server(tmp_path) as played, watched(played):
        before = f"{played.call(lambda: played.live._epoch)}-{last_seq(played)}"
        seq = a_change(played)
        with Watching(played.port, before, headers={"reader": "late"}) as late:
            assert [change.data["seq"] for change in late.until(lambda data: data["seq"] == seq)] == [seq]
            played.call(played.live.stop)
            assert late.next() is None


def test_a_reader_that_is_revoked_does_not_get_the_change_that_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_the_next_ones(monkeypatch)
    with a_live_server(tmp_path) as played, watched(played) as feeds:
        seq = a_change(played)
        played.revoked.add(f"r{MANY - 1}")
        played.call(played.live.feeds.check)
        assert feeds[-1].next() is None
        played.call(played.live.stop)
        assert [change.data["seq"] for change in feeds[-2].until(lambda data: data["seq"] == seq)] == [seq]


def test_a_stop_sends_what_waits_for_its_turn_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never_the_next_ones(monkeypatch)
    with a_live_server(tmp_path) as played, watched(played) as feeds:
        seq = a_change(played)
        played.call(played.live.stop)
        for each in feeds:
            event = each.next()
            assert event is not None
            assert (event.name, event.data["seq"]) == ("change", seq)
            assert each.next() is None
            assert len(each.retries) == 2
