"""At midnight the log sums the day up. Requests that are refused count on their own day."""

import re
from pathlib import Path

import pytest

from tests.support.midnights import UTC_DAYS, before_midnight
from tests.support.reloading import reload
from tests.support.running import an_event, run_to_end
from tests.support.standing import go_on


@pytest.mark.long
def test_a_day_is_summed_up_when_it_ends_and_the_next_one_begins_at_nothing(tmp_path: Path) -> None:
    server, day = before_midnight(tmp_path)
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
        go_on(server)
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
    server, day = before_midnight(tmp_path)
    try:
        server.wait_until_it_obeys()
        server.request("GET", "/nothing-here")
        reload(server, UTC_DAYS.replace('at = ""', 'at = "03:00"'))
        go_on(server)
        found = server.wait_for_log(r"INFO summary of the day .*")[0]
    finally:
        server.kill()

    assert f"day={day} refused=1 logons=0" in found
