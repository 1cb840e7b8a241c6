"""Runs find a row of today in the archive after it has moved."""

from contextlib import closing
from itertools import pairwise

import apsw
from hypothesis import given
from hypothesis import strategies as st

from winlogd.store.file.schema import prepare
from winlogd.store.past import runs

DAY_S = 86_400


@given(st.sets(st.integers(1, 60)), st.lists(st.integers(0, 60), max_size=4), st.integers(0, 3))
def test_every_row_that_has_moved_is_found_and_no_other(ids: set[int], cuts: list[int], others: int) -> None:
    """Rows move in pieces; between the pieces, other programs put `others` rows into the archive."""
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        expected: dict[int, int] = {}
        history_id = 1
        for begin, end in pairwise(sorted({0, 61, *cuts})):
            piece = sorted(event_id for event_id in ids if begin <= event_id < end)
            runs.note_moved(connection, piece, history_id, 0.0)
            expected |= {event_id: history_id + place for place, event_id in enumerate(piece)}
            history_id += len(piece) + others

        found = {event_id: runs.history_id_of(connection, event_id) for event_id in range(63)}

    assert found == {event_id: expected.get(event_id) for event_id in range(63)}


def rows(connection: apsw.Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute("SELECT * FROM winlogd_runs ORDER BY today_id")]


def test_steps_without_a_gap_are_one_run() -> None:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        runs.note_moved(connection, [5, 6, 7], 101, 10.5)
        runs.note_moved(connection, [8, 9], 104, 20.5)
        runs.note_moved(connection, [11, 12], 106, 30.5)
        runs.note_moved(connection, [13], 109, 40.5)

        assert rows(connection) == [(5, 101, 5, 20), (11, 106, 2, 30), (13, 109, 1, 40)]


def test_a_logon_that_was_kept_has_a_run_of_its_own() -> None:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        runs.note_moved(connection, [1, 2, 4, 5], 1, 0.0)
        runs.note_moved(connection, [3, 6], 5, 1.0)

        assert [runs.history_id_of(connection, event_id) for event_id in range(1, 7)] == [1, 2, 5, 3, 4, 6]


def test_a_run_is_forgotten_after_two_days() -> None:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        runs.note_moved(connection, [1], 1, 0.0)
        runs.note_moved(connection, [3], 2, 1.0)

        assert runs.forget_old(connection, 2.0 * DAY_S) is False
        assert runs.forget_old(connection, 2.0 * DAY_S + 1) is True

        assert [runs.history_id_of(connection, event_id) for event_id in (1, 3)] == [None, 2]
