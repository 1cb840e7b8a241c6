"""Count what a hold means, so that a person notices a mistyped name.

This file must not know how a hold is stored.
"""

from typing import TYPE_CHECKING, Final

from winlogd.commands.reader import answer_to
from winlogd.commands.remote import Fields
from winlogd.config.sections import Config
from winlogd.daemon.site import site_of
from winlogd.events.patterns import Pattern
from winlogd.store.past.holds import WITHOUT_HOST
from winlogd.store.read.filters import Filters
from winlogd.store.read.sessions import find_sessions

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access

_MOST: Final = 10_000
"""Count no further: a person only wants to know if a hold means something."""


def sessions_meant(config: Config, path: str, line: str, hold: Fields, now_us: int) -> str:
    """Return how many sessions a hold means so far, such as ``2 sessions``.

    Args:
        config: the configuration.
        path: the database's real path.
        line: the command line, for advice.
        hold: the members of a `Hold`.
        now_us: the wall clock, in microseconds since 1970.

    Raises:
        ConfigError: the list of machines is wrong.
        FailedError: the database cannot be read.
    """
    user = None if hold["user"] is None else Pattern(hold["user"])
    hosts = [hold["host"], *([""] if hold["host"] == WITHOUT_HOST else [])]  # a name that is missing compares as ""
    site = site_of(config)

    def count(access: "Access") -> int:
        found = 0
        for host in hosts:
            pattern = None if host is None else Pattern(host)
            filters = Filters(user=user, host=pattern, from_us=hold["from_us"], to_us=hold["to_us"])
            found += len(find_sessions(access, filters, site, now_us, _MOST).found)
        return found

    found = answer_to(config, path, line, count, is_repeatable=True)
    return f"at least {_MOST} sessions" if found >= _MOST else f"{found} sessions"
