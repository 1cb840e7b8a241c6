"""Times in answers: by the clocks of a zone, also on the days on which these are set."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from winlogd.api.session_fields import local_text

US: Final = 1_000_000
ZONES: Final = ("Europe/Paris", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "UTC")


def us_of(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_a_time_has_microseconds_and_the_offset_of_its_day() -> None:
    paris = ZoneInfo("Europe/Paris")
    assert local_text(us_of("2026-01-13T09:15:00Z"), paris) == "2026-01-13T10:15:00.000000+01:00"
    assert local_text(us_of("2026-07-13T22:15:00.000001Z"), paris) == "2026-07-14T00:15:00.000001+02:00"
    assert local_text(None, paris) is None


def test_on_the_day_on_which_the_clocks_are_set_each_time_has_its_own_offset() -> None:
    paris = ZoneInfo("Europe/Paris")
    assert local_text(us_of("2026-10-25T00:30:00Z"), paris) == "2026-10-25T02:30:00.000000+02:00"
    assert local_text(us_of("2026-10-25T01:30:00Z"), paris) == "2026-10-25T02:30:00.000000+01:00"


@pytest.mark.long
@pytest.mark.parametrize("name", ZONES)
def test_each_hour_of_many_years_is_what_the_zone_itself_says(name: str) -> None:
    zone = ZoneInfo(name)
    for hour in range(-20_000, 500_000, 13):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour, microseconds=1)
        said = local_text(hour * 3600 * US + 1, zone)
        assert said == moment.astimezone(zone).isoformat(timespec="microseconds")
