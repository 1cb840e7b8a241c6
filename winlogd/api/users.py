"""GET /api/v1/users/{username}: where a user is now, the machines used, the last sessions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from winlogd.api.parameters import Values
from winlogd.api.reading import Asked
from winlogd.api.session_fields import local_text, session_fields
from winlogd.events.patterns import Pattern
from winlogd.store.read.users import find_user, user_hours

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access


def user(values: Values, asked: Asked) -> "Callable[[Access], object | None]":
    """Return the question for one user, with the hours of the last 30 days where the site allows a profile."""
    site, now_us, username = asked.site, asked.now_us, Pattern("")
    try:
        username = Pattern(asked.path["username"])
        if not username.is_plain:  # the sums would be those of several people
            raise ValueError("must be one name; search finds a part of a name")
    except ValueError as fault:
        values.fault("username", str(fault))

    def find(access: "Access") -> object | None:
        details = find_user(access, username, site, now_us)
        if not asked.asker.sees_past:  # the answer does not tell whether a user who is not on is known
            on_now = () if details is None else details.open_sessions
            return {"username": asked.path["username"], "now": [session_fields(each, site.zone) for each in on_now]}
        if details is None:
            return None
        answer: dict[str, object] = {
            "username": details.username,
            "now": [session_fields(each, site.zone) for each in details.open_sessions],
            "last_seen": local_text(details.last_seen_us, site.zone),
            "machines": [
                {"hostname": each.hostname, "sessions": each.sessions, "last": local_text(each.last_us, site.zone)}
                for each in details.machines
            ],
            "sessions": [session_fields(each, site.zone) for each in details.sessions],
            "history": access.history(),
        }
        if site.person_profile:
            hours = user_hours(access, username, site, now_us)
            answer["profile"] = {
                "days": [{"day": day.isoformat(), "seconds": seconds} for day, seconds in hours.seconds.items()],
                "sessions": hours.sessions,
                "without_end": hours.without_end,
            }
        return answer

    return find
