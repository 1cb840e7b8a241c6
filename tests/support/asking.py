"""A reader and a naive search beside each other, which answer the same questions."""

import ipaddress
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Final

from tests.support.naive_past import Answer, Asked, NaivePast
from tests.support.random_days import Days
from winlogd.events.patterns import Pattern
from winlogd.sessions.doubts import Rules
from winlogd.sessions.rooms import Rooms
from winlogd.sessions.session import US
from winlogd.store.file.settings import Settings
from winlogd.store.past.names import address_digits
from winlogd.store.read.access import Access
from winlogd.store.read.filters import Filters, Site
from winlogd.store.read.limits import Limits
from winlogd.store.read.names import Addresses
from winlogd.store.read.sessions import FIRST_PAGE, find_sessions

SITE: Final = Site(Rooms({}), Rules(14 * 3600 * US, 24 * 3600 * US, inventory_at_boot=True), UTC)
"""A site without rooms whose machines report their hardware when they start."""


class Asking:
    """A reader and a naive search beside each other, on the database of some days."""

    def __init__(self, days: Days, access: Access, site: Site) -> None:
        self.days = days
        self.access = access
        self.site = site

    def naive(self) -> NaivePast:
        """Return a naive search in what is committed now."""
        return NaivePast(self.days.other, self.days.arrivals, self.site.rooms, self.site.rules, UTC, self.days.now_us)

    def page(self, asked: Asked, size: int, before_key: int = FIRST_PAGE) -> tuple[list[Answer], int | None]:
        """Return one page of the reader's answer, and where the next one begins."""
        self.access.begin_question()
        filters = filters_of(asked)
        page = find_sessions(self.access, filters, self.site, self.days.now_us, size, before_key)
        assert len(page.found) <= size
        answers = [Answer(each.session, each.room, each.certainty, each.doubt, each.reason) for each in page.found]
        return answers, page.next_key

    def read(self, asked: Asked, size: int) -> list[Answer]:
        """Return the whole of the reader's answer, page by page."""
        answers: list[Answer] = []
        key: int | None = FIRST_PAGE
        while key is not None:
            page, key = self.page(asked, size, key)
            assert page or key is None or not answers or key == answers[-1].session.key
            answers += page
        return answers

    def compare(self, asked: Asked, size: int = 1000) -> None:
        """Compare the two answers to one question."""
        assert self.read(asked, size) == self.naive().answers(asked), asked

    def compare_all(self, questions: list[tuple[Asked, int]]) -> None:
        """Compare the answers to many questions, each with its size of a page."""
        naive = self.naive()
        for asked, size in questions:
            assert self.read(asked, size) == naive.answers(asked), (asked, size)

    def moments(self) -> list[int]:
        """Return the moments at which something has begun or ended by one of the clocks."""
        sessions = self.naive().sessions
        moments = {each.received_us for each in sessions} | {self.days.now_us}
        for each in sessions:
            moments |= {each.connected_us or 0, each.logoff_received_us or 0, each.disconnected_us or 0}
        return sorted(moments)


@contextmanager
def asking(site: Site) -> Iterator[tuple[Days, Asking]]:
    """A server with an empty database, and a reader of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "winlog.db")
        with Days(path) as days:
            access = opened(path)
            try:
                yield days, Asking(days, access, site)
            finally:
                access.close()


def logon(days: Days, user: str = "alice", host: str | None = "PC-05", clock_us: int = 0) -> None:
    """Let a user log on now, by a clock that is ahead by `clock_us`."""
    days.event("C", user, host, "192.0.2.1", clock_us)


def logoff(days: Days, user: str = "alice", host: str | None = "PC-05", clock_us: int = 0) -> None:
    """Let a user log off now, by a clock that is ahead by `clock_us`."""
    days.event("D", user, host, "192.0.2.1", clock_us)


def users(both: Asking, asked: Asked) -> list[str]:
    """Return the users of an answer, which must be the naive search's, too."""
    both.compare(asked)
    return [answer.session.username for answer in both.read(asked, 1000)]


def opened(path: Path) -> Access:
    """Return a new reader of a database."""
    return Access(Settings(str(path), "WAL", "OFF", 30_000, 10_000), Limits(), lambda: False)


def filters_of(asked: Asked) -> Filters:
    """Return the filters of a question, as a request for it would have them."""
    parts = asked._asdict()
    parts["at_us"] = () if asked.at_us is None else (asked.at_us,)
    parts["ended_by"] = () if asked.ended_by is None else tuple(asked.ended_by.split(","))
    for name in ("user", "host"):
        parts[name] = None if parts[name] is None else Pattern(parts[name])
    if asked.ip is not None:
        network = ipaddress.ip_network(asked.ip)
        parts["ip"] = Addresses(*(address_digits(str(each)) for each in (network[0], network[-1])))
        if network.version == 4:
            assert parts["ip"].first.startswith(20 * "0" + "ffff")
    return Filters(**parts)
