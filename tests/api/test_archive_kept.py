"""The counts say how long the archive is kept, so that the pages can say it."""

from pathlib import Path

import pytest

from tests.support.served import NOW_US, SETTINGS, found, served, two_days

pytestmark = pytest.mark.long

TAKEN_OVER = "INSERT INTO winlogd_meta (key, value) VALUES ('taken_over', '1')"


@pytest.mark.parametrize(
    ("option", "before", "taken_over"),
    [
        ("", {"kept_days": 365, "is_decided": True}, {"kept_days": None, "is_decided": False}),
        ("history_days = 90", {"kept_days": 90, "is_decided": True}, {"kept_days": 90, "is_decided": True}),
        ("history_days = 0", {"kept_days": None, "is_decided": True}, {"kept_days": None, "is_decided": True}),
    ],
)
def test_the_default_deletes_nothing_of_a_database_that_was_taken_over(
    tmp_path: Path, option: str, before: dict[str, object], taken_over: dict[str, object]
) -> None:
    with served(tmp_path, two_days(), NOW_US, f"{SETTINGS}[retention]\n{option}\n") as server:
        assert found(server, "stats")["archive"] == before
        server.execute(TAKEN_OVER)
        assert found(server, "stats")["archive"] == taken_over
