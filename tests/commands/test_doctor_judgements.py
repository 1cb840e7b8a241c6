"""What the doctor's checks make of figures: where a fault begins, and what its words are. No server, no process."""

import shutil
import ssl
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import DATA
from winlogd.commands.checks import backups, certificate, clocks, disk, growth, logoffs, refusals, versions
from winlogd.commands.checks.context import Context, Server
from winlogd.commands.checks.finding import Finding, few, fine
from winlogd.commands.checks.report import Result, text_of
from winlogd.commands.checks.validity import Validity, validities
from winlogd.config.sections import Config
from winlogd.daemon.refused_today import RefusedToday
from winlogd.scheduled.clock import Schedule
from winlogd.store.read.clock_errors import HostClock
from winlogd.store.read.growth import Growth
from winlogd.store.read.rooms import Week

NOW = datetime(2026, 1, 13, 10, 15, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
DAY_US = 86_400_000_000
MB = 1_000_000


# ── certificate ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(shutil.which("openssl") is None, reason="not installed: openssl")
@pytest.mark.parametrize("name", ["tls.crt", "tls-renewed.crt"])
def test_a_certificates_validity_is_that_which_openssl_shows(name: str) -> None:
    command = ["openssl", "x509", "-noout", "-dates", "-in", str(DATA / name)]
    shown = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    [found] = validities((DATA / name).read_text())
    seconds = [ssl.cert_time_to_seconds(line.partition("=")[2]) for line in shown]
    assert [each.timestamp() for each in found] == seconds


def test_a_file_without_a_whole_certificate_is_an_error_or_nothing() -> None:
    assert validities("no certificate") == []
    whole = (DATA / "tls.crt").read_text().splitlines()
    cut_off = "\n".join([*whole[:3], whole[-1]])
    with pytest.raises(ValueError):
        validities(cut_off)


@pytest.mark.parametrize(
    ("days", "level"), [(-1, "fault"), (0, "fault"), (13, "fault"), (14, "note"), (29, "note"), (30, "ok")]
)
def test_a_certificate_is_a_fault_two_weeks_before_its_end(days: int, level: str) -> None:
    valid = Validity(NOW - timedelta(days=90), NOW + timedelta(days=days, minutes=1))
    assert certificate.judged("tls.crt", [valid], NOW).level == level


def test_of_a_chain_the_first_end_and_the_last_begin_count() -> None:
    own, above = Validity(NOW - timedelta(1), NOW + timedelta(90)), Validity(NOW - timedelta(9), NOW + timedelta(5))
    assert "in 5 days" in certificate.judged("tls.crt", [own, above], NOW).what
    early = Validity(NOW + timedelta(hours=2), NOW + timedelta(90))
    found = certificate.judged("tls.crt", [own, early], NOW)
    assert (found.level, found.what) == ("fault", "tls.crt is valid from 2026-01-13 12:15 UTC on")


# ── versions ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_bounds_are_those_of_the_requirements_without_the_extras_and_apsws_counts_for_sqlite() -> None:
    lines = ["uvloop>=0.21", "apsw >= 3.51.3", 'pytest>=8.3; extra == "test"', "other"]
    assert versions.bounds(lines) == [("uvloop", "0.21"), ("apsw", "3.51.3"), ("SQLite", "3.51.3")]


@pytest.mark.parametrize(("found", "is_old"), [("3.9", True), ("3.10", False), ("3.10.1", False), ("3.9.15.1", True)])
def test_versions_are_compared_as_numbers(found: str, is_old: bool) -> None:
    faults = list(versions.too_old([versions.Bound("orjson", "3.10")], {"orjson": found}))
    assert bool(faults) == is_old


def test_an_old_sqlite_is_a_fault_of_apsw() -> None:
    [fault] = versions.too_old([versions.Bound("SQLite", "3.51.3")], {"SQLite": "3.46.1"})
    assert "damaged" in fault.meaning
    assert fault.advice.startswith("install apsw 3.51.3")


# ── disk and backup ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("median_s", "level"), [(0.001, "ok"), (0.099, "ok"), (0.1, "note"), (2.0, "fault")])
def test_a_slow_sync_is_a_note_and_a_very_slow_one_a_fault(median_s: float, level: str) -> None:
    assert disk.judged(median_s, 2 * median_s).level == level


@pytest.mark.parametrize(
    ("days", "level"), [(None, "fault"), (-1, "ok"), (0, "ok"), (1, "ok"), (2, "note"), (7, "note"), (8, "fault")]
)
def test_a_backup_that_is_old_is_a_note_and_after_a_week_a_fault(days: float | None, level: str) -> None:
    now_s = NOW.timestamp()
    assert backups.judged(None if days is None else now_s - days * 86_400, now_s, "backups").level == level


A_YEAR = Growth(used_bytes=300 * MB, sessions=3_000, lately=280, oldest_us=NOW_US - 300 * DAY_US)
"""28 MB in the last 28 days: 1 MB a day."""


@pytest.mark.parametrize(
    ("left_bytes", "level"),
    [(-1, "fault"), (29 * MB, "fault"), (30 * MB, "note"), (179 * MB, "note"), (180 * MB, "ok")],
)
def test_a_disk_that_is_full_in_a_month_is_a_fault(left_bytes: int, level: str) -> None:
    assert growth.judged(A_YEAR, left_bytes, None, NOW_US).level == level


@pytest.mark.parametrize(("left_bytes", "level"), [(66 * MB, "ok"), (64 * MB, "note"), (20 * MB, "fault")])
def test_a_database_stops_growing_when_the_retention_begins_to_delete(left_bytes: int, level: str) -> None:
    assert growth.judged(A_YEAR, left_bytes, 365, NOW_US).level == level


@pytest.mark.parametrize(
    "found",
    [Growth(0, 0, 0, None), A_YEAR._replace(oldest_us=NOW_US - 2 * DAY_US), A_YEAR._replace(lately=0)],
    ids=["empty", "two days", "holidays"],
)
def test_too_little_is_known_of_some_databases(found: Growth) -> None:
    assert growth.judged(found, 0, None, NOW_US).level == "ok"


# ── workstations ──────────────────────────────────────────────────────────────────────────────────────


def test_one_wrong_clock_of_many_is_a_note_and_five_percent_a_fault() -> None:
    right = HostClock("A-1", 95, 0, 0)
    assert clocks.judged([right]).level == "ok"
    assert clocks.judged([right, HostClock("A-2", 4, 4, -7_200_000_000)]).level == "note"
    found = clocks.judged([right, HostClock("A-2", 5, 5, -7_200_000_000)])
    assert found.level == "fault"
    assert "5 of the last week's 100 sessions (5 %): A-2 (5 of 5, 2 h 0 min slow)" in found.what
    assert "this server" not in found.advice


def test_if_nearly_all_clocks_differ_the_servers_is_to_be_looked_at_first() -> None:
    found = clocks.judged([HostClock(f"A-{number}", 1, 1, 6 * 60_000_000) for number in range(7)])
    assert "A-4 (1 of 1, 6 min ahead) and 2 more" in found.what
    assert "check the clock of this server first" in found.advice


@pytest.mark.parametrize(("sessions", "lost", "level"), [(100, 30, None), (100, 31, "fault"), (9, 9, "note")])
def test_a_room_without_logoffs_is_a_fault_if_it_has_some_sessions(sessions: int, lost: int, level: str | None) -> None:
    found = list(logoffs.judged(Week(Counter({"A": sessions}), Counter({"A": lost}))))
    assert [each.level for each in found] == ([] if level is None else [level])


def context(refused: list[dict[str, Any]]) -> Context:
    today = RefusedToday(0.0, Schedule("00:00", UTC))
    for each in refused:
        for _ in range(each["count"]):
            today.count(0.0, each["address"], each["status"], each["reason"], None)
    told = {
        "since": 0,
        "count": sum(each["count"] for each in refused),
        "refusals": refused[:50],
        "reasons": [{**each._asdict(), "count": each.total} for each in today.by_reason(0.0)],
    }
    return Context(Config(), "/data/winlog.db", UTC, NOW_US, Server("runs", refusals=told))


def test_few_refusals_are_a_note_and_many_of_one_sender_a_fault() -> None:
    one = {"reason": "Invalid JSON", "status": 400, "address": "10.0.0.7", "host": "A-1", "count": 19}
    [note] = refusals.check(context([one]))
    assert (note.level, note.what) == ("note", "19 requests refused today, such as A-1 (10.0.0.7): 400 Invalid JSON")
    [fault, note] = refusals.check(context([{**one, "count": 20}, one]))
    assert (fault.level, fault.what) == ("fault", "20 requests of A-1 (10.0.0.7) refused today: 400 Invalid JSON")
    assert note.what.startswith("19 other requests refused today")
    assert len(list(refusals.check(context([{**one, "count": 50}] * 40)))) == 6


def test_a_reason_for_which_many_machines_are_refused_a_little_is_one_fault() -> None:
    """A new image with another client: each machine sends its events four times."""
    site = [
        {"reason": "Invalid User-Agent", "status": 403, "address": f"10.0.1.{number}", "host": None, "count": 4}
        for number in range(200)
    ]
    other = {"reason": "Invalid JSON", "status": 400, "address": "10.0.0.7", "host": "A-1", "count": 1}
    fault, note = refusals.check(context([*site, other]))
    assert fault.level == "fault"
    assert fault.what == "800 requests of 200 machines refused today: 403 Invalid User-Agent"
    assert fault.advice.startswith("docs/configure.md, Access control")
    assert (note.level, note.what) == ("note", "1 other request refused today")
    one = {**site[0], "count": 30}
    first, rest = refusals.check(context([one, *site[1:]]))
    assert first.what == "30 requests of 10.0.1.0 refused today: 403 Invalid User-Agent"
    assert rest.what == "796 other requests of 199 machines refused today: 403 Invalid User-Agent"


def test_of_a_server_that_does_not_answer_this_user_the_refusals_need_another_one() -> None:
    closed = Context(Config(), "/data/winlog.db", UTC, NOW_US, Server("closed", "Permission denied"))
    [note] = refusals.check(closed)
    assert (note.level, note.what) == (
        "note",
        "the refusals of today could not be looked at: Permission denied",
    )
    assert note.advice.startswith("run this as root")


# ── report ────────────────────────────────────────────────────────────────────────────────────────────


RESULTS = [
    Result("rotation", fine("the last one was on 2026-01-13")),
    Result("clocks", Finding("note", "a note", "its meaning", "its advice")),
    Result("free space", Finding("fault", "a fault", "its meaning", "its advice")),
    Result("free space", fine("something else is right")),
]


def test_faults_come_first_and_what_is_fine_only_counts() -> None:
    assert text_of(RESULTS, None, shows_all=False).splitlines() == [
        "FAULT  free space  a fault",
        "                   its meaning",
        "                   -> its advice",
        "note   clocks      a note",
        "                   its meaning",
        "                   -> its advice",
        "3 checks: 1 fine, 1 with a fault, 1 with a note",
    ]
    assert "ok     rotation    the last one was on 2026-01-13" in text_of(RESULTS, None, shows_all=True).splitlines()
    assert text_of(RESULTS[:1], None, shows_all=False) == "1 check: 1 fine\n"


def test_long_texts_are_wrapped_and_foreign_letters_cannot_run_a_terminal() -> None:
    hostile = Finding("note", f"{'word ' * 40}\x1b[2J", "", "")
    lines = text_of([Result("clocks", hostile)], 60, shows_all=False).splitlines()
    assert max(map(len, lines)) <= 60
    assert "⟨U+001B⟩[2J" in lines[-2]


def test_a_sentence_names_five_machines_and_counts_the_others() -> None:
    assert few(["a", "b"]) == "a, b"
    assert few([*"abcdefg"]) == "a, b, c, d, e and 2 more"


def test_the_file_of_the_measurement_is_gone_afterwards(tmp_path: Path) -> None:
    assert len(disk.measured_s(str(tmp_path))) > 0
    assert list(tmp_path.iterdir()) == []
