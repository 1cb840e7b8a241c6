"""The configuration becomes a site: rooms, doubts, periods. What is wrong with rooms ends the start with status 2."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from tests.support.configured import from_toml
from tests.support.running import an_event, run_to_end, running
from winlogd.config.load import ConfigError, may_contradict
from winlogd.config.sections import Config
from winlogd.daemon.site import idle_patterns, site_of
from winlogd.sessions.period import Period

DAY = date(2026, 1, 13)

SCHOOL = """
[server]
timezone = "Europe/Paris"
[rotation]
keep_open_hours = 20
[rooms]
A102 = ["A102-*"]
from_hostname = "{room}-*"
silent_days = 5
rooms_file = "rooms.csv"
[rooms.aliases]
S12 = "A102"
[sessions]
multi_user = ["TS-*"]
inventory_at_boot = true
doubtful_after_hours = 12.5
closing = "19:00"
[sessions.closing_exceptions]
2026-01-14 = ""
2026-01-15 = "12:00"
[periods]
M2 = "09:00-10:00"
[privacy]
person_profile = true
"""
LIST = "hostname,room,from,to,state\nPC-1,S12,,2025-12-31,\nPC-1,Library,2026-01-01,,out_of_order\n"


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


def test_a_site_is_what_the_configuration_says(folder: Path) -> None:
    (folder / "rooms.csv").write_text(LIST)
    site = site_of(from_toml(folder, SCHOOL))

    assert site.rooms.room_of("a102-07.school.local", DAY) == "A102"
    assert site.rooms.room_of("b7-1", DAY) == "B7"
    assert site.rooms.room_of("pc-1", DAY) == "Library"
    assert site.rooms.room_of("PC-1", date(2025, 5, 5)) == "A102"
    assert site.rooms.canonical("s12") == "A102"
    assert [place.state for place in site.rooms.expected(DAY).values()] == ["out_of_order"]

    rules = site.rules
    assert (rules.doubtful_after_us, rules.keep_open_us) == (45_000_000_000, 72_000_000_000)
    assert [pattern.text for pattern in rules.multi_user] == ["ts-*"]
    assert rules.inventory_at_boot
    assert rules.closing is not None
    assert rules.closing.first_after(us("2026-01-13T12:00:00+01:00")) == us("2026-01-13T19:00:00+01:00")
    assert rules.closing.first_after(us("2026-01-13T20:00:00+01:00")) == us("2026-01-15T12:00:00+01:00")

    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(site.zone).hour == 2
    assert site.silent_days == 5
    assert site.periods == (Period("M2", time(9), time(10)),)
    assert site.person_profile


def test_without_a_configuration_there_are_no_rooms_and_the_defaults_of_the_specification() -> None:
    site = site_of(Config())
    assert site.rooms.names(["A102-07"]) == []
    assert (site.rules.doubtful_after_us, site.rules.keep_open_us) == (14 * 3_600_000_000, 24 * 3_600_000_000)
    assert (site.rules.multi_user, site.rules.inventory_at_boot, site.rules.closing) == ((), False, None)
    assert (site.zone, site.silent_days, site.periods, site.person_profile) == (None, 10, (), False)


CIRCLE = '[rooms.aliases]\nA = "B"\nB = "a"\n'


def test_all_that_is_wrong_with_rooms_is_reported_at_once(folder: Path) -> None:
    (folder / "rooms.csv").write_text("hostname,room\nPC-1,A\nPC-2,\n")
    config = from_toml(folder, f'[rooms]\nrooms_file = "rooms.csv"\n{CIRCLE}')
    assert may_contradict(config)
    with pytest.raises(ConfigError) as caught:
        site_of(config)
    list_fault, circle_fault = caught.value.faults
    assert list_fault.startswith('rooms.rooms_file = "')
    assert list_fault.endswith(": line 3: the room is missing")
    assert circle_fault == "[rooms.aliases]: the alias 'A' leads back to itself"


def test_a_fault_in_the_list_fits_a_terminal(folder: Path) -> None:
    (folder / "rooms.csv").write_text("hostname,room,state\nPC-1,A,\x1b[2J" + "x" * 10_000)
    with pytest.raises(ConfigError) as caught:
        site_of(from_toml(folder, '[rooms]\nrooms_file = "rooms.csv"\n'))
    (fault,) = caught.value.faults
    assert fault.isprintable()
    assert len(fault) < 500


@pytest.mark.parametrize("words", [("serve",), ("check-config",)])
def test_wrong_rooms_end_the_start_and_the_check_with_status_2(words: tuple[str, ...], folder: Path) -> None:
    (folder / "config.toml").write_text(CIRCLE)
    ended = run_to_end(folder, *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "winlogd: [rooms.aliases]: the alias 'A' leads back to itself\n"


def test_the_check_reports_rooms_and_the_certificate_together(folder: Path) -> None:
    tls = '[server]\ntls_port = 1\ntls_certificate = "absent.pem"\ntls_key = "config.toml"\n'
    (folder / "config.toml").write_text(tls + CIRCLE)
    lines = run_to_end(folder, "check-config").stderr.splitlines()
    assert [line.split()[1] for line in lines] == ["[rooms.aliases]:", "server.tls_certificate"]


def test_a_server_with_rooms_starts(folder: Path) -> None:
    (folder / "rooms.csv").write_text(LIST)
    with running(folder, SCHOOL) as server:
        assert server.post(an_event()).status == 200


# Patterns that match nothing


IDLE = """
[rooms]
A102 = ["A102-*", "A201-*"]
"B 1" = ["*.school.local"]
[sessions]
multi_user = ["TS-*"]
"""
OF_ALL = "matches none of the 2 machines in the database; does it have the right letters and stars?"


def test_a_pattern_that_matches_no_machine_is_warned_of(folder: Path) -> None:
    config = from_toml(folder, IDLE)
    assert idle_patterns(config, ["a102-07.", "b1-1.school.local", "A102-07"]) == [
        f'rooms.A102: "A201-*" {OF_ALL}',
        f'sessions.multi_user: "TS-*" {OF_ALL}',
    ]
    config = from_toml(folder, '[rooms]\nfrom_hostname = "{room}_*"')
    assert idle_patterns(config, ["A102-07", "B"]) == [f'rooms.from_hostname = "{{room}}_*": {OF_ALL}']
    assert idle_patterns(config, ["A102_07"]) == []


def test_without_any_machine_no_pattern_is_warned_of(folder: Path) -> None:
    assert idle_patterns(from_toml(folder, IDLE), []) == []


def test_check_config_looks_for_the_machines_in_the_database(folder: Path) -> None:
    with running(folder, IDLE) as server:
        assert server.post(an_event(hostname="A102-07")).status == 200
        assert _warned(folder) == [
            'rooms.A102: "A201-*"',
            'rooms."B 1": "*.school.local"',
            'sessions.multi_user: "TS-*"',
        ]
        assert server.post(an_event(hostname="ts-1.school.local")).status == 200
        assert _warned(folder) == ['rooms.A102: "A201-*"']
    files = sorted(path.name for path in server.database.parent.iterdir())
    assert _warned(folder) == ['rooms.A102: "A201-*"']
    assert sorted(path.name for path in server.database.parent.iterdir()) == files


def _warned(folder: Path) -> list[str]:
    """Return what check-config warns of, without the words that all warnings share."""
    ended = run_to_end(folder, "check-config")
    assert ended.returncode == 0
    return [line.removeprefix("winlogd: ").partition(" matches")[0] for line in ended.stderr.splitlines()]
