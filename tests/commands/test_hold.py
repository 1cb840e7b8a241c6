"""`winlogd hold` exempts from deletion, with its reason, until it is ended."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.running import MORE_THAN_THERE_IS, Winlogd, an_event, run_to_end, running

pytestmark = pytest.mark.long

NEVER = '[rotation]\nat = ""\n[server]\ntimezone = "UTC"\n'
OLD = (datetime.now(UTC) - timedelta(days=400)).isoformat(timespec="microseconds")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Make a folder with old sessions of alice and bob in the archive."""
    with running(tmp_path, NEVER + "[retention]\nhistory_days = 0\n") as server:
        for user in ("alice", "bob"):
            server.post(an_event(username=user))
            server.post(an_event(username=user, action="D", timestamp="2026-01-13T09:00:00Z"))
        server.execute("UPDATE events_today SET server_timestamp = ?", OLD)
        server.rotate()
        assert server.stop() == 0
    return tmp_path


def users(server: Winlogd) -> list[object]:
    return [row["username"] for row in server.rows("SELECT DISTINCT username FROM events_history ORDER BY id")]


def test_who_is_held_stays_until_the_hold_ends(filled: Path) -> None:
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        added = run_to_end(filled, "hold", "add", "--user", "Alice", "--reason", "court, case 4711")
        assert added.stdout == "hold 1 is in force; winlogd hold end 1 ends it\n", added.stderr
        server.wait_for_log(r"hold added number=1 by=\S+ reason=\"court, case 4711\"")
        server.rotate()
        server.wait_for_log(r"old events deleted history=2 today=0")
        assert users(server) == ["alice"]
        purged = run_to_end(filled, "purge", "--all", "--yes").stdout
        assert purged.startswith("0 rows of events_history and 0 of events_today deleted")

        assert run_to_end(filled, "hold", "end", "1").stdout.startswith("hold 1 has ended")
        server.wait_for_log("hold ended number=1")
        server.rotate()
        server.wait_for_log(r"old events deleted history=2 today=0(.|\n)*old events deleted history=2 today=0")
        assert users(server) == []


def test_without_a_server_the_command_does_it_itself(filled: Path) -> None:
    words = ("--host", "a102-07", "--from", "2026-01-12", "--to", "2026-01-12T10:00", "--reason", "police")
    added = run_to_end(filled, "hold", "add", *words, environ=MORE_THAN_THERE_IS | {"SUDO_USER": "carol"})
    assert added.stdout.startswith("hold 1 is in force"), added.stderr
    wide = {"COLUMNS": "200"}
    listed = run_to_end(filled, "hold", "list", "--config", "config.toml", environ=wide).stdout.splitlines()

    assert listed[0].split() == ["NUMBER", "USER", "HOST", "FROM", "TO", "REASON", "BY", "WHEN"]
    assert re.fullmatch(
        r"1 +a102-07  2026-01-12 00:00  2026-01-12 10:00  police +\S+ +\d{4}-\d\d-\d\d \d\d:\d\d", listed[1]
    )
    assert run_to_end(filled, "hold", "end", "1").returncode == 0
    assert run_to_end(filled, "hold", "list").stdout == "there is no hold: nothing is exempt from deletion\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--user", "alice"), "hold 1 means 1 sessions so far\n"),
        (("--user", "alcie"), "hold 1 means 0 sessions so far; are names and times right?\n"),
        (("--host", "A102-07"), "hold 1 means 2 sessions so far\n"),
        (("--host", "unknown"), "hold 1 means 1 sessions so far\n"),
        (
            ("--from", "2026-01-12", "--to", "2026-01-12"),
            "hold 1 means 0 sessions so far; are names and times right?\n",
        ),
    ],
)
@pytest.mark.parametrize("has_server", [True, False])
def test_a_person_learns_how_many_sessions_a_hold_means(
    filled: Path, words: tuple[str, ...], said: str, has_server: bool
) -> None:
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        server.post(an_event(username="carol", hostname=None))
        if not has_server:
            server.stop()
        added = run_to_end(filled, "hold", "add", *words, "--reason", "x", "--config", "config.toml")
    assert (added.returncode, added.stderr) == (0, said)


def test_the_host_unknown_means_rows_without_one(filled: Path) -> None:
    with running(filled, NEVER) as server:
        server.wait_until_it_obeys()
        server.post(an_event(username="carol", hostname=None))
        run_to_end(filled, "hold", "add", "--host", "Unknown", "--reason", "x")
        run_to_end(filled, "purge", "--all", "--yes")
        assert [row["username"] for row in server.rows()] == ["carol"]
        assert users(server) == []


def test_a_number_is_never_used_again(filled: Path) -> None:
    numbers = []
    for _ in range(2):
        said = run_to_end(filled, "hold", "add", "--user", "alice", "--reason", "x").stdout
        numbers.append(said.split()[1])
        run_to_end(filled, "hold", "end", numbers[-1])

    assert numbers == ["1", "2"]


def test_a_hold_that_is_not_there_cannot_end(filled: Path) -> None:
    done = run_to_end(filled, "hold", "end", "7")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "winlogd: there is no hold 7; winlogd hold list shows those there are\n"


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("add", "--reason", "x"), "add needs a condition: --user, --host, --from or --to"),
        (("add", "--user", "alice"), "add needs --reason"),
        (("add", "--user", "alice", "--reason", " "), "add needs --reason"),
        (("add", "--user", "a\x1b[m", "--reason", "x"), "--user must have 1 to 200 bytes of visible characters"),
        (("add", "--host", "", "--reason", "x"), "--host must have 1 to 200 bytes of visible characters"),
        (("add", "--user", "alice", "--reason", "x" * 201), "--reason must have 1 to 200 bytes of visible characters"),
        (("add", "--from", "2026-01-13", "--to", "2026-01-12", "--reason", "x"), "--from must not be after --to"),
        (("add", "--from", "then", "--reason", "x"), "--from: A time is RFC 3339"),
        (("add", "3", "--user", "a", "--reason", "x"), "add takes no NUMBER"),
        (("list", "3"), "list takes no NUMBER"),
        (("list", "--user", "alice"), "list takes no --user"),
        (("end", "1", "--reason", "x"), "end takes no --reason"),
        (("end", "99999999999999999999999"), "end needs the NUMBER of a hold"),
        (("add", "--host", "A102-*", "--reason", "x"), "--host takes one whole name: no * stands for others"),
        (("add", "--user", "*", "--reason", "x"), "--user takes one whole name: no * stands for others"),
        (("end",), "end needs the NUMBER of a hold"),
        (("end", "0"), "end needs the NUMBER of a hold"),
    ],
)
def test_a_wrong_command_line_changes_nothing(tmp_path: Path, words: tuple[str, ...], fault: str) -> None:
    done = run_to_end(tmp_path, "hold", *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"winlogd: {fault}")
