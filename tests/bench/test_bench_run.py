"""Run one real, very short scenario: start the servers, load them, stop them, and count their events."""

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench import results, runner
from bench.database import Databases, stored
from bench.load import wrk
from bench.measures import Lengths, keep_alive, loaded
from bench.ratios import Rounds, Sample
from bench.registry import PEERS
from bench.scenarios import SCENARIOS, Variant
from bench.server import Setup, StartError, running

_SHORT = Lengths(load_s=0.3, warm_s=0.0)


@pytest.fixture
def needs_wrk() -> None:
    if not wrk.is_installed():
        pytest.skip(wrk.MISSING)


@pytest.mark.long
@pytest.mark.usefixtures("needs_wrk")
def test_a_run_takes_the_peers_in_turn_and_finds_every_acknowledged_event(tmp_path: Path) -> None:
    scenario = SCENARIOS["keep-alive"]
    variant = Variant("8 connections", loaded(keep_alive(8)))
    steps = runner.interleaved(scenario, [variant], [PEERS["transport"], PEERS["winlogd"]], 1)

    lengths = Lengths(load_s=1.0, warm_s=0.0)  # long enough for some answers on a busy machine too
    outcomes = list(runner.run(steps, lengths, tmp_path, None, lambda step: None))

    samples = [outcome for outcome in outcomes if isinstance(outcome, Sample)]
    assert [sample.peer for sample in samples] == ["transport", "winlogd"], outcomes
    assert [sample.lost for sample in samples] == [0, 0], samples
    assert all(sample.acked > 0 for sample in samples), samples
    assert samples[1].stored is not None
    assert samples[1].stored >= samples[1].acked
    assert Rounds(samples).ratio(samples[1].key, samples[0].key, "events_s") is not None
    results.write(tmp_path / "results" / "run.json", {"kernel": "Linux"}, {"rounds": 1}, samples)
    assert '"lost": 0' in (tmp_path / "results" / "run.json").read_text()


def test_rows_that_are_there_beforehand_are_not_counted_and_every_session_of_them_has_ended(tmp_path: Path) -> None:
    databases = Databases(tmp_path)

    path = databases.fresh(PEERS["winlogd"], 1_000, 10)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM events_today").fetchone() == (1_000,)
        assert connection.execute("SELECT count(*) FROM events_history").fetchone() == (10,)
        assert connection.execute("SELECT count(*) FROM open_sessions").fetchone() == (0,)
    assert stored(path) == 0


def test_a_step_that_fails_is_told_and_the_next_is_taken(tmp_path: Path) -> None:
    def breaks(trial: object) -> dict[str, float]:
        raise RuntimeError("no figures today")

    scenario = SCENARIOS["keep-alive"]
    variants = [Variant("broken", breaks), Variant("whole", lambda trial: {"events_s": 1.0})]
    steps = runner.interleaved(scenario, variants, [PEERS["transport"]], 1)

    first, second = runner.run(steps, _SHORT, tmp_path, None, lambda step: None)

    assert isinstance(first, runner.Failure)
    assert "no figures today" in first.reason
    assert isinstance(second, Sample)


def test_what_would_begin_after_the_deadline_is_left_out(tmp_path: Path) -> None:
    steps = runner.interleaved(SCENARIOS["keep-alive"], SCENARIOS["keep-alive"].variants, [PEERS["winlogd"]], 1)

    outcomes = list(runner.run(steps, _SHORT, tmp_path, 0.0, lambda step: None))

    assert len(outcomes) == len(steps)
    assert all(isinstance(outcome, runner.Failure) for outcome in outcomes)


def test_a_peer_that_ends_at_once_is_a_start_error_with_its_last_words(tmp_path: Path) -> None:
    with (tmp_path / "winlog.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with (
            pytest.raises(StartError, match="another winlogd is using"),
            running(PEERS["winlogd"], Setup(), tmp_path / "winlog.db"),
        ):
            pass


def test_within_a_round_variants_come_in_turn_and_within_a_variant_peers() -> None:
    scenario = SCENARIOS["logging"]
    peers = [PEERS["winlogd"], PEERS["axum-batch"], PEERS["php"]]

    steps = runner.interleaved(scenario, scenario.variants, peers, 2)

    assert [(step.round, step.variant.name, step.peer.name) for step in steps] == [
        (number, variant.name, peer)
        for number in range(2)
        for variant in scenario.variants
        for peer in ("winlogd", "axum-batch")  # not php: a line per event is not its main cost
    ]
