"""A table as CSV: a spreadsheet shows every cell and runs none."""

import csv
import io

import pytest

from winlogd.transfer.csv_text import Cell, line


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("cells", [("a", 'b"c', "d,e;f", "g\r\nh"), (1, -2.5, None, True), ("", " ", "é", "x")])
def test_a_line_is_read_as_it_was_written(cells: tuple[Cell, ...], separator: str) -> None:
    [read] = csv.reader(io.StringIO(line(cells, separator), newline=""), delimiter=separator)
    shown = {None: "", True: "true"}
    assert read == [shown[cell] if cell is None or cell is True else str(cell) for cell in cells]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1"])
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(cell: str) -> None:
    assert line([cell], ",") in (f"'{cell}\r\n", f'"\'{cell}"\r\n')


@pytest.mark.parametrize(("cell", "shown"), [("x;=1+1", "x;'=1+1"), ("x; =1", "x; '=1"), ('x;"=1', '"x;""\'=1"')])
def test_a_cell_that_begins_behind_the_other_separator_is_not_run(cell: str, shown: str) -> None:
    assert line([cell, "y"], ",") == f"{shown},y\r\n"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_what_begins_behind_a_line_break_is_not_run(end: str) -> None:
    """A spreadsheet with the other separator does not take the quotes for such, and begins a record there."""
    assert line(["alice", f"a{end}=cmd"], ",") == f'alice,"a{end}\'=cmd"\r\n'


def test_json_in_a_cell_stays_json() -> None:
    assert line(['{"a":[1,-2]}'], ";") == '"{""a"":[1,-2]}"\r\n'
