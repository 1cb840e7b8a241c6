"""No answer is cut short in silence: a build may end, or a rebuild begin, between two pieces of a question."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.support.pasts import DAY, NOW_S, built, insert, nanoseconds, opened
from tests.support.reading import settings_of
from winlogd.sessions.doubts import Rules
from winlogd.sessions.rooms import Rooms
from winlogd.sessions.session import US
from winlogd.store.errors import PastChangedError
from winlogd.store.past import rebuild
from winlogd.store.read.access import Access
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.limits import Limits
from winlogd.store.read.sessions import FIRST_PAGE, Page, find_sessions

SESSIONS: Final = 30
SITE: Final = Site(Rooms({}), Rules(14 * 3600 * US, 24 * 3600 * US), UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.db"


@pytest.fixture
def archive(path: Path) -> Iterator[apsw.Connection]:
    """Return a database whose archive is in the past."""
    with opened(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            for number in range(2 * SESSIONS):
                moment = DAY + timedelta(minutes=number)
                insert(connection, "events_history", action="CD"[number % 2], session_uuid=f"s{number // 2}",
                       timestamp=f"{moment:%Y-%m-%dT%H:%M:%S}Z", server_timestamp=nanoseconds(moment))  # fmt: skip
        built(connection)
        yield connection


class Interrupted(Access):
    """Each session is a piece of its own. A rebuild begins after the fifth of the first question."""

    def __init__(self, path: Path, archive: apsw.Connection) -> None:
        super().__init__(settings_of(path), Limits(piece_s=0.0), lambda: False)
        self._archive = archive
        self._pieces = 0
        self.begin_question()

    def is_piece_over(self) -> bool:
        is_over = super().is_piece_over()
        self._pieces += 1
        if self._pieces == 5:
            with self._archive:
                rebuild.begin(self._archive)
                rebuild.clear_some(self._archive, 20)
        return is_over


def find(access: Access, before_key: int = FIRST_PAGE, limit: int = 1000) -> Page:
    return find_sessions(access, Filters(), SITE, int(NOW_S) * US, limit, before_key)


def test_a_page_says_of_which_epoch_it_is_and_how_much_of_the_archive_it_has(
    path: Path, archive: apsw.Connection
) -> None:
    with closing(Access(settings_of(path), Limits(), lambda: False)) as access:
        page = find(access)
    assert (len(page.found), page.next_key, page.epoch, page.history) == (SESSIONS, None, 2, "complete")


def test_a_first_page_begins_again_when_a_rebuild_begins_meanwhile(path: Path, archive: apsw.Connection) -> None:
    with closing(Interrupted(path, archive)) as access:
        page = find(access)
    assert len(page.found) == SESSIONS - 20, "all that is left, and nothing of before"
    assert (page.epoch, page.history) == (3, "building, 0 %")


def test_a_question_with_a_cursor_ends_when_a_rebuild_begins_meanwhile(path: Path, archive: apsw.Connection) -> None:
    with closing(Interrupted(path, archive)) as access:
        first = find(access, limit=2)
        assert (first.next_key is None, first.epoch) == (False, 2)
        with pytest.raises(PastChangedError):
            find(access, first.next_key or 0)
