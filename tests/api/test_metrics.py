"""GET /metrics has the figures of what has happened, for those who may read them, and names nobody."""

import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.locks import locked, locked_before_the_start
from tests.support.readers import add_reader, bearer
from tests.support.reloading import reload
from tests.support.running import A_SMALL_DISK_WILL_DO, Winlogd, an_event, run_to_end, running, wait_for
from tests.support.scraping import OF_THE_DISK, OF_THE_READER, Scraped, scrape, scrape_all, scrape_with
from tests.support.watching import Watching
from winlogd.access.gate import _NOT_ALLOWED
from winlogd.access.rate import _refusal
from winlogd.api.events import _FAILED, _INVALID_AGENT, UNAVAILABLE
from winlogd.api.metrics_table import _ALWAYS_THERE, FAMILIES
from winlogd.http.responses import TOO_MANY

pytestmark = pytest.mark.long  # a server for each test

HANGING_DISK: Final = """
import os, sys, time
os.statvfs = lambda path: time.sleep(600)
from winlogd.cli import main
sys.exit(main())
"""
"""winlogd, with a disk that does not say how much of it is free."""

NOT_AT_FIRST: Final = {"winlogd_last_retention_timestamp_seconds"}
"""What there is only after a deletion of old events."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Winlogd]:
    with running(tmp_path) as server:
        server.wait_until_settled()
        yield server


def test_events_are_counted_as_they_are_stored_sent_again_and_refused(server: Winlogd) -> None:
    for user, action in (("alice", "C"), ("bob", "C"), ("alice", "D"), ("SYSTEM", "M")):
        server.post(an_event(username=user, action=action))
    server.post(an_event(username="bob", hostname="A102-07", timestamp="2026-01-13T09:30:00.5Z"))
    server.post(an_event(username="SYSTEM", action="M"))
    server.post(an_event(action="X"))
    server.post(an_event(), headers={"User-Agent": "curl/8"})
    server.post(an_event(), headers={"User-Agent": "curl/8"})

    figures = scrape_all(server).samples
    assert {action: figures[f'winlogd_events_total{{action="{action}"}}'] for action in "CDM"} == {
        "C": 3,
        "D": 1,
        "M": 1,
    }
    assert figures["winlogd_event_retries_total"] == 1
    assert figures["winlogd_automatic_logoffs_total"] == 1
    assert figures['winlogd_refusals_total{status="403",reason="Invalid User-Agent"}'] == 2
    assert figures['winlogd_refusals_total{status="400",reason="Invalid action"}'] == 1
    assert figures['winlogd_refusals_total{status="503",reason="Database busy or full"}'] == 0
    assert figures["winlogd_commit_duration_seconds_count"] == figures["winlogd_batch_events_count"] == 6
    assert figures["winlogd_batch_events_sum"] == 6
    assert figures['winlogd_request_duration_seconds_count{kind="event"}'] == 6
    assert 0 < time.time() - figures["winlogd_last_event_timestamp_seconds"] < 60
    assert figures["winlogd_open_sessions"] == 1
    assert figures["winlogd_connections"] == 1


def test_every_family_is_there_with_its_kind_and_labels(server: Winlogd) -> None:
    server.post(an_event())
    scraped = scrape_all(server)
    assert scraped.kinds == {family.name: family.kind for family in FAMILIES if family.name not in NOT_AT_FIRST}
    for labels in scraped.labels.values():
        [family] = [each for each in FAMILIES if each.name == scraped.family_of(labels[""])]
        assert labels.keys() - {"", "le"} == set(family.labels)


def test_names_and_units_are_those_that_prometheus_advises() -> None:
    for family in FAMILIES:
        assert re.fullmatch(r"(?:winlogd|process)_[a-z_]+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert family.help.endswith(".")


def test_no_user_host_or_address_is_in_a_label(server: Winlogd) -> None:
    server.post(an_event(username="zoe", hostname="Z999-01"))
    server.post(an_event(username="zoe", action="zoe", hostname="Z999-01"))
    server.post(an_event(username="zoe", hostname="Z999-01", timestamp="zoe Z999-01"))
    server.request("GET", "/api/v1/users/zoe")
    server.request("GET", "/zoe/Z999-01?zoe", headers={"X-Forwarded-For": "203.0.113.9", "User-Agent": "zoe"})
    text = server.request("GET", "/metrics").body.decode()
    assert not re.search(r"zoe|Z999|203\.0|127\.0", text, re.IGNORECASE)


def test_a_refused_address_is_in_no_label(tmp_path: Path) -> None:
    with running(tmp_path, '[security]\ningest_networks = ["192.0.2.0/24"]\n') as server:
        server.wait_until_open()
        assert server.post(an_event(), headers={"X-Forwarded-For": "192.0.2.7, 203.0.113.9"}).status == 403
        text = server.request("GET", "/metrics").body.decode()
        assert 'winlogd_refusals_total{status="403",reason="Address not allowed"} 1\n' in text
        assert "203.0.113" not in text


def test_a_program_with_the_scope_metrics_reads_them_and_nothing_else(server: Winlogd) -> None:
    token = add_reader(server.folder, "prometheus", "--scope", "metrics")
    assert server.request("GET", "/metrics").status == 403
    assert scrape(server, bearer(token)).samples["winlogd_writable"] == 1
    assert server.request("GET", "/api/v1/sessions", headers=bearer(token)).status == 403


def test_sizes_are_those_of_the_files(server: Winlogd) -> None:
    server.post(an_event())
    figures = scrape_all(server).samples
    assert figures["winlogd_database_bytes"] == server.database.stat().st_size
    assert figures["winlogd_wal_bytes"] == server.database.with_name("winlog.db-wal").stat().st_size > 0
    assert 0 < figures["winlogd_disk_free_bytes"] < figures["winlogd_disk_size_bytes"]


def test_a_backup_is_noticed(server: Winlogd) -> None:
    assert scrape_all(server).samples["winlogd_last_backup_timestamp_seconds"] == 0
    assert run_to_end(server.folder, "backup", "--config", "config.toml", environ=A_SMALL_DISK_WILL_DO).returncode == 0
    assert time.time() - scrape_all(server).samples["winlogd_last_backup_timestamp_seconds"] < 60


def test_the_last_deletion_is_known_after_a_restart(server: Winlogd) -> None:
    figure = "winlogd_last_retention_timestamp_seconds"
    assert figure not in scrape(server).samples
    server.rotate()
    wait_for(lambda: figure in scrape(server).samples, "the end of the deletion", server.process)
    assert server.stop() == 0
    server.restart()
    server.wait_until_settled()
    assert 0 <= time.time() - scrape(server).samples[figure] < 60
    reload(server, "[retention]\nhistory_days = 0\n")
    assert figure not in scrape(server).samples


def test_a_live_view_is_counted_while_it_is_open(server: Winlogd) -> None:
    assert scrape(server).samples["winlogd_feeds"] == 0
    with Watching(server.port):
        wait_for(lambda: scrape(server).samples["winlogd_feeds"] == 1, "a feed", server.process)


def test_doubtful_sessions_are_counted_by_the_rules_of_the_site(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_open()
        server.post(an_event())
        server.post(an_event(username="bob"))
        scraped: Scraped = scrape_all(server)
        assert scraped.samples["winlogd_open_sessions"] == 2
        assert scraped.samples["winlogd_doubtful_sessions"] == 1  # alice's: another user came


def test_a_database_that_cannot_be_written_is_seen(tmp_path: Path) -> None:
    with running(tmp_path, environ={"WINLOGD_LIMITS_MIN_FREE_DISK": "1000000000"}) as server:
        wait_for(lambda: scrape(server).samples["winlogd_writable"] == 0, "the figure 0", server.process)
        figures = scrape_with(server, OF_THE_DISK).samples
        assert figures["winlogd_disk_free_limit_bytes"] == 1e15 > figures["winlogd_disk_free_bytes"]


def test_a_lock_of_another_program_is_seen_although_no_event_comes(server: Winlogd) -> None:
    assert scrape(server).samples["winlogd_writable"] == 1
    with locked(server):
        wait_for(lambda: scrape(server).samples["winlogd_writable"] == 0, "the figure 0", server.process)
    wait_for(lambda: scrape(server).samples["winlogd_writable"] == 1, "the figure 1", server.process)


def test_a_reader_that_does_not_answer_in_time_costs_only_its_figure(tmp_path: Path) -> None:
    with running(tmp_path, '[database]\npragma_journal_mode = "DELETE"\n') as server:
        server.wait_until_settled()
        with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            scraped = scrape_with(server, OF_THE_DISK)
            assert "winlogd_doubtful_sessions" not in scraped.samples
            assert scraped.samples["winlogd_open_sessions"] == 0
            assert scraped.samples["winlogd_questions_waiting"] == 1


def test_before_the_database_is_open_all_else_is_there(tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    try:
        with locked_before_the_start(tmp_path):
            server.start()
            figures = scrape_with(server, OF_THE_DISK).samples
            assert not {"winlogd_open_sessions", "winlogd_doubtful_sessions"} & figures.keys()
            assert "winlogd_disk_free_bytes" in figures
    finally:
        server.kill()


def test_a_disk_that_hangs_costs_only_its_figures_and_one_thread(tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    server.command = (sys.executable, "-c", HANGING_DISK, "--config", "config.toml")
    try:
        server.start()
        server.wait_until_settled()
        scraped = scrape_with(server, OF_THE_READER)
        assert scraped.samples["winlogd_writable"] == 1
        assert scraped.samples["winlogd_doubtful_sessions"] == 0
        assert not {"winlogd_database_bytes", "winlogd_build_info", "winlogd_open_sessions"} & scraped.kinds.keys()
        before = threads_of(server)
        for _ in range(2):
            assert scrape(server).samples["winlogd_writable"] == 1
        assert threads_of(server) == before
        assert server.post(an_event()).status == 200
    finally:
        server.kill()


def test_a_disk_that_hangs_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    server = Winlogd(tmp_path)
    server.command = (sys.executable, "-c", HANGING_DISK, "--config", "config.toml")
    try:
        server.start()
        server.wait_until_settled()
        scrape(server)
        assert server.stop() == 0
    finally:
        if server.process.poll() is None:
            server.kill()


def threads_of(server: Winlogd) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


def test_refusals_that_are_shown_before_the_first_one_have_the_names_of_the_server() -> None:
    answers = (_INVALID_AGENT, _NOT_ALLOWED, _refusal(1.0, b""), _FAILED, UNAVAILABLE, TOO_MANY)
    assert [(answer.status, answer.reason) for answer in answers] == list(_ALWAYS_THERE)


def test_many_scrapes_at_once_get_an_answer_each(server: Winlogd) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: scrape(server).samples["winlogd_writable"], range(40)))
    assert answers == [1] * 40
