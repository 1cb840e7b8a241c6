"""At midnight the log sums the day up. Requests that are refused count on their own day."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.support.reloading import reload
from tests.support.running import Winlogd, an_event, run_to_end

ELSEWHEN: Final = """
import sys, time
ahead, real = float(sys.argv.pop(1)), time.time
time.time = lambda: real() + ahead
time.time_ns = lambda: int(time.time() * 1e9)
from winlogd.cli import main
sys.exit(main())
"""
"""winlogd, with a clock that is ahead by the seconds of its first argument."""
UTC_DAYS: Final = '[server]\ntimezone = "UTC"\n[rotation]\nat = ""\n'


def before_midnight(folder: Path, seconds: float, settings: str = UTC_DAYS) -> tuple[Winlogd, str]:
    """Start a server by whose clock the day ends in some seconds. Return it, and the day."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    server = Winlogd(folder, settings)
    ahead = (midnight - now).total_seconds() - seconds
    server.command = (sys.executable, "-c", ELSEWHEN, str(ahead), "--config", "config.toml")
    return server.start(), f"{now:%Y-%m-%d}"


@pytest.mark.long
def test_a_day_is_summed_up_when_it_ends_and_the_next_one_begins_at_nothing(tmp_path: Path) -> None:
    server, day = before_midnight(tmp_path, 5)
    try:
        server.wait_until_it_obeys()
        for event in (
            an_event(),
            an_event(username="bob", hostname="A102-08"),
            an_event(action="D", timestamp="2026-01-13T09:00:00Z"),
            an_event(action="M"),
        ):
            assert server.post(event).status == 200
        assert server.request("GET", "/nothing-here").status == 404
        before = run_to_end(tmp_path, "status", "--json").stdout
        found = server.wait_for_log(r"INFO summary of the day .*")[0]
        after = run_to_end(tmp_path, "status", "--json").stdout
    finally:
        server.kill()

    said = dict(re.findall(r"(\w+)=(\S+)", found))
    assert {name: said[name] for name in ("day", "logons", "logoffs", "inventories", "closed", "refused")} == {
        "day": day, "logons": "2", "logoffs": "1", "inventories": "1", "closed": "0", "refused": "1"
    }  # fmt: skip
    assert (said["most_at_once"], said["database_mb"], said["backup_hours"]) == ("2", "0", "none")
    assert int(said["free_mb"]) > 0
    assert not {"alice", "bob", "A102"} & set(re.findall(r"\w+", found))
    assert '"reasons":[{"status":404,"reason":"Not Found","count":1}]' in before
    assert '"count":0,"reasons":[]' in after


@pytest.mark.long
def test_a_reload_before_midnight_loses_nothing_of_the_day(tmp_path: Path) -> None:
    server, day = before_midnight(tmp_path, 5)
    try:
        server.wait_until_it_obeys()
        server.request("GET", "/nothing-here")
        reload(server, UTC_DAYS.replace('at = ""', 'at = "03:00"'))
        found = server.wait_for_log(r"INFO summary of the day .*")[0]
    finally:
        server.kill()

    assert f"day={day} refused=1 logons=0" in found
