"""GET /api/v1/occupancy: how full each room was on a day."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running import Winlogd
from tests.support.served import details, found, served, two_days


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with served(tmp_path_factory.mktemp("site"), two_days()) as server:
        yield server


def test_a_day_has_a_count_for_each_room_and_quarter_of_an_hour(site: Winlogd) -> None:
    answer = found(site, "occupancy", day="2026-01-12")
    assert list(answer) == ["day", "now", "begins_at", "rooms", "history"]
    assert (answer["day"], answer["now"][:16], answer["history"]) == ("2026-01-12", "2026-01-13T10:15", "complete")
    assert [each[11:25] for each in answer["begins_at"][:2]] == ["00:00:00.00000", "00:15:00.00000"]
    assert len(answer["begins_at"]) == 96
    a102, b1 = answer["rooms"]
    assert (a102["name"], a102["machines"], b1["name"], b1["machines"]) == ("A102", 5, "B1", 1)
    assert [a102["in_use"][4 * hour] for hour in range(7, 16)] == [0, 1, 1, 0, 0, 0, 0, 1, 0]
    assert [a102["doubtful"][4 * hour] for hour in range(7, 16)] == [0, 0, 0, 0, 1, 1, 1, 0, 0]
    assert b1["in_use"][33:35] == [0, 1]


def test_without_a_day_it_is_today_whose_cells_end_now(site: Winlogd) -> None:
    answer = found(site, "occupancy", room="Old wing")
    assert (answer["day"], len(answer["begins_at"])) == ("2026-01-13", 96)
    [b1] = answer["rooms"]
    assert (b1["name"], len(b1["in_use"]), len(b1["doubtful"])) == ("B1", 42, 42)
    assert answer["begins_at"] == found(site, "occupancy", day="today")["begins_at"]


def test_a_wrong_day_or_room_is_told(site: Winlogd) -> None:
    said = "must be a day, such as 2026-01-13, today or yesterday"
    assert details(site, "occupancy", day="2026-01-12T10:00") == {"day": said}
    assert details(site, "occupancy", day="2026-01-14") == {"day": "must not be in the future"}
    assert details(site, "occupancy", room="A103") == {"room": "is not a known room; did you mean A102?"}


def test_a_room_without_machines_has_zeros(tmp_path: Path) -> None:
    with served(tmp_path, [], rooms="hostname,room,state\n") as server:
        [b1] = found(server, "occupancy")["rooms"]
        assert (b1["machines"], set(b1["in_use"]), set(b1["doubtful"])) == (0, {0}, {0})
