"""How feeds live and end: beats, revocation, places, and readers that do not read. Over real sockets."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.played_state import Played, a_live_server, an_event_at, feed, snapshot
from tests.support.running import PATIENCE_S, wait_for
from tests.support.watching import Watching
from tests.support.wire import request
from winlogd.live import feed as feed_module

pytestmark = pytest.mark.long  # beats and slow readers are waited for

LIVE: Final = "/api/v1/live"
HOSTS: Final = 400


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    with a_live_server(tmp_path) as server:
        yield server


def is_reset(peer: socket.socket) -> bool:
    """Read what came, and return True if the connection ends with a reset after it."""
    try:
        while peer.recv(1 << 16):
            pass
    except ConnectionResetError:
        return True
    return False


def change(played: Played, *events: dict[str, object]) -> None:
    """Store events, and wait until they have made a change."""
    seq = played.call(lambda: played.live._seq)
    played.post(*events)
    wait_for(lambda: played.call(lambda: played.live._seq > seq or not len(played.live.feeds)), "a change")


def test_a_feed_beats_while_nothing_changes(tmp_path: Path) -> None:
    with a_live_server(tmp_path, beat_s=0.05) as played, Watching(played.port) as feed:
        while feed.comments.count(": still here") < 3:
            feed._line()


def test_a_reader_that_was_revoked_loses_its_feed_at_the_next_beat(tmp_path: Path) -> None:
    with (
        a_live_server(tmp_path, beat_s=0.05) as played,
        feed(played, reader="ann") as ann,
        feed(played, reader="ben") as ben,
    ):
        played.revoked.add("ann")
        ann.rest()
        played.post(an_event_at("A1-01", username="zoe"))
        assert ben.change_of("A1-01")["last_user"] == "zoe"


def test_a_check_of_all_readers_ends_the_feeds_of_a_revoked_one_at_once(played: Played) -> None:
    with feed(played, reader="ann") as ann:
        played.revoked.add("ann")
        played.call(played.live.feeds.check)
        ann.rest()
    assert played.call(lambda: len(played.live.feeds)) == 0


def test_there_are_200_feeds_at_most(played: Played) -> None:
    with ExitStack() as stack:
        for number in range(200):
            stack.enter_context(feed(played, reader=f"r{number // 10}"))
        with Watching(played.port, headers={"reader": "one more"}) as one_more:
            event = one_more.next()
            assert event is not None
            assert (event.name, one_more.retries) == ("full", [30_000])
    with feed(played, reader="one more"):  # at once: the others have closed their sides
        assert played.call(lambda: len(played.live.feeds)) == 1


def test_a_reader_that_does_not_read_is_dropped_and_costs_no_other(played: Played) -> None:
    with closing(socket.socket()) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(PATIENCE_S)
        slow.connect(("127.0.0.1", played.port))
        slow.sendall(request("GET", LIVE))
        with feed(played, reader="quick") as quick:
            wait_for(lambda: played.call(lambda: len(played.live.feeds)) == 2, "both feeds")
            rounds = 0
            while played.call(lambda: len(played.live.feeds)) == 2:
                rounds += 1
                played.post(*(an_event_at(f"A1-{number:03}", rounds) for number in range(HOSTS)))
                quick.until(lambda data: f"A1-{HOSTS - 1}" in str(data))
            assert rounds < 20  # of 120 kB each
            played.post(an_event_at("B1-01", username="zoe"))
            assert quick.change_of("B1-01")["last_user"] == "zoe"
        assert is_reset(slow)


def test_a_reader_that_is_behind_for_too_long_is_dropped(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "LONGEST_BEHIND_S", 0.0)
    monkeypatch.setattr(feed_module, "MOST_WAITING_BYTES", 1 << 40)
    with closing(socket.socket()) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(PATIENCE_S)
        slow.connect(("127.0.0.1", played.port))
        assert snapshot(played).status == 200
        slow.sendall(request("GET", LIVE))
        wait_for(lambda: played.call(lambda: len(played.live.feeds)) == 1, "the feed")
        rounds = 0
        while played.call(lambda: len(played.live.feeds)) == 1:
            rounds += 1
            assert rounds < 100
            change(played, *(an_event_at(f"A1-{number:03}", rounds) for number in range(HOSTS)))
        assert is_reset(slow)


def test_who_has_missed_more_than_may_wait_loads_the_snapshot_again(played: Played) -> None:
    with feed(played, reader="quick") as quick:
        after = played.call(lambda: f"{played.live._epoch}-{played.live._seq}")
        for rounds in range(4):  # of 120 kB each
            played.post(*(an_event_at(f"A1-{number:03}", rounds) for number in range(HOSTS)))
            quick.until(lambda data: f"A1-{HOSTS - 1}" in str(data))
        last = played.call(lambda: played.live._seq)
        with Watching(played.port, after) as again:
            event = again.next()
            assert event is not None
            assert (event.name, event.id.partition("-")[2]) == ("reset", str(last))
            played.post(an_event_at("B1-01", username="zoe"))
            assert again.change_of("B1-01")["last_user"] == "zoe"
        with Watching(played.port, f"{after.partition('-')[0]}-{last}") as third:  # has missed little
            assert third.change_of("B1-01")["last_user"] == "zoe"


def test_a_slow_reader_that_reads_on_gets_everything(played: Played) -> None:
    with feed(played) as slow:
        for number in range(8):
            change(played, *(an_event_at(f"A1-{each:03}", number) for each in range(100)))
        last = played.call(lambda: played.live._seq)
        changes = slow.until(lambda data: data["seq"] == last)
    assert [change.data["seq"] for change in changes] == list(range(changes[0].data["seq"], last + 1))


def test_the_system_keeps_little_for_a_feed(played: Played) -> None:
    with Watching(played.port).connected():
        [connection] = played.call(lambda: list(played.server._connections))
        transport: Any = connection._transport
        kept = played.call(lambda: transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
    assert kept <= 128 << 10


def test_at_a_stop_what_waits_is_sent_before_the_end(played: Played) -> None:
    with Watching(played.port).connected() as feed:
        played.call(played.live.stop)
        feed.rest()
        assert len(feed.retries) == 2
        assert 1_000 <= feed.retries[-1] <= 10_000
    with Watching(played.port) as late:
        late.rest()
        assert (len(late.retries), len(late.comments)) == (1, 0)
    assert snapshot(played).status == 503
