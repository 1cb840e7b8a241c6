from typing import get_args

import pytest

from winlogd.sessions.certainty import Certainty
from winlogd.sessions.machines import MachineState, RoomCounts, machine_state, room_counts, silent_since
from winlogd.sessions.places import Place

WORKING = Place("pc-05", "A102")
BROKEN = Place("pc-05", "A102", state="out_of_order")
RECENT, OLD, SILENT_SINCE = 2000, 999, 1000


@pytest.mark.parametrize("certainty", ["certain", "presumed"])
def test_a_machine_is_in_use_if_a_session_is_certain_or_presumed(certainty: Certainty) -> None:
    assert machine_state(WORKING, RECENT, ["doubtful", None, certainty], SILENT_SINCE) == "in_use"


def test_what_a_machine_reports_comes_before_what_the_list_says() -> None:
    assert machine_state(BROKEN, RECENT, ["presumed"], SILENT_SINCE) == "in_use"
    assert machine_state(BROKEN, RECENT, ["doubtful"], SILENT_SINCE) == "out_of_order"
    assert machine_state(BROKEN, None, [], SILENT_SINCE) == "out_of_order"


def test_a_machine_is_doubtful_if_its_sessions_are() -> None:
    assert machine_state(None, RECENT, [None, "doubtful"], SILENT_SINCE) == "doubtful"


def test_a_machine_on_which_nobody_is_reported_is_free() -> None:
    assert machine_state(WORKING, RECENT, [], SILENT_SINCE) == "free"
    assert machine_state(None, RECENT, [None], SILENT_SINCE) == "free"  # a session that is too old to be reported


def test_a_machine_is_silent_if_its_last_event_is_too_old() -> None:
    assert machine_state(WORKING, OLD, [], SILENT_SINCE) == "silent"
    assert machine_state(WORKING, SILENT_SINCE, [], SILENT_SINCE) == "free"
    assert machine_state(WORKING, OLD, [], None) == "free"


def test_a_machine_without_any_event_was_never_seen() -> None:
    assert machine_state(WORKING, None, [], SILENT_SINCE) == "never_seen"


def test_a_machine_is_silent_after_a_number_of_days_with_events() -> None:
    assert silent_since([10, 20, 50, 60], 3) == 20
    assert silent_since([10, 20, 50, 60], 1) == 60


def test_no_machine_is_silent_before_there_were_so_many_days_with_events() -> None:
    assert silent_since([10, 20], 2) == 10
    assert silent_since([10, 20], 3) is None
    assert silent_since([], 1) is None


def test_each_machine_of_a_room_counts_once() -> None:
    states: list[MachineState] = ["in_use", "in_use", "doubtful", "free", "silent", "never_seen", "out_of_order"]
    assert set(states) == set(get_args(MachineState))
    assert room_counts(states, 100, 30) == RoomCounts(
        machines=7, in_use=2, doubtful=1, free=1, silent=1, never_seen=1, out_of_order=1
    )


def test_free_machines_are_unknown_if_too_many_sessions_have_no_logoff() -> None:
    counts = room_counts(["free", "in_use"], 100, 31)
    assert (counts.machines, counts.in_use, counts.free) == (2, 1, None)
    assert counts.free_unknown == "31 of the last week's 100 sessions have no logoff."


def test_an_empty_room_has_no_machines_and_no_doubt_about_it() -> None:
    assert room_counts([], 0, 0) == RoomCounts(0, 0, 0, 0, 0, 0, 0)
