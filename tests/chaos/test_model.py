"""Short days, played against a real server and a naive model; and proof that the model finds a rule that is broken."""

from fractions import Fraction

import pytest

from tests.chaos.model import Model
from tests.chaos.played_days import play
from tests.chaos.rows import Row
from tests.chaos.said import Said, fold_host, instant, stored_stamp
from tests.chaos.steps import Days, End, Insert, Rotate, Send, SetClock, Step

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [2, 5, 7, 8])
def test_a_server_does_on_played_days_what_the_specification_says(seed: int) -> None:
    ledger = play(Days(seed).steps(60))

    assert not ledger.difference, f"seed {seed}: {ledger.difference}"
    assert ledger.steps == 60, ledger
    assert ledger.acknowledged == ledger.sent > ledger.retried > 0, ledger
    assert min(ledger.stored, ledger.restarts + ledger.kills, ledger.rotations, ledger.outside_writes) > 0, ledger


# ── the judge can fail ────────────────────────────────────────────────────────────────────────────────────


class _ExactNames(Model):
    """A model that treats ``Alice`` and ``alice`` as two people."""

    def fold(self, name: str) -> str:
        return name


class _TwoSecondsBefore(Model):
    """A model that ends a session two seconds before the next one."""

    def seconds_before(self) -> int:
        return 2


class _EarliestSession(Model):
    """A model in which a logoff ends the earliest open session."""

    def choose(self, rows: list[Row]) -> list[Row]:
        return rows[:1]


class _EndsWithTheProcess(Model):
    """A model that forgets the open sessions at each start."""

    def starts(self, now_s: float) -> None:
        self.today = [row for row in self.today if row not in self.open_rows()]


class _NeverExpires(Model):
    """A model that leaves sessions open for too long."""

    def is_too_old(self, age_s: float) -> bool:
        return False


def _says(action: str, second: int, username: str = "alice") -> Send:
    return Send((Said(username, action, f"2026-01-13T08:00:{second:02d}.5Z", "PC-05"),))


def _inserts_a_logon(second: int) -> Step:
    stamp = f"2026-01-13T08:00:{second:02d}.5Z"
    names = {"username": "alice", "hostname": "PC-05", "session_uuid": f"alice@PC-05@00000{second}"}
    return Insert(tuple({**names, "action": "C", "timestamp": stamp}.items()))


@pytest.mark.parametrize(
    ("broken", "steps"),
    [
        (_ExactNames, [_says("C", 1), _says("D", 2, "Alice")]),
        (_TwoSecondsBefore, [_says("C", 1), _says("C", 9)]),
        (_EarliestSession, [_inserts_a_logon(1), _inserts_a_logon(2), _says("D", 3)]),
        (_EndsWithTheProcess, [_says("C", 1), End(is_asked=True)]),
        (_NeverExpires, [_says("C", 1), SetClock(3 * 86_400), Rotate()]),
    ],
    ids=lambda value: value.__name__.strip("_") if isinstance(value, type) else "",
)
def test_a_model_with_a_broken_rule_finds_a_difference(broken: type[Model], steps: list[Step]) -> None:
    assert not play(steps).difference
    assert play(steps, broken()).difference


# ── what the model reads ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sent", "stored", "seconds"),
    [
        ("1970-01-01T00:00:01.250Z", "1970-01-01T00:00:01.250Z", Fraction(5, 4)),
        ("1970-01-01T02:00:01.123456789+02:00", "1970-01-01T00:00:01.123456789+00:00", Fraction(1123456789, 10**9)),
        ("1970-01-01 00:00:01z", "1970-01-01T00:00:01+00:00", Fraction(1)),
        ("1970-01-01T00:00:01-05:30", "1970-01-01T05:30:01+00:00", Fraction(19_801)),
    ],
)
def test_a_timestamp_is_stored_in_utc_with_all_its_digits(sent: str, stored: str, seconds: Fraction) -> None:
    assert stored_stamp(sent) == stored
    assert instant(sent) == instant(stored) == seconds


@pytest.mark.parametrize("spelling", ["Ünit", "u\u0308nit.", "ÜNIT", "U\u0308NIT."])
def test_a_host_is_folded(spelling: str) -> None:
    assert fold_host(spelling) == "\u00fcnit"


def test_the_same_seed_plays_the_same_steps() -> None:
    assert Days(7).steps(100) == Days(7).steps(100) != Days(8).steps(100)
