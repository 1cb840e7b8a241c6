"""What changed of a machine's hardware is found, in whatever order the reports come."""

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest

from tests.support.statements import noted
from winlogd.sessions.session import US, session_key
from winlogd.store.file.schema import prepare
from winlogd.store.past import inventory
from winlogd.store.past.events import PastEvent
from winlogd.store.past.names import Names


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        yield connection


def report(database: apsw.Connection, second: int, hardware: object, host: str | None = "PC-05") -> None:
    """Store a report in the archive and note it."""
    text = hardware if hardware is None or isinstance(hardware, str) else json.dumps(hardware)
    database.execute(
        "INSERT INTO events_history (username, action, timestamp, hostname, hardware_info) VALUES ('x', 'M', '', ?, ?)",
        (host, text),
    )
    history_id = database.last_insert_rowid()
    event = PastEvent(
        history_id, session_key(second * US, second), "M", "x", host, None, second * US, second * US, None, None, None,
        "client", text,
    )  # fmt: skip
    inventory.note(database, Names(database), event, history_id)


def found(database: apsw.Connection) -> list[tuple[object, ...]]:
    """Return the changes: second, path, old, new."""
    sql = "SELECT key >> 30, path, old, new FROM winlogd_hardware ORDER BY key, id"
    return [tuple(row) for row in database.execute(sql)]


def test_a_changed_an_added_and_a_removed_value_are_changes(database: apsw.Connection) -> None:
    report(database, 1, {"ram": 8, "disks": [{"size": 256}], "gpu": "none"})
    report(database, 2, {"ram": 16, "disks": [{"size": 256}, {"size": 512}]})

    assert found(database) == [
        (2, "ram", "8", "16"),
        (2, "disks.1.size", None, "512"),
        (2, "gpu", '"none"', None),
    ]


def test_the_same_hardware_and_what_varies_by_itself_are_no_change(database: apsw.Connection) -> None:
    for second in (1, 2):
        report(database, second, {"ram": 8, "ram_used": second, "uptime": second, "cpu": {"load": second}, "x": None})

    assert found(database) == []


def test_a_spelling_of_the_hosts_name_makes_no_other_machine(database: apsw.Connection) -> None:
    report(database, 1, {"ram": 8}, "PC-05")
    report(database, 2, {"ram": 16}, "pc-05.")
    report(database, 3, {"ram": 32}, "PC-06")

    assert found(database) == [(2, "ram", "8", "16")]


@pytest.mark.parametrize("host", [None, ""])
def test_a_machine_without_a_name_has_no_changes(database: apsw.Connection, host: str | None) -> None:
    report(database, 1, {"ram": 8}, host)
    report(database, 2, {"ram": 16}, host)

    assert found(database) == []
    assert list(database.execute("SELECT count(*) FROM winlogd_inventory")) == [(2,)]


@pytest.mark.parametrize("senseless", [None, "", "{", "[]", "{}", "7", "null"])
def test_a_report_without_values_is_no_base_for_changes(database: apsw.Connection, senseless: str | None) -> None:
    report(database, 1, senseless)
    report(database, 2, {"ram": 8})

    assert found(database) == []


def test_the_changes_of_a_report_are_few(database: apsw.Connection) -> None:
    report(database, 1, {f"a{number}": 1 for number in range(500)})
    report(database, 2, {f"b{number}": 1 for number in range(500)})

    assert len(found(database)) == 100


def test_a_value_in_place_of_an_object_is_two_changes(database: apsw.Connection) -> None:
    report(database, 1, {"disk": "none", "cards": [1, {"a": 2}]})
    report(database, 2, {"disk": {"size": 256}, "cards": [True, 1.0]})

    assert found(database) == [
        (2, "disk", '"none"', None),
        (2, "disk.size", None, "256"),
        (2, "cards.0", "1", "true"),
        (2, "cards.1", None, "1.0"),
        (2, "cards.1.a", "2", None),
    ]


def test_many_values_below_a_long_name_take_little_memory(database: apsw.Connection) -> None:
    report(database, 1, {"k" * 32_000: [0] * 15_000})
    tracemalloc.start()
    try:
        report(database, 2, {"k" * 32_000: [1] * 15_000})
        most_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most_bytes < 20_000_000
    assert {len(str(path)) for _, path, _, _ in found(database)} == {300}


@pytest.mark.parametrize("levels", [500, 1000, 1030, 20_000])
def test_reports_of_many_levels_are_compared_or_have_no_values(database: apsw.Connection, levels: int) -> None:
    for second in (1, 2):
        report(database, second, '{"a":' * levels + str(second) + "}" * levels)

    assert [(old, new) for _, _, old, new in found(database)] == [("1", "2")] * (levels <= 1024)


@pytest.mark.parametrize(
    "odd", ['{"a": 1e999}', '{"a": "\\ud800"}', f'{{"a": {10**400}}}', '{"a": "\\u0000"}', "\0", "\ufffd"]
)
def test_no_report_is_too_odd(database: apsw.Connection, odd: str) -> None:
    for second, each in enumerate(['{"a": 1}', odd, '{"a": 2}']):
        report(database, second, each)

    assert list(database.execute("SELECT count(*) FROM winlogd_inventory")) == [(3,)]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2), (1, 3, 2), (2, 1, 3)])
def test_the_order_in_which_reports_are_noted_does_not_matter(
    database: apsw.Connection, order: tuple[int, int, int]
) -> None:
    """The rotation notes new reports while a build has not come to the old ones."""
    hardware = {1: {"ram": 8}, 2: {"ram": 16, "cpu": "i5"}, 3: {"ram": 16, "cpu": "i7"}}
    for second in order:
        report(database, second, hardware[second], f"PC-05{'.' * (second == 2)}")

    assert found(database) == [(2, "ram", "8", "16"), (2, "cpu", None, '"i5"'), (3, "cpu", '"i5"', '"i7"')]


def test_a_report_that_is_noted_again_changes_nothing(database: apsw.Connection) -> None:
    report(database, 1, {"ram": 8})
    report(database, 2, {"ram": 16})
    report(database, 2, {"ram": 16})

    assert found(database) == [(2, "ram", "8", "16")]


def steps_of_a_report(database: apsw.Connection, second: int) -> int:
    """Return how many steps SQLite takes to note a report."""
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    database.set_progress_handler(count, 1)
    try:
        report(database, second, {"ram": second})
    finally:
        database.set_progress_handler(None)
    return steps


@pytest.mark.parametrize("order", [1, -1])
def test_a_report_takes_as_long_after_many_others_as_after_few(database: apsw.Connection, order: int) -> None:
    for number in range(5):
        report(database, 500 + order * number, {"ram": number})
    few = steps_of_a_report(database, 500 + order * 5)
    for number in range(6, 300):
        report(database, 500 + order * number, {"ram": number})

    assert steps_of_a_report(database, 500 + order * 300) <= few + 10


def test_reports_of_a_machine_are_found_by_indexes(database: apsw.Connection) -> None:
    report(database, 1, {"ram": 8})
    with noted(database) as statements:
        report(database, 2, {"ram": 16})

    for sql in statements:
        values = [None] * sql.count("?")
        plan = [str(row[3]) for row in database.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert not [line for line in plan if "SCAN" in line and line != "SCAN nearest"], sql
