"""A reader gives way to the threads that store events: after each row, and before each statement."""

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, Final

import apsw
import pytest

from winlogd.store.read.turns import Turns

ROWS: Final = 500
A_ROW_S: Final = 0.001


class Core:
    """A core that the reader and others share. A row takes the reader 1 ms.

    Attributes:
        others_s: how long the others work when the reader gives way.
        turns: how often it has given way.
    """

    def __init__(self) -> None:
        self.now_s = 1.0
        self.others_s = 0.0
        self.turns = 0

    def clock(self) -> float:
        return self.now_s

    def let_others_run(self) -> None:
        self.turns += 1
        self.now_s += self.others_s

    def work(self, *values: Any) -> Any:  # noqa: ANN401  # SQLite's
        self.now_s += A_ROW_S
        return values[0]


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def connection(core: Core) -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as opened:
        opened.create_scalar_function("work", core.work)
        opened.execute("CREATE TABLE numbers (n)")
        yield opened


@pytest.fixture
def turns(core: Core, connection: apsw.Connection) -> Turns:
    return Turns(connection, core.clock, core.let_others_run)


def write(connection: apsw.Connection) -> None:
    connection.executemany("INSERT INTO numbers VALUES (work(?))", ((number,) for number in range(ROWS)))


def read(connection: apsw.Connection) -> list[tuple[int]]:
    return connection.execute("SELECT work(n) FROM numbers ORDER BY rowid").fetchall()  # type: ignore[return-value]


def test_others_may_run_before_each_statement_and_after_each_row(
    core: Core, connection: apsw.Connection, turns: Turns
) -> None:
    with turns:
        write(connection)
        assert core.turns == ROWS
        assert read(connection) == [(number,) for number in range(ROWS)]
        assert core.turns == ROWS + 1 + ROWS


def test_after_the_block_nobody_gives_way(core: Core, connection: apsw.Connection, turns: Turns) -> None:
    with turns:
        write(connection)
    with suppress(ZeroDivisionError), turns:
        raise ZeroDivisionError
    core.turns = 0
    assert len(read(connection)) == ROWS
    assert core.turns == 0


def test_beside_a_program_that_takes_the_whole_core_half_of_the_time_is_the_readers(
    core: Core, connection: apsw.Connection, turns: Turns
) -> None:
    write(connection)
    core.others_s, begun_s = 0.013, core.now_s
    with turns:
        assert len(read(connection)) == ROWS
    took_s = core.now_s - begun_s
    assert took_s == pytest.approx(2 * ROWS * A_ROW_S, rel=0.05)
    assert core.turns * core.others_s == pytest.approx(took_s / 2, rel=0.1)
