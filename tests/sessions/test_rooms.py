from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from winlogd.events.patterns import Pattern
from winlogd.sessions.host_template import HostTemplate
from winlogd.sessions.places import Place
from winlogd.sessions.rooms import Rooms

DAY = date(2026, 1, 13)
BY_PATTERNS = {"A102": [Pattern("A102-*")], "CDI": [Pattern("PC-BIB*"), Pattern("*-cdi")], "Others": [Pattern("*")]}


def test_the_first_room_whose_pattern_matches_counts() -> None:
    rooms = Rooms(BY_PATTERNS)
    assert rooms.room_of("a102-07", DAY) == "A102"
    assert rooms.room_of("03-CDI", DAY) == "CDI"
    assert rooms.room_of("B203-01", DAY) == "Others"


def test_a_pattern_matches_a_machine_with_its_domain() -> None:
    assert Rooms(BY_PATTERNS).room_of("03-CDI.school.local.", DAY) == "CDI"


@pytest.mark.parametrize("hostname", [None, "", "unknown", "UNKNOWN"])
def test_the_unknown_host_is_in_no_room(hostname: str | None) -> None:
    assert Rooms(BY_PATTERNS).room_of(hostname, DAY) is None
    assert Rooms(BY_PATTERNS).place_of(hostname, DAY) is None


def test_a_machine_that_no_rule_names_is_in_no_room() -> None:
    assert Rooms({"A102": [Pattern("A102-*")]}, HostTemplate("{room}-*")).room_of("laptop", DAY) is None
    assert Rooms({}).room_of("A102-07", DAY) is None


def test_a_room_from_a_machine_s_name_is_shown_in_capitals_whatever_the_client_writes() -> None:
    rooms = Rooms({}, HostTemplate("{room}-*"))
    assert {rooms.room_of(each, DAY) for each in ("a102-07", "A102-07", "A102-07.school.local")} == {"A102"}


def test_a_room_from_a_machine_s_name_is_shown_as_the_patterns_spell_it() -> None:
    rooms = Rooms({"Atelier": [Pattern("PC-ATL*")]}, HostTemplate("{room}-*"))
    assert rooms.room_of("ATELIER-01", DAY) == "Atelier"


@pytest.mark.parametrize(
    ("template", "host", "room"),
    [
        ("{room}-*", "a102-05-bis", "A102"),
        ("{room}-*", "-05", None),
        ("PC-{room}-*", "pc-a102-05", "A102"),
        ("PC-{room}-*", "a102-05", None),
        ("PC{room}", "pca102.school.local", "A102"),
        ("{room}-*-x", "a-b-c-x", "A"),
        ("{room}.school.local", "a102.school.local", "A102"),
    ],
)
def test_a_template_takes_the_shortest_name_that_fits(template: str, host: str, room: str | None) -> None:
    assert HostTemplate(template).room_of(host) == room


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("room-*", "'room-*' needs {room} once."),
        ("{room}{room}", "'{room}{room}' needs {room} once."),
        ("*-{room}", "'*-{room}' has a star before {room}."),
        ("{room}*****", "'*****' has more than 4 stars."),
    ],
)
def test_a_template_that_is_none_is_refused_with_a_sentence(template: str, fault: str) -> None:
    with pytest.raises(ValueError) as refused:
        HostTemplate(template)
    assert str(refused.value) == fault


def test_the_list_of_machines_comes_before_the_patterns() -> None:
    rooms = Rooms(BY_PATTERNS, places=[Place("A102-07", "B203")])
    assert rooms.room_of("A102-07", DAY) == "B203"
    assert rooms.room_of("A102-08", DAY) == "A102"


def test_a_machine_is_in_the_room_in_which_it_stood_on_that_day() -> None:
    moved = [
        Place("pc-05", "A102", to_date=date(2026, 1, 13)),
        Place("pc-05", "B203", from_date=date(2026, 1, 14), to_date=date(2026, 2, 1)),
    ]
    rooms = Rooms({}, HostTemplate("{room}-*"), moved)
    days = (date(2020, 1, 1), date(2026, 1, 13), date(2026, 1, 14), date(2026, 2, 1), date(2026, 2, 2))
    assert [rooms.room_of("PC-05", day) for day in days] == ["A102", "A102", "B203", "B203", "PC"]


def test_the_room_at_a_moment_is_that_of_the_day_on_which_the_zone_s_clocks_stand() -> None:
    places = [
        Place("A102-07", "A102", to_date=DAY),
        Place("A102-07", "B203", from_date=date(2026, 1, 14)),
        Place("a102-08.school.local", "A102"),
        Place("a102-09.school.local", "A102", to_date=DAY),
    ]
    rooms, paris = Rooms({"Others": [Pattern("*")]}, None, places), ZoneInfo("Europe/Paris")
    last_second = int(datetime(2026, 1, 13, 23, 59, 59, tzinfo=paris).timestamp())
    for hostname in ("A102-07", "A102-08", "A102-09", "C1", "unknown", None):
        assert rooms.room_at(hostname, last_second, paris) == rooms.room_of(hostname, DAY)
        assert rooms.room_at(hostname, last_second + 1, paris) == rooms.room_of(hostname, date(2026, 1, 14))
    assert [rooms.room_at("A102-07", last_second + second, paris) for second in (0, 1)] == ["A102", "B203"]
    assert [rooms.room_at("a102-09", last_second + second, paris) for second in (0, 1)] == ["A102", "Others"]


def test_of_rows_that_hold_together_the_one_that_begins_last_counts() -> None:
    rooms = Rooms({}, places=[Place("pc-05", "B203", from_date=DAY), Place("pc-05", "A102")])
    assert rooms.room_of("pc-05", date(2026, 1, 12)) == "A102"
    assert rooms.room_of("pc-05", DAY) == "B203"
    assert list(rooms.expected(DAY).values()) == [Place("pc-05", "B203", from_date=DAY)]


def test_a_name_with_and_without_its_domain_is_the_same_machine() -> None:
    short, long = Rooms({}, places=[Place("PC-05", "A102")]), Rooms({}, places=[Place("PC-05.school.local", "A102")])
    for rooms in (short, long):
        assert rooms.room_of("pc-05", DAY) == "A102"
        assert rooms.room_of("pc-05.school.local", DAY) == "A102"
    assert long.room_of("pc-05.other.local", DAY) is None
    place = long.place_of("pc-05", DAY)
    assert place is not None
    assert place.host in long.expected(DAY)


def test_a_row_with_exactly_the_machine_s_name_comes_first() -> None:
    rooms = Rooms({}, places=[Place("pc-05", "A102"), Place("pc-05.annex.local", "Annex")])
    assert rooms.room_of("pc-05.annex.local", DAY) == "Annex"
    assert rooms.room_of("pc-05", DAY) == "A102"


def test_addresses_as_names_are_whole_names() -> None:
    rooms = Rooms({}, places=[Place("192.0.2.1", "A102")])
    assert rooms.room_of("192.0.2.1", DAY) == "A102"
    assert rooms.room_of("192.0.2.2", DAY) is None


def test_retired_machines_are_not_expected_and_keep_their_room() -> None:
    rooms = Rooms({}, places=[Place("pc-05", "A102", state="retired"), Place("pc-06", "A102", state="out_of_order")])
    assert list(rooms.expected(DAY)) == ["pc-06"]
    assert rooms.room_of("pc-05", DAY) == "A102"


def test_a_machine_is_expected_in_the_days_of_its_row() -> None:
    rooms = Rooms({}, places=[Place("pc-05", "A102", date(2026, 1, 13), date(2026, 1, 14))])
    assert [len(rooms.expected(date(2026, 1, day))) for day in (12, 13, 14, 15)] == [0, 1, 1, 0]


def test_an_alias_keeps_a_renamed_room_s_past() -> None:
    aliases = {"a102": "Lab", "LAB": "Turing"}
    rooms = Rooms(BY_PATTERNS, HostTemplate("{room}-*"), [Place("pc-05", "Lab")], aliases)
    assert rooms.room_of("A102-07", DAY) == "Turing"
    assert rooms.room_of("pc-05", DAY) == "Turing"
    assert rooms.expected(DAY)["pc-05"].room == "Turing"
    assert [rooms.canonical(each) for each in ("A102", "lab", "turing")] == ["Turing"] * 3


def test_an_alias_holds_for_rooms_from_machines_names_too() -> None:
    assert Rooms({}, HostTemplate("{room}-*"), aliases={"A102": "Lab"}).room_of("a102-07", DAY) == "Lab"


def test_aliases_in_a_circle_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^The alias 'A' leads back to itself\.$"):
        Rooms({}, aliases={"A": "b", "B": "a"})


def test_a_room_is_found_in_any_letter_case() -> None:
    rooms = Rooms(BY_PATTERNS, places=[Place("pc-05", "Réserve"), Place("pc-06", "RÉSERVE")])
    assert rooms.canonical("cdi") == "CDI"
    assert rooms.canonical("re\N{COMBINING ACUTE ACCENT}serve") == "Réserve"
    assert rooms.room_of("pc-06", DAY) == "Réserve"
    assert rooms.canonical("B203") is None


def test_rooms_that_only_machines_names_tell_are_found_among_the_known_machines() -> None:
    rooms = Rooms({"CDI": [Pattern("BIB-*")]}, HostTemplate("{room}-*"), aliases={"Z1": "Z2"})
    hosts = ["A102-07", "a102-08", "B203-01.school.local", "BIB-1", "unknown", "Z1-1"]
    assert rooms.names(hosts) == ["A102", "B203", "CDI", "Z2"]
    assert rooms.names() == ["CDI", "Z2"]
    assert rooms.canonical("b203", hosts) == "B203"
    assert rooms.canonical("b203") is None
    assert rooms.canonical("BIB", hosts) is None
