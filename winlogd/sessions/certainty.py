"""How surely a user was on a machine at a moment.

Two clocks tell about a session: the workstation's and the server's. A session has a span by each of them. All times are
whole microseconds since 1970. Pure: no SQL, no clock, no I/O. `doubts` says what speaks against a session.
"""

from typing import Final, Literal, final

from winlogd.events.value import Value
from winlogd.sessions.doubts import Doubt, DoubtReason, Rules
from winlogd.sessions.session import US, Session

CLOCK_ERROR_US: Final = 300 * US
"""A workstation's clock is reported as wrong if it differs by more than this from the server's."""

Certainty = Literal["certain", "presumed", "doubtful"]
"""How surely a session was on at a moment."""
SUREST_FIRST: Final[tuple[Certainty, ...]] = ("certain", "presumed", "doubtful")


@final
class Grade(Value):
    """How surely a session was on at a moment.

    Attributes:
        certainty: the grade.
        reason: why it is doubtful: ``clock`` if only one clock's span holds the moment. None for the other grades.
    """

    __slots__ = ("certainty", "reason")

    def __init__(self, certainty: Certainty, reason: DoubtReason | Literal["clock"] | None = None) -> None:
        self.certainty: Final[Certainty] = certainty
        self.reason: Final = reason


CERTAIN: Final = Grade("certain")
PRESUMED: Final = Grade("presumed")
DOUBTFUL_BY_CLOCK: Final = Grade("doubtful", "clock")


@final
class _Span(Value):
    """The moments from `first_us` to `last_us`, both included. It is empty if the last is before the first."""

    __slots__ = ("first_us", "last_us")

    def __init__(self, first_us: int, last_us: int) -> None:
        self.first_us: Final = first_us
        self.last_us: Final = last_us

    def holds(self, moment_us: int) -> bool:
        """Return True if the moment is in the span."""
        return self.first_us <= moment_us <= self.last_us

    def common(self, other: "_Span") -> "_Span":
        """Return the span of the moments that are in both."""
        return _Span(max(self.first_us, other.first_us), min(self.last_us, other.last_us))

    @property
    def is_empty(self) -> bool:
        """Return True if no moment is in the span."""
        return self.last_us < self.first_us


def grade_at(session: Session, doubt: Doubt | None, at_us: int, rules: Rules) -> Grade | None:
    """Return how surely a session was on at the moment `at_us`; None if it was not.

    Args:
        session: the session. An orphan was never on.
        doubt: what `doubt_of` returns for it.
        at_us: the moment. It is not in the future.
        rules: what the administrator has set.
    """
    connected_us = session.connected_us
    if connected_us is None:
        return None
    by_client = _by_client(session, connected_us, rules).holds(at_us)
    by_receipt = _by_receipt(session, rules).holds(at_us)
    if by_client and by_receipt and session.ended_by == "client":
        return CERTAIN
    if not (by_client or by_receipt) or at_us > _cap_us(session, rules):
        return None
    if not (by_client and by_receipt):
        return DOUBTFUL_BY_CLOCK
    if session.is_open and (doubt is None or at_us < doubt.since_us):
        return PRESUMED
    return Grade("doubtful", "no_end" if doubt is None else doubt.reason)


def certainty_now(session: Session, doubt: Doubt | None, now_us: int, rules: Rules) -> Certainty:
    """Return the certainty that a listing shows if it asks for no moment.

    An open session has its certainty of now. It is doubtful if it has no grade now. An ended session, or an orphan, is
    certain if a client reported the end.
    """
    if not session.is_open:
        return "certain" if session.ended_by == "client" else "doubtful"
    grade = grade_at(session, doubt, now_us, rules)
    return "doubtful" if grade is None else grade.certainty


def next_turn_us(session: Session, rules: Rules, now_us: int) -> int | None:
    """Return the first moment after `now_us` at which time alone may change an open session's certainty or its reason.

    Return None if there is none.
    """
    moments = [session.connected_us or 0, session.received_us + rules.doubtful_after_us, _cap_us(session, rules) + 1]
    if rules.closing is not None:
        moments.append(rules.closing.first_after(session.received_us))
    return min((moment for moment in moments if moment > now_us), default=None)


def overlaps(session: Session, from_us: int, to_us: int, rules: Rules) -> bool:
    """Return True if `grade_at` gives the session a grade at some moment from `from_us` to `to_us`, both included."""
    asked = _Span(from_us, to_us)
    return any(not span.common(asked).is_empty for span in _graded(session, rules))


def span_us(session: Session, rules: Rules) -> tuple[int, int] | None:
    """Return the first and the last moment at which the session has a grade; None for an orphan.

    There may be moments between them without a grade: the clocks can differ by more than the session's length.
    """
    spans = _graded(session, rules)
    return (min(span.first_us for span in spans), max(span.last_us for span in spans)) if spans else None


def clock_error_seconds(session: Session) -> int | None:
    """Return by how many seconds the workstation's clock was ahead of the server's at the logon; None if it was right.

    It counts as right up to `CLOCK_ERROR_US`. The number is negative if the workstation's clock was behind. Parts of a
    second are cut off. A logon that reached the server late looks like a clock that is behind.
    """
    if session.connected_us is None:
        return None
    error_us = session.connected_us - session.received_us
    if abs(error_us) <= CLOCK_ERROR_US:
        return None
    seconds = abs(error_us) // US
    return seconds if error_us > 0 else -seconds


def duration_us(session: Session) -> int | None:
    """Return how long the session lasted by the workstation's clock; None if no client reported its end.

    The duration is 0 if the logoff claims to be earlier than the logon.
    """
    if session.ended_by != "client" or session.connected_us is None or session.disconnected_us is None:
        return None
    return max(0, session.disconnected_us - session.connected_us)


def _cap_us(session: Session, rules: Rules) -> int:
    """Return the last moment at which a session can have a grade, if a client did not report its end."""
    return session.received_us + rules.keep_open_us


def _by_client(session: Session, connected_us: int, rules: Rules) -> _Span:
    """Return the session's span by the workstation's clock. An unknown end is the cap."""
    end_us = session.disconnected_us
    return _Span(connected_us, _cap_us(session, rules) if end_us is None else max(connected_us, end_us))


def _by_receipt(session: Session, rules: Rules) -> _Span:
    """Return the session's span by the times of receipt. An unknown end is the cap."""
    end_us = session.logoff_received_us
    return _Span(session.received_us, _cap_us(session, rules) if end_us is None else max(session.received_us, end_us))


def _graded(session: Session, rules: Rules) -> list[_Span]:
    """Return the spans in which `grade_at` gives a grade: both clocks' up to the cap, and the certain one."""
    if session.connected_us is None:
        return []
    by_client, by_receipt = _by_client(session, session.connected_us, rules), _by_receipt(session, rules)
    cap_us = _cap_us(session, rules)
    spans = [_Span(span.first_us, min(span.last_us, cap_us)) for span in (by_client, by_receipt)]
    if session.ended_by == "client":
        spans.append(by_client.common(by_receipt))
    return [span for span in spans if not span.is_empty]
