"""`winlogd forget` lists the names that it means, asks, and says what it could not reach."""

import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.forgotten import ALICE, LAST_YEAR, OTHERS, forget, perhaps, users
from tests.support.running import PATIENCE_S, run_to_end

pytestmark = pytest.mark.long  # each command is a process


def test_it_lists_the_names_with_their_uses_and_what_it_cannot_reach(filled: Path) -> None:
    done = forget(filled, "zoé-alice")

    today, then = datetime.now(UTC), LAST_YEAR
    for name, events in (("admin", (3, 4)), ("", (6, 9))):
        shown = r"ADMIN\\Zoé-Alice" if name else "ZOÉ-ALICE, zoé-alice"
        for moment, count in zip((then, today), events, strict=True):
            day = f"{moment:%Y-%m-%d}"
            assert re.search(
                rf"^{shown}: first used {day} \S+, last used {day} \S+, events: {count}$", done.stderr, re.M
            )
    assert "not reached: 0 backups in " in done.stderr
    assert "the log (the journal)" in done.stderr


def test_a_hold_exempts_and_the_command_says_so(filled: Path) -> None:
    run_to_end(filled, "hold", "add", "--user", "zoé-alice", "--reason", "case 4711", "--config", "config.toml")
    done = forget(filled, "zoé-alice")

    assert done.returncode == 0
    assert "22 events stay, because a hold exempts them" in done.stderr
    assert set(users(filled, "events_today")) == {*ALICE, *OTHERS}


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "alone"])
def test_a_name_that_nobody_has_is_an_error(filled: Path, is_running: bool) -> None:
    with perhaps(filled, is_running):
        done = forget(filled, "zoe-alice")

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith("winlogd: no event has the name zoe-alice; perhaps it is written in another way\n")
        assert len(users(filled, "events_today")) == 5


def answered(folder: Path, answer: str) -> tuple[str, int]:
    """Run the command on a terminal, and answer it. Return what it says, and its status."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "winlogd", "forget", "zoé-alice", "--config", "config.toml"]
    process = subprocess.Popen(command, cwd=folder, stdin=follower, stderr=follower, stdout=subprocess.PIPE, text=True)
    os.close(follower)
    os.write(leader, answer.encode())
    said = b""
    with suppress(OSError):  # the other end is closed
        while piece := os.read(leader, 4096):
            said += piece
    os.close(leader)
    process.communicate(timeout=PATIENCE_S)
    return said.decode(), process.returncode


@pytest.mark.parametrize(("answer", "is_done"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_person_is_asked(filled: Path, answer: str, is_done: bool) -> None:
    said, status = answered(filled, answer)

    assert "Forget 2 names with 22 events, for ever? [y/N]" in said
    assert status == (0 if is_done else 1)
    assert (len(users(filled, "events_today")) == 2) == is_done


def test_what_replaced_files_have_once_more_is_counted_and_listed_once(filled: Path) -> None:
    for day, statement in (
        (13, "DELETE FROM events_history"),
        (14, "UPDATE events_today SET username = 'x\\zoé-alice'"),
    ):
        replaced = filled / "data" / f"winlog.db.replaced-202601{day}T081500Z"
        shutil.copy(filled / "data" / "winlog.db", replaced)
        with closing(sqlite3.connect(replaced)) as connection, connection:
            connection.execute(statement)
    said, _ = answered(filled, "n\n")

    assert "Forget 3 names with 22 events, also in 2 replaced files, for ever? [y/N]" in said
    assert len(re.findall(r"^ADMIN\\Zoé-Alice: ", said, re.M)) == 2  # last year and today
    assert len(re.findall(r"^x\\zoé-alice: ", said, re.M)) == 1


def test_with_a_pseudonym_that_rows_have_got_before_it_says_that_one(filled: Path) -> None:
    """A command that was killed has left its tombstones: they come first when the command is repeated."""
    before = filled / "before.db"
    shutil.copy(filled / "data" / "winlog.db", before)
    first = re.findall(r"forgotten-[0-9a-f]{8}", forget(filled, "zoé-alice", "--pseudonym").stdout)
    shutil.copy(before, filled / "data" / "winlog.db")
    again = re.findall(r"forgotten-[0-9a-f]{8}", forget(filled, "zoé-alice", "--pseudonym").stdout)

    assert again == first
    assert users(filled, "events_history") == sorted([*OTHERS, *first])


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (("--from", "2026-02-01", "--to", "2026-01-01"), 2, "--from is after --to: no event was received then"),
        (("--to", "2001-01-01"), 1, "zoé-alice has events, but none that was received in this time"),
    ],
)
def test_a_span_without_events_is_told_from_an_unknown_name(
    filled: Path, words: tuple[str, ...], status: int, reason: str
) -> None:
    done = forget(filled, "zoé-alice", *words)

    assert done.returncode == status
    assert reason in done.stderr
    assert "no event has the name" not in done.stderr


def test_rows_that_still_have_the_name_are_listed_instead_of_advice_to_compact(filled: Path) -> None:
    with closing(sqlite3.connect(filled / "data" / "winlog.db")) as connection, connection:
        sql = """INSERT INTO events_today (username, action, timestamp, hostname, kernel_version)
            VALUES ('bob', 'C', '2026-01-12T08:00:00Z', 'A1', ?)"""
        row_ids = [connection.execute(sql, (text,)).lastrowid for text in ("Zoé-Alice built it", "ZOÉ-ALICE2 10.0")]
    done = forget(filled, "zoé-alice")

    assert f"rows of others still have the name in a text; look at them by their ids: events_today {row_ids[0]}\n" in (
        done.stderr
    )
    assert "compact" not in done.stderr


def test_compact_is_not_advised_for_files_that_it_does_not_rewrite(filled: Path) -> None:
    copy = filled / "data" / "winlog.db.old"
    shutil.copy(filled / "data" / "winlog.db", copy)
    run_to_end(filled, "forget", "zoé-alice", "--yes", "--config", "config.toml")
    run_to_end(filled, "compact", "--yes", "--config", "config.toml")
    done = forget(filled, "zoé-alice")

    assert re.search(rf"{re.escape(str(copy))} still has bytes of the name in \d+ places", done.stderr)
    assert "winlogd compact does not rewrite the files with other names; remove them" in done.stderr
    assert "run winlogd compact" not in done.stderr
