from datetime import date

import pytest

from winlogd.sessions.places import Place
from winlogd.sessions.rooms_file import RoomsFileError, parsed

BOM = "\ufeff"


def test_a_list_with_all_columns_is_read() -> None:
    text = "hostname,room,from,to,state\nA102-01,A102,2025-09-01,2026-01-13,\nA102-02,A102,,,out_of_order\n"
    assert parsed(text) == [
        Place("A102-01", "A102", date(2025, 9, 1), date(2026, 1, 13)),
        Place("A102-02", "A102", state="out_of_order"),
    ]


def test_a_list_from_a_french_spreadsheet_is_read() -> None:
    text = BOM + 'hostname;room;state;;\r\n"PC, 1";"Salle ""A""";;;\r\n;;;;\r\nPC-2;B;Retired;;\r\n'
    assert parsed(text) == [Place("PC, 1", 'Salle "A"'), Place("PC-2", "B", state="retired")]


def test_columns_stand_in_any_order_and_letter_case_and_only_two_are_needed() -> None:
    assert parsed("Room, HOSTNAME\nA102 , pc-05\n") == [Place("pc-05", "A102")]


def test_cells_may_be_missing_at_the_end_of_a_line() -> None:
    assert parsed("hostname,room,from,to,state\npc-05,A102") == [Place("pc-05", "A102")]


def test_empty_lines_are_skipped() -> None:
    assert parsed("\n\nhostname,room\n\npc-05,A102\n \n") == [Place("pc-05", "A102")]


def test_a_list_without_machines_is_empty() -> None:
    assert parsed("hostname,room\n") == []


def test_a_machine_may_have_a_row_for_each_time() -> None:
    assert len(parsed("hostname,room,from\npc-05,A102,\npc-05,B203,2026-01-13\n")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header has no column 'hostname'"),
        ("hostname;from\n", "line 1: the header has no column 'room'"),
        ("pc-05,A102\n", "line 1: the column 'pc-05' is unknown; the columns are hostname, room, from, to, state"),
        ("hostname,,room\n", "line 1: the column '' is unknown; the columns are hostname, room, from, to, state"),
        ("\nhostname,room,Room\n", "line 2: the column 'room' comes twice"),
        ("hostname,room\npc-05,A102,x\n", "line 2: has more cells than the header, which has 2"),
        ("hostname,room\n.,A102\n", "line 2: the hostname is missing"),
        ("hostname,room\npc-04,A102\n\npc-05,\n", "line 4: the room is missing"),
        ("hostname,room,state\na,b,x\n", "line 2: the state 'x' is unknown; it is empty, out_of_order or retired"),
        ("hostname,room,from\na,b,13/01/2026\n", "line 2: '13/01/2026' in 'from' is no date such as 2026-01-13"),
        ("hostname,room,to\na,b,20260113\n", "line 2: '20260113' in 'to' is no date such as 2026-01-13"),
        ("hostname,room,to\na,b,2026-W03-2\n", "line 2: '2026-W03-2' in 'to' is no date such as 2026-01-13"),
        ("hostname,room,to,from\na,b,2026-01-02,2026-01-03", "line 2: 'to' (2026-01-02) is before 'from' (2026-01-03)"),
        ("hostname,room\nPC-05,A\npc-05.,B\n", "line 3: 'pc-05.' has a row with the same beginning in line 2"),
        ('hostname,room\n"a"b,c\n', "line 2: is no CSV: ',' expected after '\"'"),
        ('hostname,room\n"a,c\n', "line 3: is no CSV: unexpected end of data"),
    ],
)  # fmt: skip
def test_a_fault_is_reported_with_its_line(text: str, message: str) -> None:
    with pytest.raises(RoomsFileError) as refused:
        parsed(text)
    assert str(refused.value) == message
    assert message.startswith(f"line {refused.value.line}:")
