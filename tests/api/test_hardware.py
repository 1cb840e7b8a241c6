"""The list of hardware over HTTP: its fields, its forms, its pages, and wrong parameters."""

from collections.abc import Iterator

import pytest

from tests.support.running import Winlogd
from tests.support.served import details, found, get, served, two_days


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with served(tmp_path_factory.mktemp("site"), two_days()) as server:
        yield server


def test_a_machine_has_its_latest_inventory_as_text(site: Winlogd) -> None:
    answer = found(site, "hardware")
    assert answer == {
        "hardware": [
            {
                "hostname": "A102-07",
                "room": "A102",
                "received_at": "2026-01-13T07:00:00.000000+00:00",
                "hardware_info": '{"cpu":"y","disks":[{"size":1}]}',
            }
        ],
        "next": None,
        "history": "complete",
    }


def test_words_and_a_room_choose_machines(site: Winlogd) -> None:
    assert len(found(site, "hardware", q="CPU y a102")["hardware"]) == 1
    assert found(site, "hardware", q='"cpu":"x"')["hardware"] == []
    assert found(site, "hardware", room="B1")["hardware"] == []
    assert len(found(site, "hardware", q=" ")["hardware"]) == 1


def test_wrong_parameters_are_named(site: Winlogd) -> None:
    assert details(site, "hardware", room="A103") == {"room": "is not a known room; did you mean A102?"}
    assert details(site, "hardware", q="") == {"q": "must not be empty"}
    assert list(details(site, "hardware", user="a", limit="0", cursor="x")) == ["user", "limit", "cursor"]


def test_it_comes_as_csv_and_as_lines_of_json(site: Winlogd) -> None:
    text = get(site, "hardware", format="csv").body.decode()
    assert text.splitlines() == [
        "hostname,room,received_at,hardware_info",
        'A102-07,A102,2026-01-13T07:00:00.000000+00:00,"{""cpu"":""y"",""disks"":[{""size"":1}]}"',
    ]
    assert get(site, "hardware", format="ndjson").body.count(b"\n") == 1
