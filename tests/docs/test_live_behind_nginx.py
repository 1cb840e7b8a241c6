"""The live feed passes a real nginx with the recipe of docs/configure.md: each event at once, and no slow reader."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.docs.proxies import PROXY_ADDRESS, foreground, free_port, nginx
from tests.support.played_state import Played, a_live_server, an_event_at, snapshot
from tests.support.running import PATIENCE_S, wait_for
from tests.support.watching import LIVE, Watching
from tests.support.wire import request

pytestmark = pytest.mark.long


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[tuple[Played, int]]:
    """Run a server behind nginx. Yield the server and nginx's port."""
    with a_live_server(tmp_path, beat_s=0.2) as played:
        assert snapshot(played).status == 200
        port = free_port()
        with foreground(nginx(tmp_path, played.port, port), tmp_path, port, tolerated="upstream prematurely closed"):
            yield played, port


def test_each_event_and_each_beat_passes_at_once(behind: tuple[Played, int]) -> None:
    played, port = behind
    with Watching(port, host=PROXY_ADDRESS) as feed:
        feed.connected()
        for number in range(3):
            played.post(an_event_at(f"A1-0{number}", username=f"user{number}"))
            assert feed.change_of(f"A1-0{number}")["last_user"] == f"user{number}"
        beats = len(feed.comments)
        while len(feed.comments) < beats + 2:
            feed._line()


def test_a_reader_that_comes_back_gets_what_it_missed(behind: tuple[Played, int]) -> None:
    played, port = behind
    epoch = snapshot(played).json["epoch"]
    with Watching(port, host=PROXY_ADDRESS) as feed:
        feed.connected()
        played.post(an_event_at("A1-01", username="zoe"))
        feed.change_of("A1-01")
    with Watching(port, host=PROXY_ADDRESS, headers={"Last-Event-ID": f"{epoch}-0"}) as again:
        assert again.change_of("A1-01")["last_user"] == "zoe"


def test_a_reader_behind_the_proxy_that_does_not_read_is_dropped(behind: tuple[Played, int]) -> None:
    played, port = behind
    with closing(socket.socket()) as slow, Watching(port, host=PROXY_ADDRESS, headers={"reader": "quick"}) as quick:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(PATIENCE_S)
        slow.connect((PROXY_ADDRESS, port))
        slow.sendall(request("GET", LIVE))
        quick.connected()
        wait_for(lambda: played.call(lambda: len(played.live.feeds)) == 2, "both feeds")
        rounds = 0
        while played.call(lambda: len(played.live.feeds)) == 2:
            rounds += 1
            assert rounds < 60  # of 120 kB each: nginx and the system keep some MB
            played.post(*(an_event_at(f"A1-{number:03}", rounds) for number in range(400)))
            quick.until(lambda data: "A1-399" in str(data))
        played.post(an_event_at("B1-01", username="zoe"))
        assert quick.change_of("B1-01")["last_user"] == "zoe"


def test_who_closes_behind_the_proxy_frees_the_place(behind: tuple[Played, int]) -> None:
    played, port = behind
    with Watching(port, host=PROXY_ADDRESS) as feed:
        feed.connected()
        assert played.call(lambda: len(played.live.feeds)) == 1
    wait_for(lambda: played.call(lambda: len(played.live.feeds)) == 0, "the end of the feed")
