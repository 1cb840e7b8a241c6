"""GET /ready says in one word if events can be stored now, also while no event comes."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.locks import locked, locked_before_the_start
from tests.support.reloading import reload
from tests.support.running import MORE_THAN_THERE_IS, Answer, Winlogd, an_event, run_to_end, running, wait_for
from tests.support.scraping import scrape

pytestmark = pytest.mark.long  # a lock of another program is noticed after a second

HANGING_WRITER: Final = """
import sys, time
from winlogd.store.jobs.probe import Probe
Probe.step = lambda *values: time.sleep(600)
from winlogd.cli import main
sys.exit(main())
"""
"""winlogd, whose writer does not come back from its next trial."""

READY: Final = (200, b"ready\n")
UNWRITABLE: Final = (503, b"unwritable\n")


def ready(server: Winlogd, method: str = "GET") -> tuple[int, bytes]:
    answer: Answer = server.request(method, "/ready")
    return answer.status, answer.body


def until_it_says(server: Winlogd, word: tuple[int, bytes]) -> None:
    wait_for(lambda: ready(server) == word, f"{word} from /ready", server.process)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Winlogd]:
    with running(tmp_path) as server:
        server.wait_until_open()
        yield server


def test_a_server_that_stores_events_is_ready(server: Winlogd) -> None:
    assert ready(server) == READY
    server.post(an_event())
    assert ready(server) == READY
    assert ready(server, "HEAD") == (200, b"")
    assert server.request("GET", "/ready").headers["content-type"] == "text/plain; charset=utf-8"


def test_until_the_database_is_open_it_is_not_ready(tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    with locked_before_the_start(tmp_path):
        try:
            server.start()
            assert ready(server)[0] == 503
            until_it_says(server, UNWRITABLE)
        except BaseException:
            server.kill()
            raise
    until_it_says(server, READY)
    assert server.stop() == 0


def test_a_lock_of_another_program_is_noticed_although_no_event_comes(server: Winlogd) -> None:
    with locked(server):
        assert ready(server) == UNWRITABLE
        assert server.request("GET", "/health").status == 200
    until_it_says(server, READY)


def test_too_little_space_is_noticed_and_its_end_too_although_no_event_comes(tmp_path: Path) -> None:
    server = Winlogd(tmp_path, "[limits]\nmin_free_disk = 0\n")
    del server._environ["WINLOGD_LIMITS_MIN_FREE_DISK"]
    try:
        server.start()
        server.wait_until_settled()
        reload(server, "[limits]\nmin_free_disk = 1000000000\n")
        until_it_says(server, UNWRITABLE)
        assert ready(server) == UNWRITABLE
        reload(server, "[limits]\nmin_free_disk = 0\n")
        until_it_says(server, READY)
        assert server.stop() == 0
    finally:
        if server.process.poll() is None:
            server.kill()


def test_requests_that_come_again_and_again_write_nothing(server: Winlogd) -> None:
    server.wait_until_settled()
    with closing(sqlite3.connect(server.database)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        for _ in range(20):
            assert ready(server) == READY
        assert other.execute("PRAGMA data_version").fetchone() == before


def test_a_server_that_may_not_write_at_its_start_is_not_ready(tmp_path: Path) -> None:
    with running(tmp_path, environ=MORE_THAN_THERE_IS) as server:
        server.wait_until_open()
        until_it_says(server, UNWRITABLE)


def test_a_disk_that_hangs_makes_a_server_unready(tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    server.command = (sys.executable, "-c", HANGING_WRITER, "--config", "config.toml")
    try:
        server.start()
        server.wait_until_settled()
        assert ready(server) == UNWRITABLE
        assert server.request("GET", "/health").status == 200
    finally:
        server.kill()


def test_the_figures_and_the_status_show_a_disk_that_hangs_although_no_event_comes(tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    server.command = (sys.executable, "-c", HANGING_WRITER, "--config", "config.toml")
    try:
        server.start()
        server.wait_until_it_obeys()
        wait_for(lambda: scrape(server).samples["winlogd_writable"] == 0, "the figure 0", server.process)
        ended = run_to_end(tmp_path, "status")
        assert ended.returncode == 1
        assert "has not come to its end: the disk may hang" in ended.stdout.splitlines()[0]
    finally:
        server.kill()


def test_a_poll_that_is_told_of_an_outage_is_no_refused_request_of_the_day(server: Winlogd) -> None:
    server.wait_until_it_obeys()
    with locked(server):
        for _ in range(25):
            assert ready(server) == UNWRITABLE
    until_it_says(server, READY)
    assert server.request("POST", "/ready").status == 405
    today = json.loads(run_to_end(server.folder, "status", "--json").stdout)["refusals"]
    assert [(each["status"], each["count"]) for each in today["reasons"]] == [(405, 1)]
    assert scrape(server).samples['winlogd_refusals_total{status="503",reason="Not ready"}'] >= 25


def test_a_stop_does_not_wait_for_a_trial(server: Winlogd) -> None:
    with locked(server):
        assert ready(server) == UNWRITABLE
        assert server.stop() == 0
