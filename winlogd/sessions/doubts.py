"""What speaks against a session, and from which moment on.

All times are whole microseconds since 1970. Pure: no SQL, no clock, no I/O. A reader looks up the evidence and passes
it. This file must not know how sure a session is: see `certainty`.
"""

from collections.abc import Iterator
from typing import Final, Literal, final

from winlogd.events.patterns import Pattern
from winlogd.events.value import Value
from winlogd.sessions.closing import Closing
from winlogd.sessions.pair import UNKNOWN_HOST
from winlogd.sessions.session import Session

DoubtReason = Literal["no_end", "other_user", "restart", "closed", "age"]
"""What speaks against a session. Of two that begin at the same moment, the one that is named first here counts."""


@final
class Rules(Value):
    """What the administrator has set.

    Attributes:
        doubtful_after_us: how long after its logon's receipt a session becomes doubtful.
        keep_open_us: how long after its logon's receipt a session without a known end is reported at all.
        multi_user: the machines on which several users work at once.
        inventory_at_boot: True if machines report their hardware when they start.
        closing: when the site closes; None if that is not known.
    """

    __slots__ = ("closing", "doubtful_after_us", "inventory_at_boot", "keep_open_us", "multi_user")

    def __init__(
        self,
        doubtful_after_us: int,
        keep_open_us: int,
        multi_user: tuple[Pattern, ...] = (),
        inventory_at_boot: bool = False,
        closing: Closing | None = None,
    ) -> None:
        self.doubtful_after_us: Final = doubtful_after_us
        self.keep_open_us: Final = keep_open_us
        self.multi_user: Final = multi_user
        self.inventory_at_boot: Final = inventory_at_boot
        self.closing: Final = closing


@final
class Evidence(Value):
    """What came from a session's machine after its logon.

    Attributes:
        other_user_us: the receipt of the first logon of another user (folded); None if there was none.
        restart_us: the receipt of the first description of hardware; None if there was none.
    """

    __slots__ = ("other_user_us", "restart_us")

    def __init__(self, other_user_us: int | None = None, restart_us: int | None = None) -> None:
        self.other_user_us: Final = other_user_us
        self.restart_us: Final = restart_us


@final
class Doubt(Value):
    """What speaks against a session, and from which moment on."""

    __slots__ = ("reason", "since_us")

    def __init__(self, reason: DoubtReason, since_us: int) -> None:
        self.reason: Final[DoubtReason] = reason
        self.since_us: Final = since_us


def doubt_of(session: Session, evidence: Evidence, rules: Rules, now_us: int) -> Doubt | None:
    """Return the first thing that speaks against a session, up to `now_us`; None if nothing does.

    Where a client reported the end, only what came before the receipt of that report counts. Nothing speaks against an
    orphan: it claims no presence.
    """
    if session.is_orphan:
        return None
    last_us = now_us
    if session.ended_by == "client" and session.logoff_received_us is not None:
        last_us = min(now_us, session.logoff_received_us - 1)
    first: Doubt | None = None
    for reason, since_us in _doubts(session, evidence, rules):
        if since_us <= last_us and (first is None or since_us < first.since_us):  # of equal ones, the first
            first = Doubt(reason, since_us)
    return first


def _doubts(session: Session, evidence: Evidence, rules: Rules) -> Iterator[tuple[DoubtReason, int]]:
    """Yield all that speaks against a session at any time, and since when, in the order of `DoubtReason`."""
    if session.ended_by in ("auto", "expired"):
        yield "no_end", session.received_us
    other_user_us, restart_us = evidence.other_user_us, evidence.restart_us
    has_evidence = other_user_us is not None or restart_us is not None
    if has_evidence and (host := session.host) != UNKNOWN_HOST:  # that is many machines
        if other_user_us is not None and not any(each.matches_host(host) for each in rules.multi_user):
            yield "other_user", other_user_us
        if restart_us is not None and rules.inventory_at_boot:
            yield "restart", restart_us
    if rules.closing is not None:
        yield "closed", rules.closing.first_after(session.received_us)
    yield "age", session.received_us + rules.doubtful_after_us
