"""A writer counts what it has committed: events, batches and the time of each COMMIT."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.writing import Running, event, logons
from winlogd.sessions.pair import Decision
from winlogd.store.submission import Histogram, Result, Submission, count_waits


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "winlog.db")
    yield running
    running.writer.stop()


def test_stored_events_are_counted_by_action_and_retries_by_themselves(running: Running) -> None:
    logon = event("C", "08:00:00.5")
    running.store(logon, event("M", "08:00:01.5"), event("C", "08:00:02.5", "bob"))
    running.store(logon)
    running.store(event("D", "09:00:00.5"))

    counts = running.writer.counts()
    assert counts.stored == {"C": 2, "D": 1, "M": 1}
    assert counts.retries == 1
    assert counts.automatic == 0


def test_a_session_that_the_next_logon_closes_is_counted(running: Running) -> None:
    running.store(event("C", "08:00:00.5"))
    running.store(event("C", "09:00:00.5"))
    assert running.writer.counts().automatic == 1
    assert running.writer.counts().stored["C"] == 2


def test_each_batch_is_counted_with_its_size_and_its_commit(running: Running) -> None:
    running.store(*logons("alice", "bob", "carol"))
    running.store(*logons("dan"))

    counts = running.writer.counts()
    assert counts.batches.total == 4
    assert sum(counts.batches.counts) == sum(counts.commits_s.counts) == 2
    assert counts.commits_s.total > 0
    assert counts.committed_s > 0


def test_an_event_that_is_stored_alone_is_counted_once(running: Running) -> None:
    running.store(*logons("alice"))
    running.execute(
        "CREATE TRIGGER another AFTER INSERT ON events_today WHEN NEW.username = 'bob' BEGIN"
        " INSERT INTO events_today (username, action, timestamp, session_uuid)"
        " VALUES ('copy', 'M', NEW.timestamp, 'copy'); END"
    )
    running.store(*logons("bob", "carol"))

    counts = running.writer.counts()
    assert counts.stored == {"C": 3, "D": 0, "M": 0}
    assert counts.automatic == 0


def test_nothing_is_counted_that_is_not_committed(running: Running) -> None:
    running.store(*logons("alice"))
    running.execute(
        "CREATE TRIGGER refuses BEFORE INSERT ON events_today WHEN NEW.username = 'bob'"
        " BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    running.submit(*logons("bob"))
    running.outcomes(1)
    assert running.writer.counts().stored["C"] == 1


def test_a_value_that_equals_a_bound_is_below_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.note(value)
    assert histogram.counts == [2, 2, 1]
    assert histogram.total == 7.5


@pytest.mark.parametrize(("dues", "counts"), [((10.0, 10.0), [0, 2, 0]), ((9.5, 10.0, 11.0), [1, 1, 1])])
def test_the_wait_of_an_event_follows_from_its_deadline(dues: tuple[float, ...], counts: list[int]) -> None:
    histogram = Histogram((1.0, 2.0))
    decision = Decision("", 1, "")
    results: list[Result] = [(Submission(event("C", "08:00:00"), "", 0.0, due_s, None, 1), decision) for due_s in dues]
    count_waits(histogram, results, due_s=12.0)
    assert histogram.counts == counts[::-1]
