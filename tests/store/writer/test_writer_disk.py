"""Events wait when the disk is full or fails.

A limit on the size of files plays the failing disk. It holds for a whole process, so each test starts a new one.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FAILING_DISK = """
import resource, sys, time
from pathlib import Path
from tests.support.writing import Running, logons
from winlogd.sessions.pair import Decision
from winlogd.store.submission import Fault

path, journal_mode = Path(sys.argv[1]), sys.argv[2]
running = Running(path, journal_mode=journal_mode)
[zoe] = running.store(*logons("zoe"))
_, unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
size = max(file.stat().st_size for file in path.parent.iterdir() if not file.name.endswith("-shm"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, unlimited))

large = [event.replaced(hardware_info="x" * 60_000) for event in logons("alice", "bob")]
running.submit(*large, within_s=0.2)
assert running.outcomes(2) == [Fault.UNAVAILABLE] * 2
told = [what for what, _ in running.ear.passed_over]
assert told.count("waiting") == 1, told
assert "failed" not in told, told

running.submit(*large)
resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
assert [type(outcome) for outcome in running.outcomes(2)] == [Decision] * 2
assert running.users() == ["zoe", "alice", "bob"]
[again] = running.store(*logons("zoe"))
assert again == Decision(zoe.timestamp, zoe.event_id, zoe.session_uuid, True)  # memory was built again from the file
assert running.stop() is None
assert running.rows("PRAGMA integrity_check") == [("ok",)]
"""

FULL_DATABASE = """
import sys, time
from pathlib import Path
import apsw
from tests.support.writing import Running, logons
from winlogd.sessions.pair import Decision
from winlogd.store.submission import Fault

path, journal_mode = Path(sys.argv[1]), sys.argv[2]
running = Running(path, journal_mode=journal_mode)
running.store(*logons("zoe"))
# Only the connection's own limit of pages gives SQLITE_FULL without a full disk.
connection = running.database.connection
connection.execute(f"PRAGMA max_page_count = {connection.pragma('page_count')}")

large = [event.replaced(hardware_info="x" * 60_000) for event in logons("alice")]
running.submit(*logons("bob"), *large, *logons("carol"), within_s=0.2)
assert running.outcomes(3) == [Fault.UNAVAILABLE] * 3
[error] = [value for what, value in running.ear.passed_over if what == "waiting"]
assert isinstance(error, apsw.FullError), error

connection.execute("PRAGMA max_page_count = 1000000")
running.store(*logons("bob"), *large, *logons("carol"))
assert running.rows("SELECT id, username FROM events_today") == [(1, "zoe"), (2, "bob"), (3, "alice"), (4, "carol")]
assert running.stop() is None
"""


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("program", [FAILING_DISK, FULL_DATABASE], ids=["failing", "full"])
def test_events_wait_for_the_disk_and_none_is_stored_in_part(tmp_path: Path, program: str, journal_mode: str) -> None:
    command = [sys.executable, "-c", program, str(tmp_path / "winlog.db"), journal_mode]

    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (run.returncode, run.stderr) == (0, "")
